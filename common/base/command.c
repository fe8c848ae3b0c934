#include "common/base/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/completion.h"
#include "common/base/memory.h"

#define EXIT_USAGE   2
#define WORD_MAX     64 /* longer words have no near ones */
#define WORDS_MAX    128
#define HELP_COLUMN  30
#define LIST_COLUMN  18
#define HELP_WIDTH   80
#define OPERANDS_MAX 256

/* One command line while it is parsed. */
struct parse {
	const struct program *program;
	const struct command *command;
	char *options; /* the command's struct */
	bool *given;   /* of each option */
	char *operands[OPERANDS_MAX];
	int count;
};

/*
 * Edits that lead from one word to the other: characters put in, left out,
 * changed or swapped with their neighbour (optimal string alignment).
 */
static size_t
distance(struct slice a, struct slice b)
{
	size_t rows[3][WORD_MAX + 1], i, k, best;
	size_t *before = rows[0], *last = rows[1], *now = rows[2], *spare;

	for (k = 0; k <= b.len; k++)
		last[k] = k;
	for (i = 1; i <= a.len; i++) {
		now[0] = i;
		for (k = 1; k <= b.len; k++) {
			bool same = a.ptr[i - 1] == b.ptr[k - 1];

			best = last[k - 1] + !same;
			best = min_size(best, last[k] + 1);
			best = min_size(best, now[k - 1] + 1);
			if (i > 1 && k > 1 && a.ptr[i - 1] == b.ptr[k - 2] &&
			    a.ptr[i - 2] == b.ptr[k - 1])
				best = min_size(best, before[k - 2] + 1);
			now[k] = best;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[b.len];
}

const char *
nearest_word(struct slice to, const char *const *words, size_t count)
{
	/* One mistake in short words, a third of long ones. */
	size_t nearest = to.len / 3 > 1 ? to.len / 3 + 1 : 2, d, i;
	const char *found = NULL;

	if (to.len == 0 || to.len > WORD_MAX)
		return NULL;
	for (i = 0; i < count; i++) {
		if (strlen(words[i]) > WORD_MAX)
			continue;
		d = distance(to, slice_of(words[i]));
		if (d < nearest && d < to.len) {
			nearest = d;
			found = words[i];
		}
	}
	return found;
}

static int
usage_error(const struct program *p, const struct command *c)
{
	if (c != NULL)
		fprintf(stderr, "Try '%s %s --help'.\n", p->name, c->name);
	else
		fprintf(stderr, "Try '%s --help'.\n", p->name);
	return EXIT_USAGE;
}

/* Words on their way to the terminal: where lines begin, where this one is. */
struct flow {
	size_t column, at;
};

/* Of UTF-8 text, in characters. */
static size_t
width_of(const char *text, size_t len)
{
	size_t i, width = 0;

	for (i = 0; i < len; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

/* One line of words, broken where it would pass the terminal's edge. */
static void
put_words(struct flow *f, const char *text, size_t len)
{
	const char *end = text + len;
	size_t gap, word, width;

	while (text < end) {
		gap = strspn(text, " ");
		text += gap;
		word = strcspn(text, " \n");
		width = width_of(text, word);
		if (f->at == f->column)
			gap = 0;
		else if (gap == 0)
			gap = 1;
		if (gap > 0 && f->at + gap + width > HELP_WIDTH) {
			printf("\n%*s", (int)f->column, "");
			f->at = f->column;
			gap = 0;
		}
		printf("%*s%.*s", (int)gap, "", (int)word, text);
		f->at += gap + width;
		text += word;
	}
}

/* A name on the left, what it means on the right. */
static void
print_entry(size_t left, const char *name, const char *text)
{
	struct flow f = { .column = left + 3, .at = left + 3 };

	printf("  %-*s ", (int)left, name);
	put_words(&f, text, strlen(text));
	printf("\n");
}

/* Lines of a paragraph are one; indented ones and examples stay as they are. */
static void
print_text(const char *text)
{
	static const char example[] = "Example:";
	struct flow f = { 0 };
	size_t len;
	bool stays;

	for (; *text != '\0'; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		stays = len == 0 || *text == ' ' ||
			strncmp(text, example, sizeof(example) - 1) == 0;
		if (!stays) {
			put_words(&f, text, len);
			continue;
		}
		printf("%s%.*s\n", f.at > 0 ? "\n" : "", (int)len, text);
		f.at = 0;
	}
	if (f.at > 0)
		printf("\n");
}

static void
print_chapter(const struct program *p, const struct command *c)
{
	size_t i;

	for (i = 0; i < p->chapters_count; i++)
		if (p->chapters[i].first == c)
			printf("\n%s:\n", p->chapters[i].title);
}

static void
print_program_help(const struct program *p)
{
	size_t i;

	printf("usage: %s COMMAND [OPTIONS]\n\n%s\n%s", p->name, p->about,
	    p->chapters_count == 0 ? "\nCommands:\n" : "");
	for (i = 0; i < p->commands_count; i++) {
		print_chapter(p, p->commands[i]);
		print_entry(LIST_COLUMN, p->commands[i]->name,
		    p->commands[i]->summary);
	}
	print_entry(LIST_COLUMN, "completion SHELL",
	    "print a script by which bash or zsh completes words");
	printf("\n%s COMMAND --help tells more; %s --version.\n", p->name,
	    p->name);
}

static void
print_option(const struct option_spec *o)
{
	char left[HELP_COLUMN + 64], right[256];

	snprintf(left, sizeof(left), "--%s%s%s", o->name,
	    o->type == OPTION_FLAG ? "" : " ",
	    o->type == OPTION_FLAG ? "" : o->value);
	snprintf(right, sizeof(right), "%s%s%s", o->help,
	    o->required ? " (required)" : "",
	    o->type == OPTION_LIST ? " (may be repeated)" : "");
	print_entry(HELP_COLUMN, left, right);
}

static void
print_command_help(const struct program *p, const struct command *c)
{
	size_t i;

	printf("usage: %s %s%s%s%s\n\n%s\n", p->name, c->name,
	    c->options_count > 0 ? " [OPTIONS]" : "",
	    c->operands != NULL ? " " : "",
	    c->operands != NULL ? c->operands : "", c->summary);
	if (c->text != NULL) {
		printf("\n");
		print_text(c->text);
	}
	if (c->options_count > 0)
		printf("\nOptions:\n");
	for (i = 0; i < c->options_count; i++)
		print_option(&c->options[i]);
}

/* "get": all commands of two words that begin so; false: none does. */
static bool
print_family(const struct program *p, const char *first)
{
	size_t i, len = strlen(first), left = 0, count = 0;

	for (i = 0; i < p->commands_count; i++) {
		const char *name = p->commands[i]->name;

		if (strncmp(name, first, len) == 0 && name[len] == ' ') {
			left = strlen(name) > left ? strlen(name) : left;
			count++;
		} else if (strcmp(name, first) == 0) {
			return false; /* it has a help of its own */
		}
	}
	if (count == 0)
		return false;
	printf("usage: %s %s WHAT [OPTIONS]\n\nCommands:\n", p->name, first);
	for (i = 0; i < p->commands_count; i++)
		if (strncmp(p->commands[i]->name, first, len) == 0 &&
		    p->commands[i]->name[len] == ' ')
			print_entry(left + 1, p->commands[i]->name,
			    p->commands[i]->summary);
	printf("\n%s %s WHAT --help tells more.\n", p->name, first);
	return true;
}

static bool
is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* How many words of argv name the command; 0 when they do not. */
static int
words_match(const struct command *c, int argc, char **argv)
{
	const char *name = c->name, *space = strchr(name, ' ');

	if (argc >= 1 && space == NULL)
		return strcmp(argv[0], name) == 0;
	if (argc >= 2 && space != NULL &&
	    strlen(argv[0]) == (size_t)(space - name) &&
	    strncmp(argv[0], name, (size_t)(space - name)) == 0 &&
	    strcmp(argv[1], space + 1) == 0)
		return 2;
	return 0;
}

static const struct command *
find_command(const struct program *p, int argc, char **argv, int *used)
{
	size_t i;

	for (i = 0; i < p->commands_count; i++) {
		*used = words_match(p->commands[i], argc, argv);
		if (*used > 0)
			return p->commands[i];
	}
	return NULL;
}

/* The commands "token create" and "token list" for a lone "token". */
static bool
print_seconds(const struct program *p, const char *first)
{
	size_t i, len = strlen(first);
	bool found = false;

	for (i = 0; i < p->commands_count; i++) {
		const char *name = p->commands[i]->name;

		if (strncmp(name, first, len) != 0 || name[len] != ' ')
			continue;
		fprintf(stderr, "%s '%s'", found ? "," : "Which one:", name);
		found = true;
	}
	if (found)
		fprintf(stderr, "?\n");
	return found;
}

static int
unknown_command(const struct program *p, int argc, char **argv)
{
	const char *words[WORDS_MAX], *near;
	char both[2 * WORD_MAX + 2];
	size_t i;

	if (print_seconds(p, argv[0]))
		return usage_error(p, NULL);
	for (i = 0; i < p->commands_count && i < WORDS_MAX; i++)
		words[i] = p->commands[i]->name;
	snprintf(both, sizeof(both), "%.*s %.*s", WORD_MAX, argv[0], WORD_MAX,
	    argc > 1 ? argv[1] : "");
	near = nearest_word(slice_of(argv[0]), words, i);
	if (near == NULL)
		near = nearest_word(slice_of(both), words, i);
	fprintf(stderr, "%s: there is no command '%s'", p->name, argv[0]);
	if (near != NULL)
		fprintf(stderr, "; did you mean '%s'?", near);
	fputc('\n', stderr);
	return usage_error(p, NULL);
}

static const struct option_spec *
find_option(const struct parse *parse, struct slice name)
{
	const struct command *c = parse->command;
	const char *words[WORDS_MAX], *near;
	size_t i;

	for (i = 0; i < c->options_count; i++)
		if (slice_is(name, c->options[i].name))
			return &c->options[i];
	for (i = 0; i < c->options_count && i < WORDS_MAX; i++)
		words[i] = c->options[i].name;
	near = nearest_word(name, words, i);
	fprintf(stderr, "%s %s: there is no option --%.*s",
	    parse->program->name, c->name, SLICE_FMT(name));
	if (near != NULL)
		fprintf(stderr, "; did you mean --%s?", near);
	fputc('\n', stderr);
	return NULL;
}

/* Put the value where the command's struct wants it. */
static bool
store(struct parse *parse, const struct option_spec *o, const char *value)
{
	void *at = parse->options + o->offset;
	struct option_list *list = at;
	intmax_t number;
	char *end;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return true;
	case OPTION_TEXT:
		*(const char **)at = value;
		return true;
	case OPTION_LIST:
		if (list->count == OPTION_LIST_MAX) {
			fprintf(stderr, "--%s: at most %d times\n", o->name,
			    OPTION_LIST_MAX);
			return false;
		}
		list->items[list->count++] = value;
		return true;
	case OPTION_INT:
		errno = 0;
		number = strtoimax(value, &end, 10);
		if (*value == '\0' || *end != '\0' || errno != 0 ||
		    number < o->min || number > o->max) {
			fprintf(stderr,
			    "--%s: '%s' is no number from %jd to %jd\n",
			    o->name, value, (intmax_t)o->min, (intmax_t)o->max);
			return false;
		}
		*(int64_t *)at = number;
		return true;
	}
	return false;
}

/* One "--name", "--name=value" or "--name value"; false when it is wrong. */
static bool
take_option(struct parse *parse, int argc, char **argv, int *at)
{
	const char *text = argv[*at] + 2, *value = strchr(text, '=');
	struct slice name = slice_of(text);
	const struct option_spec *o;
	size_t index;

	if (value != NULL)
		name.len = (size_t)(value++ - text);
	o = find_option(parse, name);
	if (o == NULL)
		return false;
	index = (size_t)(o - parse->command->options);
	if (o->type == OPTION_FLAG && value != NULL) {
		fprintf(stderr, "--%s takes no value\n", o->name);
		return false;
	}
	if (o->type != OPTION_FLAG && value == NULL) {
		if (*at + 1 == argc) {
			fprintf(stderr, "--%s needs a value: %s\n", o->name,
			    o->value);
			return false;
		}
		value = argv[++*at];
	}
	if (parse->given[index] && o->type != OPTION_LIST) {
		fprintf(stderr, "--%s is given twice\n", o->name);
		return false;
	}
	parse->given[index] = true;
	return store(parse, o, value);
}

static bool
complete(const struct parse *parse)
{
	const struct command *c = parse->command;
	size_t i;

	for (i = 0; i < c->options_count; i++)
		if (c->options[i].required && !parse->given[i]) {
			fprintf(stderr, "%s %s: --%s %s is missing\n",
			    parse->program->name, c->name, c->options[i].name,
			    c->options[i].value);
			return false;
		}
	if (parse->count < c->operands_min) {
		fprintf(stderr, "%s %s: %s is missing\n", parse->program->name,
		    c->name, c->operands);
		return false;
	}
	if (parse->count > c->operands_max) {
		fprintf(stderr, "%s %s: '%s' is one too many\n",
		    parse->program->name, c->name,
		    parse->operands[c->operands_max]);
		return false;
	}
	return true;
}

/* False after an error; *help when that is what was asked for. */
static bool
take_all(struct parse *parse, int argc, char **argv, bool *help)
{
	bool only_operands = false;
	int i;

	for (i = 0; i < argc; i++) {
		const char *arg = argv[i];

		if (!only_operands && strcmp(arg, "--") == 0) {
			only_operands = true;
		} else if (!only_operands && is_help(arg)) {
			*help = true;
			return true;
		} else if (!only_operands && strncmp(arg, "--", 2) == 0) {
			if (!take_option(parse, argc, argv, &i))
				return false;
		} else if (!only_operands && arg[0] == '-' && arg[1] != '\0') {
			fprintf(stderr, "%s: options begin with --\n", arg);
			return false;
		} else if (parse->count == OPERANDS_MAX) {
			fprintf(stderr, "too many operands\n");
			return false;
		} else {
			parse->operands[parse->count++] = argv[i];
		}
	}
	return complete(parse);
}

static int
run(const struct command *c, const struct parse *parse)
{
	if (c->run_row != NULL)
		return c->run_row(c->row, parse->options);
	return c->run(parse->options, parse->count, parse->operands);
}

static int
run_command(const struct program *p, const struct command *c, int argc,
    char **argv)
{
	struct parse *parse = xcalloc(1, sizeof(*parse));
	int status = EXIT_USAGE;
	bool help = false;

	*parse = (struct parse){ .program = p, .command = c };
	parse->options = xcalloc(1, c->options_bytes);
	parse->given = xcalloc(c->options_count, sizeof(bool));
	if (!take_all(parse, argc, argv, &help))
		usage_error(p, c);
	else if (help) {
		print_command_help(p, c);
		status = EXIT_SUCCESS;
	} else {
		status = run(c, parse);
	}
	free(parse->given);
	free(parse->options);
	free(parse);
	return status;
}

static int
help_on(const struct program *p, int argc, char **argv)
{
	const struct command *c;
	int used;

	if (argc == 0) {
		print_program_help(p);
		return EXIT_SUCCESS;
	}
	c = find_command(p, argc, argv, &used);
	if (c == NULL && argc == 1 && print_family(p, argv[0]))
		return EXIT_SUCCESS;
	if (c == NULL)
		return unknown_command(p, argc, argv);
	print_command_help(p, c);
	return EXIT_SUCCESS;
}

int
program_run(const struct program *p, int argc, char **argv)
{
	const struct command *c;
	int used;

	argc--;
	argv++;
	if (argc <= 0) {
		print_program_help(p);
		return EXIT_USAGE;
	}
	if (is_help(argv[0]) || strcmp(argv[0], "help") == 0)
		return help_on(p, argc - 1, argv + 1);
	if (strcmp(argv[0], "--version") == 0) {
		printf("%s %s\n", p->name, p->version);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && strcmp(argv[0], "completion") == 0 &&
	    completion_print(p, argv[1]))
		return EXIT_SUCCESS;
	if (argc == 2 && is_help(argv[1]) && print_family(p, argv[0]))
		return EXIT_SUCCESS;
	c = find_command(p, argc, argv, &used);
	if (c == NULL)
		return unknown_command(p, argc, argv);
	return run_command(p, c, argc - used, argv + used);
}
