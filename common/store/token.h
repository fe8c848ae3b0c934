#pragma once
/*
 * token: bearer tokens of a kind (callers', admins'), by the same rules.  One
 * is its kind's prefix and 24 random bytes; only a hash is kept, under a key
 * made from the member's identity, so that a store cannot be used to ask.
 * `tokens` owns the store's side and the present book: an immutable, counted
 * list of all.  A change makes a new book and is durable, and in force for
 * everybody's next tokens_refresh, before its call returns.  Any thread.
 */
#include "common/base/crypto.h"
#include "common/store/db.h"

struct arena;
struct ledger;
struct tokens;
struct token_book;

#define TOKEN_CHARS    38 /* room for the text of any, with the NUL */
#define TOKEN_NAME_MAX 63

/* What each token has; NAME is unique among active ones of the kind, times
 * are wall, 0: never. */
#define TOKEN_MEMBERS                                                          \
	struct slice name;                                                     \
	int64_t created_us, expires_us, revoked_us;                            \
	struct hash hash

struct token {
	TOKEN_MEMBERS;
};

/* Opens the struct of what a kind of tokens is for: its own members follow. */
#define TOKEN_FIRST                                                            \
	union {                                                                \
		struct token token;                                            \
		struct {                                                       \
			TOKEN_MEMBERS;                                         \
		};                                                             \
	}

struct token_kind {
	enum family family;
	const char *prefix;
	const char *purpose;   /* of the key of the hashes */
	const char *called;    /* where something is wrong: "admin token" */
	size_t bytes;          /* of the struct that opens with TOKEN_FIRST */
	size_t book_bytes_max; /* of all of them, with their texts */
	void (*write)(struct buf *row, const struct token *t);
	/* All but the hash, which is set; `row` does not stay.  False: it is
	 * none of ours. */
	bool (*read)(void *arg, struct token *t, struct arena *a,
	    struct slice row);
};

/* Reads all.  `arg` is for the kind's read.  Ledger and arg outlive it. */
struct tokens *tokens_open(const struct token_kind *kind, struct ledger *l,
    const struct secret *identity, void *arg);
void tokens_close(struct tokens *t); /* NULL is fine */

/* Give `wish` its time and hash, store it, and write its text once; false and
 * one line in `why`. */
must_check bool tokens_create(struct tokens *t, struct token *wish,
    char text[TOKEN_CHARS], struct buf *why);

/* False when no active one has that name, or the store failed. */
must_check bool tokens_revoke(struct tokens *t, struct slice name,
    struct buf *why);

/* The present book in place of `*book` if it has changed since; cheap when it
 * has not.  `*book` starts NULL. */
void tokens_refresh(struct tokens *t, struct token_book **book);
struct token_book *token_book_hold(struct token_book *b);
void token_book_release(struct token_book *b); /* NULL is fine */

/* NULL: not known, or `text` is not even shaped as one of this kind.  Its
 * state is for whoever asks to look at. */
const struct token *token_find(const struct token_book *b, struct slice text);
must_check bool token_is_shaped(const struct token_kind *kind,
    struct slice text);

/* The active one of that name, or NULL. */
const struct token *token_named(const struct token_book *b, struct slice name,
    int64_t wall_us);

/* Walk all in no order: start with *at = 0, stop at NULL. */
const struct token *token_next(const struct token_book *b, size_t *at);
size_t token_book_count(const struct token_book *b);

/* All, oldest first; to be freed. */
const struct token **token_book_by_age(const struct token_book *b);

enum token_state { TOKEN_ACTIVE, TOKEN_EXPIRED, TOKEN_REVOKED };
enum token_state token_state(const struct token *t, int64_t wall_us);
const char *token_state_name(enum token_state s); /* "active" */

/* May a token have it?  1 to TOKEN_NAME_MAX printable characters without
 * spaces, quotes and backslashes. */
must_check bool token_name_is_plain(struct slice name);
#define TOKEN_NAME_RULE                                                        \
	"is 1 to 63 printable characters without spaces or quotes"
