#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/format/pack.h"
#include "common/store/ledger.h"
#include "node/caller.h"
#include "node/presence.h"

#define TEXT_MAX 65536

struct fixture {
	char dir[64];
	struct secret *identity;
	struct ledger *ledger;
	struct callers *callers;
	struct buf why;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/caller_test.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->identity = sign_key_new();
	f->ledger = ledger_open(f->dir, false);
	f->callers = callers_open(f->ledger, f->identity);
	buf_init(&f->why, TEXT_MAX);
	*state = f;
	return f->ledger != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	buf_fini(&f->why);
	callers_close(f->callers);
	ledger_close(f->ledger);
	secret_free(f->identity);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	free(f);
	return system(command);
}

static struct caller_wish
wish(const char *name)
{
	return (struct caller_wish){ .name = slice_of(name),
		.user = slice_of("ann"),
		.project = slice_of("checkout"),
		.groups = { slice_of("assistant") },
		.groups_count = 1 };
}

static void
a_token_is_found_and_knows_its_groups(void **state)
{
	struct fixture *f = *state;
	struct caller_wish w = wish("ci");
	struct token_book *book = NULL;
	const struct caller *c;
	char token[TOKEN_CHARS];

	assert_true(callers_create(f->callers, &w, token, &f->why));
	callers_refresh(f->callers, &book);
	c = caller_find(book, slice_of(token));
	assert_non_null(c);
	assert_true(slice_is(c->name, "ci"));
	assert_true(slice_is(c->project, "checkout"));
	assert_true(caller_may_use(c, slice_of("assistant")));
	assert_false(caller_may_use(c, slice_of("classify")));
	assert_int_equal(caller_state(c, clock_wall_us()), TOKEN_ACTIVE);
	token[10] ^= 1;
	assert_null(caller_find(book, slice_of(token)));
	assert_null(caller_find(book, slice_of("")));
	assert_null(caller_find(book, slice_of("sk-something")));
	token_book_release(book);
}

static void
revoking_is_in_force_for_an_old_book_s_next_refresh(void **state)
{
	struct fixture *f = *state;
	struct caller_wish w = wish("ci");
	struct token_book *book = NULL;
	const struct caller *c;
	char token[TOKEN_CHARS];

	assert_true(callers_create(f->callers, &w, token, &f->why));
	callers_refresh(f->callers, &book);
	assert_true(callers_revoke(f->callers, slice_of("ci"), &f->why));
	callers_refresh(f->callers, &book);
	c = caller_find(book, slice_of(token));
	assert_non_null(c);
	assert_int_equal(caller_state(c, clock_wall_us()), TOKEN_REVOKED);
	assert_false(callers_revoke(f->callers, slice_of("ci"), &f->why));
	token_book_release(book);
}

/* Whatever changes about tokens, and also of one that is refused. */
static void
when_a_token_was_used_stays_known(void **state)
{
	struct fixture *f = *state;
	struct caller_wish w = wish("ci"), other = wish("other");
	struct token_book *book = NULL;
	const struct caller *c;
	char token[TOKEN_CHARS], second[TOKEN_CHARS];

	assert_true(callers_create(f->callers, &w, token, &f->why));
	callers_refresh(f->callers, &book);
	c = caller_find(book, slice_of(token));
	assert_int_equal(presence_seen(c->presence), 0);
	presence_note(c->presence, 77);
	assert_true(callers_create(f->callers, &other, second, &f->why));
	assert_true(callers_revoke(f->callers, slice_of("ci"), &f->why));
	callers_refresh(f->callers, &book);
	assert_int_equal(token_book_count(book), 2);
	c = caller_find(book, slice_of(token));
	assert_int_equal(presence_seen(c->presence), 77);
	c = caller_find(book, slice_of(second));
	assert_int_equal(presence_seen(c->presence), 0);
	token_book_release(book);
}

static void
a_token_expires(void **state)
{
	struct fixture *f = *state;
	struct caller_wish w = wish("ci");
	struct token_book *book = NULL;
	const struct caller *c;
	char token[TOKEN_CHARS];

	w.expires_us = 1000;
	assert_true(callers_create(f->callers, &w, token, &f->why));
	callers_refresh(f->callers, &book);
	c = caller_find(book, slice_of(token));
	assert_int_equal(caller_state(c, 999), TOKEN_ACTIVE);
	assert_int_equal(caller_state(c, 1000), TOKEN_EXPIRED);
	token_book_release(book);
}

static void
names_are_unique_among_active_tokens(void **state)
{
	struct fixture *f = *state;
	struct caller_wish w = wish("ci"), none = wish("x");
	char token[TOKEN_CHARS];

	assert_true(callers_create(f->callers, &w, token, &f->why));
	assert_false(callers_create(f->callers, &w, token, &f->why));
	assert_true(callers_revoke(f->callers, slice_of("ci"), &f->why));
	assert_true(callers_create(f->callers, &w, token, &f->why));
	none.groups_count = 0;
	assert_false(callers_create(f->callers, &none, token, &f->why));
	w.name = slice_of("two words");
	assert_false(callers_create(f->callers, &w, token, &f->why));
}

static void
tokens_outlive_a_restart_and_are_stored_nowhere(void **state)
{
	struct fixture *f = *state;
	struct caller_wish w = wish("ci");
	struct token_book *book = NULL;
	char token[TOKEN_CHARS], command[256];
	struct buf list;

	assert_true(callers_create(f->callers, &w, token, &f->why));
	callers_close(f->callers);
	ledger_close(f->ledger);
	snprintf(command, sizeof(command), "! grep -rq '%s' %s", token + 4,
	    f->dir);
	assert_int_equal(system(command), 0);
	f->ledger = ledger_open(f->dir, false);
	f->callers = callers_open(f->ledger, f->identity);
	callers_refresh(f->callers, &book);
	assert_non_null(caller_find(book, slice_of(token)));
	token_book_release(book);
	buf_init(&list, TEXT_MAX);
	callers_list(f->callers, true, &list);
	assert_non_null(strstr(buf_text(&list), "\"name\":\"ci\""));
	assert_null(strstr(buf_text(&list), token + 4));
	buf_fini(&list);
}

/* Whether the token that a wish gets may pin, after a restart. */
static bool
pins_again(struct fixture *f, const char *name, bool pins)
{
	struct caller_wish w = wish(name);
	struct token_book *book = NULL;
	char token[TOKEN_CHARS];
	bool may;

	w.pins = pins;
	assert_true(callers_create(f->callers, &w, token, &f->why));
	callers_close(f->callers);
	f->callers = callers_open(f->ledger, f->identity);
	callers_refresh(f->callers, &book);
	assert_non_null(caller_find(book, slice_of(token)));
	may = caller_find(book, slice_of(token))->pins;
	token_book_release(book);
	return may;
}

static void
only_a_token_made_for_it_may_pin(void **state)
{
	struct fixture *f = *state;

	assert_true(pins_again(f, "tester", true));
	assert_false(pins_again(f, "ci", false));
}

/* A row by the key of `text`'s hash, as each version so far wrote it. */
static void
put_row(struct fixture *f, const char *text, const char *name, size_t more)
{
	struct secret *key = key_derive(f->identity, "gsr/token-hash/v1");
	struct hash h = hash_keyed(secret_view(key), text, strlen(text));
	struct buf row;

	buf_init(&row, TEXT_MAX);
	pack_array(&row, 9 + more);
	pack_int(&row, 1);
	pack_text(&row, slice_of(name));
	pack_text(&row, slice_of("ann"));
	pack_text(&row, slice_of("checkout"));
	pack_int(&row, 1000);
	pack_int(&row, 0);
	pack_int(&row, 0);
	pack_array(&row, 1);
	pack_text(&row, slice_of("assistant"));
	pack_nil(&row);
	if (more > 0)
		pack_bool(&row, true);
	if (more > 1)
		pack_text(&row, slice_of("gold"));
	if (more > 2)
		pack_text(&row, slice_of("staging"));
	assert_int_equal(db_put_now(ledger_db(f->ledger), FAMILY_TOKEN,
			     slice_make(h.bytes, HASH_BYTES), buf_slice(&row)),
	    DB_OK);
	buf_fini(&row);
	secret_free(key);
}

static void
rows_of_all_versions_are_read(void **state)
{
	static const char *const texts[] = {
		"gsr_0000000000000000000000000000000A",
		"gsr_0000000000000000000000000000000B",
		"gsr_0000000000000000000000000000000C",
		"gsr_0000000000000000000000000000000D",
	};
	static const char *const names[] = { "a", "b", "c", "d" };
	struct fixture *f = *state;
	struct token_book *book = NULL;
	const struct caller *c;
	size_t i;

	for (i = 0; i < count_of(texts); i++)
		put_row(f, texts[i], names[i], i);
	callers_close(f->callers);
	f->callers = callers_open(f->ledger, f->identity);
	callers_refresh(f->callers, &book);
	for (i = 0; i < count_of(texts); i++) {
		c = caller_find(book, slice_of(texts[i]));
		assert_non_null(c);
		assert_true(slice_is(c->name, names[i]));
		assert_true(slice_is(c->token.name, names[i]));
		assert_true(slice_is(c->user, "ann"));
		assert_int_equal(c->created_us, 1000);
		assert_true(caller_may_use(c, slice_of("assistant")));
		assert_int_equal(c->pins, i > 0);
		assert_true(slice_is(c->tier, i > 1 ? "gold" : ""));
		assert_true(slice_is(c->environment, i > 2 ? "staging" : ""));
	}
	token_book_release(book);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_token_is_found_and_knows_its_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    revoking_is_in_force_for_an_old_book_s_next_refresh, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    when_a_token_was_used_stays_known, setup, teardown),
		cmocka_unit_test_setup_teardown(a_token_expires, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    names_are_unique_among_active_tokens, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    tokens_outlive_a_restart_and_are_stored_nowhere, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(rows_of_all_versions_are_read,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    only_a_token_made_for_it_may_pin, setup, teardown),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
