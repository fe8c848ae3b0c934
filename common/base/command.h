#pragma once
/*
 * command: subcommands and their options as tables, from which parsing,
 * --help and shell completion come.  Usage errors are printed with what would
 * be right, and exit with 2.  For main threads only.
 */
#include "common/base/slice.h"

enum option_type { OPTION_FLAG, OPTION_TEXT, OPTION_INT, OPTION_LIST };

/* A parsed value lands at offset in the command's own struct of options. */
struct option_spec {
	const char *name;  /* "state": --state VALUE or --state=VALUE */
	const char *value; /* what --help calls it: "DIR"; NULL for a flag */
	enum option_type type;
	size_t offset; /* of bool, const char *, int64_t, option_list */
	bool required;
	int64_t min, max; /* OPTION_INT */
	const char *help; /* one line, with the default if there is one */
};

#define OPTION_LIST_MAX 64
struct option_list {
	const char *items[OPTION_LIST_MAX];
	size_t count;
};

struct command {
	const char *name;     /* "token create": one or two words */
	const char *operands; /* "NAME", "[ID]" or NULL */
	const char *summary;  /* one line for the list */
	const char *text;     /* paragraphs and an example for --help */
	const struct option_spec *options;
	size_t options_count;
	size_t options_bytes; /* size of the struct they fill, zeroed first */
	int operands_min, operands_max;
	/* Gives the exit status; operands are argv-like. */
	int (*run)(const void *options, int count, char *const *operands);
	/* Instead of run: of commands without operands that are rows of one
	 * table, each `row` in its own way. */
	int (*run_row)(const void *row, const void *options);
	const void *row;
};

/* A heading of --help, above the command that it begins with. */
struct chapter {
	const struct command *first;
	const char *title;
};

/* A program: what it is and its commands. */
struct program {
	const char *name;
	const char *about; /* two or three lines */
	const char *version;
	const struct command *const *commands;
	size_t commands_count;
	const struct chapter *chapters; /* none: all are "Commands" */
	size_t chapters_count;
};

/*
 * Find the command, parse, run; handles --help, help COMMAND, --version and
 * `completion bash` or zsh.  Suggests the nearest word for an unknown one.
 */
int program_run(const struct program *p, int argc, char **argv);

/* Of `words`, the one nearest to `to` if it is near enough, else NULL. */
const char *nearest_word(struct slice to, const char *const *words,
    size_t count);
