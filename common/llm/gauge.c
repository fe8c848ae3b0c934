#include "common/llm/gauge.h"

#define ESCAPE_CHARS 5 /* behind the backslash: uXXXX */
#define RUN_MAX      64

/*
 * A byte goes on with the run before it when its kind is the last one, or one
 * less: only small letters behind capitals are, all else is two apart.
 */
enum kind {
	OTHER = 0, /* signs, one token for two of a run */
	LOWER = 2,
	UPPER = 3,
	DIGIT = 5,
	SPACE = 7,
	NEWLINE = 9,
	TWO = 11, /* first of two UTF-8 bytes */
	CJK = 13, /* first of three, by script */
	HANGUL = 15,
	THREE = 17,
	FOUR = 19,
	REST = 21, /* of a character */
	ESCAPE = 23,
	KINDS
};

static const uint8_t kinds[256] = {
	[' '] = SPACE,
	['\t'] = SPACE,
	['\n'] = NEWLINE,
	['\r'] = NEWLINE,
	['\\'] = ESCAPE,
	['0' ... '9'] = DIGIT,
	['A' ... 'Z'] = UPPER,
	['a' ... 'z'] = LOWER,
	[0x80 ... 0xbf] = REST,
	[0xc0 ... 0xdf] = TWO,
	[0xe0 ... 0xe2] = THREE,
	[0xe3 ... 0xe9] = CJK,
	[0xea ... 0xed] = HANGUL,
	[0xee ... 0xef] = CJK,
	[0xf0 ... 0xff] = FOUR,
};

/*
 * At which bytes of a run a token begins (bit n: at the nth), and what it
 * weighs.  A word of up to 8 letters is one token, of more one for every six.
 * Weights are as measured, times 0.88, since all together come out high.
 */
#define WORD_MARKS  0x2082082082082202u /* 1 9 13 19 25 31 37 43 49 55 61 */
#define THIRD_MARKS 0x2492492492492492u /* 1 4 7 ... */
#define OTHER_MARKS 0xaaaaaaaaaaaaaaaau /* 1 3 5 ... */
#define EACH_MARK   0xffffffffffffffffu
#define FIRST_MARK  0x2u
#define SECOND_MARK 0x4u

#define COST(marks, weight, n) ((uint64_t)(marks) >> (n)&1 ? (weight) : 0)
#define FOUR_COSTS(marks, weight, n)                                           \
	COST(marks, weight, n), COST(marks, weight, (n) + 1),                  \
	    COST(marks, weight, (n) + 2), COST(marks, weight, (n) + 3)
#define MORE_COSTS(marks, weight, n)                                           \
	FOUR_COSTS(marks, weight, n), FOUR_COSTS(marks, weight, (n) + 4),      \
	    FOUR_COSTS(marks, weight, (n) + 8),                                \
	    FOUR_COSTS(marks, weight, (n) + 12)
#define COSTS(marks, weight)                                                   \
	{                                                                      \
		MORE_COSTS(marks, weight, 0), MORE_COSTS(marks, weight, 16),   \
		    MORE_COSTS(marks, weight, 32),                             \
		    MORE_COSTS(marks, weight, 48)                              \
	}

static const uint16_t costs[KINDS][RUN_MAX] = {
	[OTHER] = COSTS(OTHER_MARKS, 880),
	[LOWER] = COSTS(WORD_MARKS, 880),
	[UPPER] = COSTS(WORD_MARKS, 880),
	[DIGIT] = COSTS(THIRD_MARKS, 880),
	[SPACE] = COSTS(SECOND_MARK, 880), /* a single one joins the word */
	[NEWLINE] = COSTS(FIRST_MARK, 880),
	[TWO] = COSTS(EACH_MARK, 370),
	[CJK] = COSTS(EACH_MARK, 660),
	[HANGUL] = COSTS(EACH_MARK, 572),
	[THREE] = COSTS(EACH_MARK, 396),
	[FOUR] = COSTS(EACH_MARK, 1760),
};

static enum kind
kind_of_hex(const char *at)
{
	if (at[0] != '0')
		return at[0] == 'd' || at[0] == 'D' ? HANGUL : CJK;
	if (at[1] >= '8')
		return THREE;
	return at[1] == '0' && at[2] < '8' ? OTHER : TWO;
}

/* What the escape at `at` stands for; moves to its last byte. */
static enum kind
take_escape(const char **at, const char *end)
{
	const char *c = *at + 1;

	if (c == end)
		return OTHER;
	*at = c;
	if (*c == 'n' || *c == 'r')
		return NEWLINE;
	if (*c == 't')
		return SPACE;
	if (*c != 'u' || end - c < ESCAPE_CHARS)
		return OTHER;
	*at = c + ESCAPE_CHARS - 1;
	return kind_of_hex(c + 1);
}

/*
 * Without branches but for escapes: runs are too short to be foretold.  A
 * mask, since compilers make a jump of a choice.
 */
int64_t
gauge_text(struct slice json)
{
	const char *at = json.ptr, *end = json.ptr + json.len;
	unsigned kind, last = KINDS + 1, run = 0;
	int64_t units = 0;

	for (; at < end; at++) {
		kind = kinds[(uint8_t)*at];
		if (__builtin_expect(kind == ESCAPE, 0))
			kind = take_escape(&at, end);
		run = (run & -(unsigned)(last - kind <= 1)) + 1;
		units += costs[kind][run % RUN_MAX];
		last = kind;
	}
	return units;
}
