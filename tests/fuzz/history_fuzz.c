/*
 * The input is the body of a request.  Blobs are found in it as if it were of
 * any dialect.  It is expanded against what one caller keeps, and against what
 * another kept of this very body: what comes out parses, asks for nothing any
 * more, and has every other member as it was.  A stranger gets nothing.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/format/json.h"
#include "common/net/loop.h"
#include "common/store/ledger.h"
#include "node/blob.h"
#include "node/history.h"

#define ARENA_BYTES (64 << 20)
#define BODY_MAX    (1 << 20)
#define GROUP_MAX   (4 << 20)
#define TTL_MS      1000
#define DIR         "/tmp/history_fuzz.XXXXXX"

static char dir[] = DIR;
static struct ledger *ledger;
static struct loop *loop;
static struct ledger_turn *turn;
static struct history *history;
static int64_t now_us = 1;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
remove_folder(void)
{
	char command[64];

	ledger_turn_free(turn);
	loop_free(loop);
	history_close(history);
	ledger_close(ledger);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		perror(dir);
}

static void
keep(struct history_entry e)
{
	e.group = slice_of("group");
	e.max_bytes = GROUP_MAX;
	e.now_us = now_us;
	history_keep(history, turn, &e);
	loop_run(loop);
}

static void
keep_seeds(void)
{
	keep((struct history_entry){ .caller = slice_of("seed"),
	    .response = slice_of("resp_0"),
	    .input = slice_of("[{\"role\":\"user\",\"content\":\"a\"}]"),
	    .output = slice_of("[{\"type\":\"reasoning\",\"id\":\"rs_1\"}]"),
	    .ttl_ms = INT64_C(1) << 40 });
	keep((struct history_entry){ .caller = slice_of("seed"),
	    .response = slice_of("resp_1"),
	    .previous = slice_of("resp_0"),
	    .input = slice_of("[ ]"),
	    .output = slice_of("[ {\"type\":\"message\",\"id\":\"msg_1\"} ]"),
	    .ttl_ms = INT64_C(1) << 40 });
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct secret *identity;

	(void)argc;
	(void)argv;
	if (!crypto_start() || mkdtemp(dir) == NULL)
		return 1;
	log_threshold(LOG_ERROR);
	ledger = ledger_open(dir, false);
	loop = loop_new("fuzz");
	turn = ledger_turn_new(ledger, loop);
	loop_stop(loop); /* each run is one turn */
	identity = sign_key_new();
	history = history_open(ledger, identity);
	secret_free(identity);
	keep_seeds();
	return atexit(remove_folder);
}

static void
on_blob(void *arg, const struct blob *blob)
{
	const struct json_value *root = arg;

	assert(blob->value->type == JSON_STRING && blob->value->raw.len > 2);
	assert(blob->holder->raw.ptr >= root->raw.ptr);
	assert(blob->list == NULL || blob->list->type == JSON_ARRAY);
	assert(blob->message == NULL ||
	       json_find(blob->message, "content") == blob->list);
}

static void
find_blobs(const struct json_value *root)
{
	unsigned d;

	for (d = 0; d < DIALECTS; d++) {
		blob_each(root, (enum dialect)d, true, on_blob,
		    (void *)(uintptr_t)root);
		blob_each(root, (enum dialect)d, false, on_blob,
		    (void *)(uintptr_t)root);
	}
}

static bool
is_expanded(struct slice name)
{
	return slice_is(name, "previous_response_id") ||
	       slice_is(name, "input");
}

/* The other members are the same, in the same order. */
static void
check_members(const struct json_value *before, const struct json_value *after)
{
	const struct json_value *b = before->first, *a = after->first;

	for (;;) {
		while (b != NULL && is_expanded(b->name))
			b = b->next;
		while (a != NULL && is_expanded(a->name))
			a = a->next;
		if (a == NULL || b == NULL)
			break;
		assert(slice_eq(a->name, b->name) && slice_eq(a->raw, b->raw));
		a = a->next;
		b = b->next;
	}
	assert(a == NULL && b == NULL);
	assert(json_find(after, "previous_response_id") == NULL);
	assert(json_find(after, "input")->type == JSON_ARRAY);
}

static struct history_ask
ask_of(const struct json_value *root, struct arena *arena, const char *caller)
{
	return (struct history_ask){ .root = root,
		.caller = slice_of(caller),
		.group = slice_of("group"),
		.arena = arena,
		.max_body_bytes = BODY_MAX,
		.now_us = now_us };
}

static void
check_expanded(const struct json_value *root, const struct history_ask *ask,
    struct slice body)
{
	struct json_error error;
	const struct json_value *after = json_parse(ask->arena, body, &error);
	struct history_ask again = ask_of(after, ask->arena, "seed");
	const char *why;

	assert(body.len <= BODY_MAX);
	/* An item may have been nested a level less where it was kept. */
	if (after == NULL) {
		assert(strstr(error.why, "nested") != NULL);
		return;
	}
	check_members(root, after);
	assert(!history_wants(after));
	assert(history_expand(history, &again, &body, &why) == HISTORY_SAME);
}

static enum history_result
expand(const struct json_value *root, struct arena *arena, const char *caller)
{
	struct history_ask ask = ask_of(root, arena, caller);
	enum history_result result;
	struct slice body;
	const char *why;

	result = history_expand(history, &ask, &body, &why);
	if (result == HISTORY_EXPANDED)
		check_expanded(root, &ask, body);
	else if (result == HISTORY_SAME)
		assert(!history_wants(root) && slice_eq(body, root->raw));
	else
		assert(strlen(why) > 10);
	if (result <= HISTORY_EXPANDED)
		assert(ask.items.len >= 2 && ask.items.ptr[0] == '[');
	return result;
}

/* Keep this body's own lists, for a caller of its own. */
static void
keep_own(const struct json_value *root, struct arena *arena, const char *caller)
{
	const struct json_value *input = json_find(root, "input");
	const struct json_value *output = json_find(root, "output");
	struct history_entry e = {
		.caller = slice_of(caller),
		.input = input != NULL ? input->raw : slice_of("[1]"),
		.output = output != NULL ? output->raw : slice_of("[2]"),
		.ttl_ms = TTL_MS,
	};

	if (!json_text(json_find(root, "id"), arena, &e.response))
		e.response = slice_of("resp_1");
	if (!json_text(json_find(root, "before"), arena, &e.previous))
		e.previous = slice_of("");
	keep(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct json_value *root;
	struct json_error error;
	struct arena arena;
	char caller[32];

	arena_init(&arena, ARENA_BYTES);
	root = json_parse(&arena, slice_make(bytes, len), &error);
	if (root == NULL || root->type != JSON_OBJECT)
		goto out;
	now_us += 1000;
	snprintf(caller, sizeof(caller), "c%lld", (long long)now_us);
	find_blobs(root);
	expand(root, &arena, "seed");
	keep_own(root, &arena, caller);
	expand(root, &arena, caller);
	assert(expand(root, &arena, "stranger") != HISTORY_EXPANDED);
	if (now_us % 64000 == 0)
		history_sweep(history, now_us);
out:
	arena_fini(&arena);
	return 0;
}
