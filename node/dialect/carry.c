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

/* What becomes of it where the target's dialect cannot say it. */
static void
put_fate(struct buf *out, unsigned drop)
{
	if (drop == DROP_NEVER)
		buf_puts(out, "refused");
	else if (drop == DROP_ALWAYS)
		buf_puts(out, "dropped");
	else
		buf_printf(out, "drop: `%s`",
		    drop_name((size_t)__builtin_ctz(drop)));
}

static void
put_cell(struct buf *out, const struct row *row, enum carry_how how,
    bool not_by_all)
{
	static const char
	    *const words[] = { [NEAR] = "near", [CARRIES] = "yes" };

	buf_putc(out, ' ');
	if (how != CANNOT)
		buf_puts(out, words[how]);
	if (how != CANNOT && not_by_all)
		buf_puts(out, ", else ");
	if (how == CANNOT || not_by_all)
		put_fate(out, row->drop);
	buf_puts(out, " |");
}

void
carry_print(struct buf *out, const struct carry_list beyond[DIALECTS])
{
	unsigned d;
	int c;

	buf_puts(out, "| in a request | to `chat` | to `responses` | to "
		      "`messages` | what it is, and how near |\n"
		      "|---|---|---|---|---|\n");
	for (c = 0; c < CARRY_COUNT; c++) {
		buf_printf(out, "| %s |", table[c].name);
		for (d = 0; d < DIALECTS; d++)
			put_cell(out, &table[c], table[c].how[d],
			    carry_has(&beyond[d], (enum carry)c));
		buf_printf(out, " %s |\n", table[c].note);
	}
}

static bool
is_ever_dropped(enum carry c, const struct carry_list beyond[DIALECTS])
{
	unsigned d;

	for (d = 0; d < DIALECTS; d++)
		if (table[c].how[d] == CANNOT || carry_has(&beyond[d], c))
			return true;
	return false;
}

void
carry_print_class(struct buf *out, unsigned drop,
    const struct carry_list beyond[DIALECTS])
{
	const char *comma = "";
	int c;

	for (c = 0; c < CARRY_COUNT; c++) {
		if (table[c].drop != drop ||
		    !is_ever_dropped((enum carry)c, beyond))
			continue;
		buf_printf(out, "%s%s", comma, table[c].name);
		comma = ", ";
	}
}
