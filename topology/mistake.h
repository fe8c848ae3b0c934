#pragma once
/*
 * mistake: what is wrong in a folder, with its place.  All mistakes of all
 * files are collected and shown in the order of the files, so one run of the
 * tool is enough to mend everything.  Owned by one thread.
 */
#include "common/format/yaml.h"

struct arena;
struct buf;
struct json_writer;

#define MISTAKES_MAX 200

/* A file as messages name it. */
struct source {
	const char *name; /* "egress/central.yaml" */
	struct slice text;
	int order; /* mistakes are sorted by it */
};

struct mistake {
	const struct source *source;
	struct yaml_place place; /* line 0: of the file as a whole */
	const char *text;
};

struct mistakes {
	struct arena *arena;
	struct mistake items[MISTAKES_MAX];
	size_t count;
	size_t more; /* that found no room */
};

void mistakes_init(struct mistakes *m, struct arena *arena);

void mistake_add(struct mistakes *m, const struct source *source,
    struct yaml_place place, const char *fmt, ...) like_printf(4, 5);

/* The same about the file as a whole. */
void mistake_of_file(struct mistakes *m, const struct source *source,
    const char *fmt, ...) like_printf(3, 4);

/* "file:line:col: text", the source line and a caret, in order. */
void mistakes_put(struct mistakes *m, struct buf *out);

/* An array of {file, line, col, text}. */
void mistakes_put_json(struct mistakes *m, struct json_writer *w);
