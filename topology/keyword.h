#pragma once
/*
 * keyword: the language of the topology files as tables.  A table describes a
 * mapping: its keys, what each may be, and where it goes in a struct.  From
 * the same tables come the reading, the errors, the JSON Schema and the
 * reference.
 */
#include "topology/mistake.h"
#include "topology/value.h"

enum keyword_form {
	FORM_ONE,  /* a scalar, or a mapping when there is a table */
	FORM_LIST, /* of scalars, or of mappings when there is a table */
	FORM_SET,  /* a list of words, to the bits of an unsigned */
	FORM_MAP   /* of names to mappings, or to scalars without a table */
};

struct table;

struct keyword {
	const char *name;
	enum keyword_form form;
	enum value_type type;      /* of scalars */
	const struct table *table; /* of mappings */
	bool later;    /* known, but not acted on: an error that says so */
	bool required; /* else `fallback`, or zero */
	bool empty;    /* a set that may list nothing */
	const char *fallback; /* as it would be written */
	int64_t min, max;     /* of numbers; both 0: any */
	/*
	 * Of the value; of a list or map, of a pointer to it.  In a map of
	 * scalars an entry is its name, and the scalar right behind.
	 */
	size_t offset;
	size_t count_offset; /* of a size_t: entries of a list or map */
	size_t inline_max;   /* a list that lies in the struct: its room */
	size_t items_max;    /* more entries are an error: `more` says what */
	const char *more;
	const char *placeholder; /* what to do about a key not yet put in */
	const char *help;
};

struct reader;

struct table {
	const char *name; /* what one such mapping is: "member" */
	const struct keyword *keywords;
	size_t count;
	size_t bytes;             /* of the struct */
	enum value_type key_type; /* in a map; its key goes to offset 0 */
	bool some;                /* has to say at least one of its keys */
	/* Complete a record that was read; may be NULL. */
	void (*finish)(struct reader *r, const struct yaml_node *node,
	    void *record);
};

struct reader {
	struct arena *arena;
	struct mistakes *mistakes;
	const struct source *source;
};

/*
 * Read the mapping into `record`, which is zeroed.  What is wrong is added
 * to the mistakes; what could be read is in the record all the same.
 */
void table_read(struct reader *r, const struct table *table,
    const struct yaml_node *node, void *record);

/* NULL when there is none. */
const struct keyword *table_find(const struct table *table, struct slice name);
