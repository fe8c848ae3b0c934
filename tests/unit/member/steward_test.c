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
#include "common/member/steward.h"
#include "common/store/ledger.h"

#define TEXT_MAX 65536
#define YEAR_US  (INT64_C(365) * 86400 * US_PER_SECOND)

struct fixture {
	char dir[64];
	struct secret *identity;
	struct ledger *ledger;
	struct stewards *stewards;
	struct buf why;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/steward_test.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->identity = sign_key_new();
	f->ledger = ledger_open(f->dir, false);
	f->stewards = stewards_open(f->ledger, f->identity);
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
	stewards_close(f->stewards);
	ledger_close(f->ledger);
	secret_free(f->identity);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	free(f);
	return system(command);
}

static struct steward_wish
wish(const char *name, unsigned roles)
{
	return (struct steward_wish){ .name = slice_of(name),
		.by = slice_of("operator (uid 7)"),
		.roles = roles };
}

static const struct steward *
check(struct fixture *f, const char *token, int64_t at, const char **why)
{
	const struct steward *known;

	return steward_check(f->stewards, slice_of(token), at, &known, why);
}

static void
a_token_is_found_with_its_roles_and_scope(void **state)
{
	struct fixture *f = *state;
	struct steward_wish w =
	    wish("ann", ROLE_BIT(REPORT_ADMIN) | ROLE_BIT(OPERATOR));
	char token[TOKEN_CHARS];
	const struct steward *s;
	const char *why;

	w.teams[w.teams_count++] = slice_of("payments");
	w.projects[w.projects_count++] = slice_of("checkout");
	w.projects[w.projects_count++] = slice_of("fraud");
	assert_true(stewards_create(f->stewards, &w, token, &f->why));
	assert_int_equal(strlen(token), TOKEN_CHARS - 1);
	stewards_close(f->stewards);
	f->stewards = stewards_open(f->ledger, f->identity);
	s = check(f, token, clock_wall_us(), &why);
	assert_non_null(s);
	assert_int_equal(s->roles, ROLE_BIT(REPORT_ADMIN) | ROLE_BIT(OPERATOR));
	assert_true(admin_scope_allows(&s->scope, slice_of("payments"),
	    slice_of("fraud")));
	assert_false(admin_scope_allows(&s->scope, slice_of("search"),
	    slice_of("fraud")));
	token[20] ^= 1;
	assert_null(check(f, token, clock_wall_us(), &why));
	assert_string_equal(why, "is not known here");
	assert_null(check(f, "gsr_0123456789abcdefghijklmnopqrstuv", 1, &why));
	assert_null(check(f, "", 1, &why));
	assert_non_null(strstr(why, "begin with gsra_"));
}

/* The store is not enough to make or to recognize one. */
static void
another_member_s_identity_knows_none(void **state)
{
	struct fixture *f = *state;
	struct steward_wish w = wish("ann", ROLE_BIT(OPERATOR));
	struct secret *other = sign_key_new();
	char token[TOKEN_CHARS];
	const char *why;

	assert_true(stewards_create(f->stewards, &w, token, &f->why));
	stewards_close(f->stewards);
	f->stewards = stewards_open(f->ledger, other);
	assert_null(check(f, token, clock_wall_us(), &why));
	secret_free(other);
}

static void
an_end_is_the_end(void **state)
{
	struct fixture *f = *state;
	struct steward_wish w = wish("ann", ROLE_BIT(METRICS_ADMIN));
	char token[TOKEN_CHARS];
	const struct steward *known;
	const char *why;

	w.expires_us = clock_wall_us() + YEAR_US;
	assert_true(stewards_create(f->stewards, &w, token, &f->why));
	assert_non_null(check(f, token, w.expires_us - 1, &why));
	assert_null(check(f, token, w.expires_us, &why));
	assert_string_equal(why, "has expired");
	assert_true(stewards_revoke(f->stewards, slice_of("ann"), &f->why));
	assert_null(steward_check(f->stewards, slice_of(token),
	    w.expires_us - 1, &known, &why));
	assert_string_equal(why, "is revoked");
	assert_true(slice_is(known->name, "ann"));
	assert_false(stewards_revoke(f->stewards, slice_of("ann"), &f->why));
	/* The name is free again. */
	assert_true(stewards_create(f->stewards, &w, token, &f->why));
}

static void
a_bad_wish_is_refused_with_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	struct steward_wish w = wish("ann", 0);
	char token[TOKEN_CHARS];

	assert_false(stewards_create(f->stewards, &w, token, &f->why));
	assert_non_null(strstr(buf_text(&f->why), "at least one role"));
	w = wish("ann", ROLE_BIT(OPERATOR));
	w.teams[w.teams_count++] = slice_of("payments");
	assert_false(stewards_create(f->stewards, &w, token, &f->why));
	assert_non_null(strstr(buf_text(&f->why), "of the role report-admin"));
	w = wish("router", ROLE_BIT(OPERATOR));
	assert_false(stewards_create(f->stewards, &w, token, &f->why));
	assert_non_null(strstr(buf_text(&f->why), "not for tokens"));
	w = wish("a b", ROLE_BIT(OPERATOR));
	assert_false(stewards_create(f->stewards, &w, token, &f->why));
	w = wish("ann", ROLE_BIT(OPERATOR));
	assert_true(stewards_create(f->stewards, &w, token, &f->why));
	assert_false(stewards_create(f->stewards, &w, token, &f->why));
	assert_non_null(strstr(buf_text(&f->why), "named 'ann'"));
}

static void
a_list_has_no_token(void **state)
{
	struct fixture *f = *state;
	struct steward_wish w = wish("ann", ROLE_BIT(OPERATOR));
	char token[TOKEN_CHARS];

	assert_true(stewards_create(f->stewards, &w, token, &f->why));
	stewards_list(f->stewards, true, &f->why);
	assert_non_null(strstr(buf_text(&f->why), "\"roles\":\"operator\""));
	assert_non_null(strstr(buf_text(&f->why), "operator (uid 7)"));
	assert_null(strstr(buf_text(&f->why), token + 5));
	assert_null(strstr(buf_text(&f->why), "gsra_"));
}

/* As it was written from the first version on. */
static void
a_row_of_before_is_read(void **state)
{
	static const char text[] = "gsra_0000000000000000000000000000000A";
	struct fixture *f = *state;
	struct secret *key = key_derive(f->identity, "gsr/admin-token-hash/v1");
	struct hash h = hash_keyed(secret_view(key), text, strlen(text));
	const struct steward *s;
	const char *why;
	struct buf row;

	buf_init(&row, TEXT_MAX);
	pack_array(&row, 9);
	pack_int(&row, 1);
	pack_text(&row, slice_of("ann"));
	pack_array(&row, 2);
	pack_text(&row, slice_of("operator"));
	pack_text(&row, slice_of("of a later version"));
	pack_array(&row, 1);
	pack_text(&row, slice_of("payments"));
	pack_array(&row, 0);
	pack_text(&row, slice_of("bob"));
	pack_int(&row, 1000);
	pack_int(&row, 2000);
	pack_int(&row, 0);
	assert_int_equal(db_put_now(ledger_db(f->ledger), FAMILY_STEWARD,
			     slice_make(h.bytes, HASH_BYTES), buf_slice(&row)),
	    DB_OK);
	buf_fini(&row);
	secret_free(key);
	stewards_close(f->stewards);
	f->stewards = stewards_open(f->ledger, f->identity);
	s = check(f, text, 1999, &why);
	assert_non_null(s);
	assert_true(slice_is(s->name, "ann") && slice_is(s->by, "bob"));
	assert_int_equal(s->roles, ROLE_BIT(OPERATOR));
	assert_int_equal(s->scope.teams_count, 1);
	assert_int_equal(s->created_us, 1000);
	assert_null(check(f, text, 2000, &why));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_token_is_found_with_its_roles_and_scope, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    another_member_s_identity_knows_none, setup, teardown),
		cmocka_unit_test_setup_teardown(an_end_is_the_end, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_bad_wish_is_refused_with_what_is_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(a_list_has_no_token, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_row_of_before_is_read, setup,
		    teardown),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
