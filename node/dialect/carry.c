#include "node/dialect/carry.h"

#include <string.h>

#include "common/base/buf.h"

#define DROP_NEVER  0
#define DROP_ALWAYS (~0u)
#define NAME_SHOWN  64 /* bytes of an unknown field's name */

static const struct row {
	const char *name, *note;
	enum carry_how how[DIALECTS];
	unsigned drop;
} table[CARRY_COUNT] = {
#define CARRY(id, text, class, chat, responses, messages, says)                \
	[CARRY_##                                                              \
	    id] = { text, says, { chat, responses, messages }, DROP_##class },
#include "node/dialect/carry.def"
#undef CARRY
};

void
carry_note(struct carry_list *l, enum carry c)
{
	l->has[c / 64] |= (uint64_t)1 << (c % 64);
}

bool
carry_has(const struct carry_list *l, enum carry c)
{
	return (l->has[c / 64] >> (c % 64)) & 1;
}

void
carry_note_unknown(struct carry_list *l, struct slice name)
{
	carry_note(l, CARRY_UNKNOWN);
	if (l->unknown_count < CARRY_UNKNOWN_MAX)
		l->unknown[l->unknown_count++] = name;
}

const char *
carry_name(enum carry c)
{
	return table[c].name;
}

enum carry_how
carry_how(enum carry c, enum dialect target)
{
	return table[c].how[target];
}

unsigned
carry_class(enum carry c)
{
	return table[c].drop;
}

static void
put_comma(struct buf *names)
{
	if (names->len > 0)
		buf_puts(names, ", ");
}

/* A header's value: what is no plain letter becomes a question mark. */
static void
put_shown(struct buf *names, struct slice name)
{
	size_t i;

	put_comma(names);
	for (i = 0; i < name.len && i < NAME_SHOWN; i++)
		buf_putc(names, name.ptr[i] > ' ' && name.ptr[i] < 0x7f &&
					name.ptr[i] != ','
				    ? name.ptr[i]
				    : '?');
}

static void
put_names(const struct carry_list *l, enum carry c, struct buf *names)
{
	size_t i;

	if (c != CARRY_UNKNOWN) {
		put_comma(names);
		buf_puts(names, table[c].name);
		return;
	}
	for (i = 0; i < l->unknown_count; i++)
		put_shown(names, l->unknown[i]);
}

static bool
is_beyond(const struct carry_list *l, enum carry c,
    const struct carry_target *target)
{
	return carry_has(l, c) && (table[c].how[target->dialect] == CANNOT ||
				      carry_has(&target->beyond, c));
}

bool
carry_fits(const struct carry_list *l, const struct carry_target *target,
    unsigned drop, struct buf *names)
{
	bool fits = true;
	int c;

	for (c = 0; c < CARRY_COUNT; c++) {
		if (!is_beyond(l, (enum carry)c, target) ||
		    (carry_class((enum carry)c) & drop) != 0 ||
		    carry_class((enum carry)c) == DROP_ALWAYS)
			continue;
		put_names(l, (enum carry)c, names);
		fits = false;
	}
	return fits;
}

void
carry_dropped(const struct carry_list *l, const struct carry_target *target,
    struct buf *names)
{
	int c;

	for (c = 0; c < CARRY_COUNT; c++)
		if (is_beyond(l, (enum carry)c, target))
			put_names(l, (enum carry)c, names);
}

static const char
    *const how_words[] = { [CANNOT] = "–", [NEAR] = "near", [CARRIES] = "yes" };

/* One row a feature: a pair's fate is its target's column. */
void
carry_print(struct buf *out)
{
	int c, d;

	buf_puts(out, "| in a request | chat | responses | messages | where it "
		      "cannot go | |\n|---|---|---|---|---|---|\n");
	for (c = 0; c < CARRY_COUNT; c++) {
		buf_printf(out, "| %s |", table[c].name);
		for (d = 0; d < DIALECTS; d++)
			buf_printf(out, " %s |", how_words[table[c].how[d]]);
		if (table[c].drop == DROP_NEVER)
			buf_puts(out, " refused |");
		else if (table[c].drop == DROP_ALWAYS)
			buf_puts(out, " dropped |");
		else
			buf_printf(out, " dropped with `%s` |",
			    drop_name((size_t)__builtin_ctz(table[c].drop)));
		buf_printf(out, " %s |\n", table[c].note);
	}
}
