#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/format/pack.h"
#include "common/store/ledger.h"
#include "common/store/token.h"

#define TEXT_MAX 65536
#define CHANGES  20

/* A kind with one word of its own. */
struct ticket {
	TOKEN_FIRST;
	struct slice word;
	int *read;
};

static void
write_ticket(struct buf *row, const struct token *t)
{
	const struct ticket *k = container_of(t, struct ticket, token);

	pack_array(row, 5);
	pack_text(row, k->name);
	pack_text(row, k->word);
	pack_int(row, k->created_us);
	pack_int(row, k->expires_us);
	pack_int(row, k->revoked_us);
}

static bool
read_ticket(void *arg, struct token *t, struct arena *a, struct slice row)
{
	struct ticket *k = container_of(t, struct ticket, token);
	struct unpack u = unpack_start(row);

	if (unpack_array(&u) != 5)
		return false;
	k->name = arena_copy(a, unpack_text(&u));
	k->word = arena_copy(a, unpack_text(&u));
	k->created_us = unpack_int(&u);
	k->expires_us = unpack_int(&u);
	k->revoked_us = unpack_int(&u);
	k->read = arg;
	return unpack_done(&u);
}

static const struct token_kind tickets = {
	.family = FAMILY_TOKEN,
	.prefix = "t_",
	.purpose = "gsr/test/v1",
	.called = "ticket",
	.bytes = sizeof(struct ticket),
	.book_bytes_max = TEXT_MAX,
	.write = write_ticket,
	.read = read_ticket,
};

struct fixture {
	char dir[64];
	struct secret *identity;
	struct ledger *ledger;
	struct tokens *tokens;
	struct buf why;
	int arg;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/token_test.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->identity = sign_key_new();
	f->ledger = ledger_open(f->dir, false);
	f->tokens = tokens_open(&tickets, f->ledger, f->identity, &f->arg);
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
	tokens_close(f->tokens);
	ledger_close(f->ledger);
	secret_free(f->identity);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	free(f);
	return system(command);
}

static bool
create(struct fixture *f, const char *name, int64_t expires_us,
    char text[TOKEN_CHARS])
{
	struct ticket wish = { .name = slice_of(name),
		.word = slice_of("row 7"),
		.expires_us = expires_us };

	buf_reset(&f->why);
	return tokens_create(f->tokens, &wish.token, text, &f->why);
}

static void
one_is_found_by_its_text_alone(void **state)
{
	struct fixture *f = *state;
	struct token_book *book = NULL;
	const struct token *t;
	char text[TOKEN_CHARS];

	assert_true(create(f, "ann", 0, text));
	assert_int_equal(strlen(text), 2 + 32);
	assert_true(token_is_shaped(&tickets, slice_of(text)));
	tokens_refresh(f->tokens, &book);
	t = token_find(book, slice_of(text));
	assert_non_null(t);
	assert_true(
	    slice_is(container_of(t, struct ticket, token)->word, "row 7"));
	assert_ptr_equal(container_of(t, struct ticket, token)->read, &f->arg);
	text[9] ^= 1;
	assert_null(token_find(book, slice_of(text)));
	assert_null(token_find(book, slice_of("t_short")));
	assert_false(token_is_shaped(&tickets, slice_of("t_short")));
	token_book_release(book);
}

/* A book that somebody holds stays as it is. */
static void
a_change_is_in_the_next_book(void **state)
{
	struct fixture *f = *state;
	struct token_book *old = NULL, *book = NULL;
	char text[TOKEN_CHARS];

	assert_true(create(f, "ann", 0, text));
	tokens_refresh(f->tokens, &old);
	tokens_refresh(f->tokens, &book);
	assert_ptr_equal(old, book);
	assert_true(tokens_revoke(f->tokens, slice_of("ann"), &f->why));
	tokens_refresh(f->tokens, &book);
	assert_ptr_not_equal(old, book);
	assert_int_equal(token_state(token_find(old, slice_of(text)), 1),
	    TOKEN_ACTIVE);
	assert_int_equal(token_state(token_find(book, slice_of(text)), 1),
	    TOKEN_REVOKED);
	assert_non_null(token_named(old, slice_of("ann"), 1));
	assert_null(token_named(book, slice_of("ann"), 1));
	assert_false(tokens_revoke(f->tokens, slice_of("ann"), &f->why));
	assert_string_equal(buf_text(&f->why),
	    "no active ticket is named 'ann'\n");
	token_book_release(old);
	token_book_release(book);
}

static void
an_active_one_has_its_name_alone(void **state)
{
	struct fixture *f = *state;
	char text[TOKEN_CHARS];

	assert_true(create(f, "ann", clock_wall_us() - 1, text));
	assert_true(create(f, "ann", 0, text));
	assert_false(create(f, "ann", 0, text));
	assert_non_null(strstr(buf_text(&f->why), "active ticket named 'ann'"));
	assert_false(create(f, "a b", 0, text));
	assert_non_null(strstr(buf_text(&f->why), TOKEN_NAME_RULE));
	assert_false(token_name_is_plain(slice_of("")));
	assert_false(token_name_is_plain(slice_of("a\"b")));
	assert_false(token_name_is_plain(slice_of("a\\b")));
	assert_true(token_name_is_plain(slice_of("a-b_c@d")));
}

static void
all_are_listed_by_age(void **state)
{
	struct fixture *f = *state;
	struct token_book *book = NULL;
	const struct token **all;
	char name[16], text[TOKEN_CHARS];
	int i;

	for (i = 0; i < CHANGES; i++) {
		snprintf(name, sizeof(name), "n%02d", i);
		assert_true(create(f, name, 0, text));
	}
	tokens_close(f->tokens);
	f->tokens = tokens_open(&tickets, f->ledger, f->identity, NULL);
	tokens_refresh(f->tokens, &book);
	assert_int_equal(token_book_count(book), CHANGES);
	all = token_book_by_age(book);
	for (i = 1; i < CHANGES; i++)
		assert_true(all[i - 1]->created_us <= all[i]->created_us);
	free(all);
	token_book_release(book);
}

/* Looks for one that is always there, while others come and go. */
static void *
look(void *arg)
{
	struct fixture *f = arg;
	struct token_book *book = NULL;
	size_t missed = 0;
	int i;

	for (i = 0; i < 20000; i++) {
		tokens_refresh(f->tokens, &book);
		missed += token_named(book, slice_of("ann"), 1) == NULL;
	}
	token_book_release(book);
	return (void *)missed;
}

static void
books_change_under_threads_that_look(void **state)
{
	struct fixture *f = *state;
	char text[TOKEN_CHARS];
	pthread_t threads[2];
	void *missed;
	int i;

	assert_true(create(f, "ann", 0, text));
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, f), 0);
	for (i = 0; i < CHANGES; i++) {
		assert_true(create(f, "bob", 0, text));
		assert_true(tokens_revoke(f->tokens, slice_of("bob"), &f->why));
	}
	for (i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &missed), 0);
		assert_null(missed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_is_found_by_its_text_alone,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(a_change_is_in_the_next_book,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_active_one_has_its_name_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(all_are_listed_by_age, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    books_change_under_threads_that_look, setup, teardown),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
