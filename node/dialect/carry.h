#pragma once
/*
 * carry: what requests can have in them that not every dialect can say, and
 * what becomes of it (carry.def).  A caller's face notes what it meets; for
 * a target, what it cannot say is dropped if the group allows it, or makes
 * the target not eligible.  Nothing is left out in silence.  Pure.
 */
#include "common/base/slice.h"
#include "common/llm/drop.h"
#include "common/llm/shape.h"

struct arena;
struct buf;

enum carry {
#define CARRY(id, name, drop, chat, responses, messages, note) CARRY_##id,
#include "node/dialect/carry.def"
#undef CARRY
	CARRY_COUNT
};

enum carry_how { CANNOT, NEAR, CARRIES };

#define CARRY_UNKNOWN_MAX 16 /* names that are kept of unknown fields */

struct carry_list {
	uint64_t has[(CARRY_COUNT + 63) / 64];
	struct slice unknown[CARRY_UNKNOWN_MAX]; /* plain */
	size_t unknown_count;
};

void carry_note(struct carry_list *l, enum carry c);
void carry_note_unknown(struct carry_list *l, struct slice name);
bool carry_has(const struct carry_list *l, enum carry c);

const char *carry_name(enum carry c);
enum carry_how carry_how(enum carry c, enum dialect target);
/* A bit of a group's `drop`; 0: NEVER; all bits: ALWAYS. */
unsigned carry_class(enum carry c);

/* What there is beyond a target: what its dialect cannot say, and `beyond`. */
struct carry_target {
	enum dialect dialect;
	struct carry_list beyond; /* what this one cannot, of what it can */
};

/*
 * What the target cannot say of what is there and the group does not let go:
 * appended to `names`, comma-separated; true when there is none.
 */
must_check bool carry_fits(const struct carry_list *l,
    const struct carry_target *target, unsigned drop, struct buf *names);

/* What is dropped then, likewise: the value of X-Router-Dropped. */
void carry_dropped(const struct carry_list *l,
    const struct carry_target *target, struct buf *names);

/*
 * The table as Markdown: a row a feature, a column a target's dialect.
 * `beyond` is what only some targets of each dialect can be told.
 */
void carry_print(struct buf *out, const struct carry_list beyond[DIALECTS]);

/* What a class of drop.h lets go to some target: names, comma-separated. */
void carry_print_class(struct buf *out, unsigned drop,
    const struct carry_list beyond[DIALECTS]);
