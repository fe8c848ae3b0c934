#include "common/format/record.h"

#define MARK "\xEF\xBB\xBF" /* some spreadsheets begin with it */

/* The first of them in the first line; a comma where there is none. */
static char
separator_of(const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len && bytes[i] != '\n'; i++)
		if (memchr(",;\t", bytes[i], 3) != NULL)
			return bytes[i];
	return ',';
}

void
record_start(struct record_reader *r, char *bytes, size_t len)
{
	size_t skipped =
	    slice_starts(slice_make(bytes, len), MARK) ? strlen(MARK) : 0;

	*r = (struct record_reader){ .bytes = bytes,
		.len = len,
		.at = skipped,
		.line = 1,
		.separator = separator_of(bytes, len) };
}

static bool
at_end_of_line(const struct record_reader *r)
{
	return r->at >= r->len || r->bytes[r->at] == '\n' ||
	       (r->bytes[r->at] == '\r' &&
		   (r->at + 1 >= r->len || r->bytes[r->at + 1] == '\n'));
}

/* Behind the end of a line; false at the end of all. */
static bool
skip_line_end(struct record_reader *r)
{
	if (r->at >= r->len)
		return false;
	r->at += r->bytes[r->at] == '\r';
	r->at += r->at < r->len;
	r->line++;
	return true;
}

/* Between quotes, of which two are one; false: it does not end. */
static bool
take_quoted(struct record_reader *r, struct slice *cell)
{
	char *to = r->bytes + ++r->at;

	*cell = slice_make(to, 0);
	for (; r->at < r->len; r->at++) {
		char c = r->bytes[r->at];

		if (c == '"') {
			r->at++;
			if (r->at >= r->len || r->bytes[r->at] != '"')
				return true;
		}
		*to++ = c;
		cell->len++;
	}
	return false;
}

static bool
take_cell(struct record_reader *r, struct slice *cell)
{
	size_t from = r->at;

	if (r->at < r->len && r->bytes[r->at] == '"')
		return take_quoted(r, cell) &&
		       (at_end_of_line(r) || r->bytes[r->at] == r->separator);
	while (!at_end_of_line(r) && r->bytes[r->at] != r->separator)
		r->at++;
	*cell = slice_make(r->bytes + from, r->at - from);
	return true;
}

enum record_read
record_next(struct record_reader *r, struct record *record)
{
	record->count = 0;
	while (at_end_of_line(r))
		if (!skip_line_end(r))
			return RECORD_END;
	for (;;) {
		if (record->count == RECORD_CELLS_MAX)
			return RECORD_LONG;
		if (!take_cell(r, &record->cells[record->count++]))
			return RECORD_QUOTE;
		if (at_end_of_line(r))
			break;
		r->at++; /* the separator */
	}
	return RECORD_READ;
}
