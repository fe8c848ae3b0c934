#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/format/json.h"
#include "common/member/vault.h"
#include "common/net/control.h"
#include "node/caller.h"
#include "node/cmd/commands.h"
#include "node/evidence.h"
#include "node/trial/docket.h"
#include "node/trial/report.h"
#include "node/trial/session.h"

#define OUT_MAX      (16 * 1024 * 1024)
#define TREE_MAX     ((size_t)1024 * 1024 * 1024)
#define TOKEN_LIFE_S 600 /* should nobody revoke it, and so much a trial: */
#define TRIAL_LIFE_S 10

struct options {
	const char *state, *target, *capability, *way, *url, *ca_file;
	const char *master_key;
	bool json;
};

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	{ "target", "PROVIDER/MODEL", OPTION_TEXT,
	    offsetof(struct options, target), false, 0, 0,
	    "only this target of the group" },
	{ "capability", "NAME", OPTION_TEXT,
	    offsetof(struct options, capability), false, 0, 0,
	    "only this trial: tools, images, text, without-images …" },
	{ "way", "WAY", OPTION_TEXT, offsetof(struct options, way), false, 0, 0,
	    "router, direct (the node's own upstreams) or both; both" },
	{ "url", "URL", OPTION_TEXT, offsetof(struct options, url), false, 0, 0,
	    "where callers reach the node; default: where it listens" },
	{ "ca-file", "FILE", OPTION_TEXT, offsetof(struct options, ca_file),
	    false, 0, 0, "who vouches for the node's certificate" },
	{ "master-key", "FILE", OPTION_TEXT,
	    offsetof(struct options, master_key), false, 0, 0,
	    "opens the secret store; default: systemd credential, "
	    "STATE/master.key" },
	JSON_OPTION(struct options),
};

/* One run: what was asked for, and what has to be let go. */
struct run {
	const struct options *options;
	struct arena arena;
	struct docket_wish wish;
	struct docket docket;
	struct vault *vault;
	struct secret *token;
	char name[32]; /* of the token */
	char url[512];
};

/* Ask the daemon; true and its answer, or said why on standard error. */
static bool
ask(const struct run *r, const char *method, const char *target,
    struct slice body, struct buf *answer)
{
	int status = 0;

	buf_init(answer, OUT_MAX);
	switch (control_call(r->options->state, method, target, body, &status,
	    answer)) {
	case CONTROL_OK:
		if (status / 100 == 2)
			return true;
		fwrite(answer->data, 1, answer->len, stderr);
		break;
	case CONTROL_NO_DAEMON:
		fprintf(stderr,
		    "no daemon runs on %s; tests go through a running one\n",
		    r->options->state);
		break;
	case CONTROL_BROKEN:
		fprintf(stderr, "the daemon of %s broke off its answer\n",
		    r->options->state);
		break;
	}
	buf_fini(answer);
	return false;
}

static bool
read_ways(const struct options *o, struct docket_wish *wish)
{
	const char *way = o->way != NULL ? o->way : "both";
	bool both = strcmp(way, "both") == 0;

	wish->router = both || strcmp(way, WAY_ROUTER) == 0;
	wish->direct = both || strcmp(way, WAY_DIRECT) == 0;
	if (wish->router || wish->direct)
		return true;
	fprintf(stderr, "--way is router, direct or both, not '%s'\n", way);
	return false;
}

/* The port of the running daemon; 0 when its file does not say. */
static int64_t
port_of(const struct run *r, struct arena *arena)
{
	char path[4200], text[256];
	struct json_error error;
	const struct json_value *root;
	int64_t port = 0;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/run.json", r->options->state);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	root =
	    json_parse(arena, arena_copy(arena, slice_make(text, n)), &error);
	return json_int(json_find(root, "port"), &port) ? port : 0;
}

/* Where it listens, or loopback where that is everywhere. */
static void
find_url(struct run *r, const struct json_value *root)
{
	const struct json_value *https = json_find(root, "https");
	struct slice listen = { NULL, 0 };
	size_t n;

	if (r->options->url != NULL) {
		snprintf(r->url, sizeof(r->url), "%s", r->options->url);
		n = strlen(r->url);
		while (n > 0 && r->url[n - 1] == '/')
			r->url[--n] = '\0';
		return;
	}
	if (!json_text(json_find(root, "listen"), &r->arena, &listen))
		listen = slice_make(NULL, 0);
	while (listen.len > 0 && listen.ptr[listen.len - 1] != ':')
		listen.len--;
	if (listen.len > 0)
		listen.len--;
	if (listen.len == 0 || slice_is(listen, "0.0.0.0") ||
	    slice_is(listen, "[::]"))
		listen = slice_of("127.0.0.1");
	snprintf(r->url, sizeof(r->url), "%s://%.*s:%lld",
	    https != NULL && https->type == JSON_TRUE ? "https" : "http",
	    (int)min_size(listen.len, 255), listen.ptr,
	    (long long)port_of(r, &r->arena));
}

static bool
read_docket(struct run *r)
{
	const struct json_value *root;
	struct json_error error;
	struct buf answer, why;
	bool read;

	if (!ask(r, "GET", "/admin/groups", slice_make(NULL, 0), &answer))
		return false;
	buf_init(&why, OUT_MAX);
	root = json_parse(&r->arena, arena_copy(&r->arena, buf_slice(&answer)),
	    &error);
	find_url(r, root);
	read = docket_read(&r->docket, &r->arena, root, &r->wish, &why);
	if (!read)
		fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	buf_fini(&answer);
	return read;
}

/* A token of our own: it may pin targets, and ends by itself. */
static bool
make_token(struct run *r)
{
	struct json_writer w = { 0 };
	struct buf body, answer;
	uint8_t random[6];
	bool made;

	crypto_random(random, sizeof(random));
	strcpy(r->name, "test-");
	hex_write(r->name + strlen(r->name), random, sizeof(random));
	buf_init(&body, OUT_MAX);
	w.out = &body;
	json_open(&w, '{');
	json_field_text(&w, "name", slice_of(r->name));
	json_field_text(&w, "user", slice_of("gsr-node test"));
	json_field_int(&w, "expires_us",
	    clock_wall_us() +
		(TOKEN_LIFE_S + TRIAL_LIFE_S * (int64_t)r->docket.count) *
		    US_PER_SECOND);
	json_field_bool(&w, "pins", true);
	json_key(&w, "groups");
	json_open(&w, '[');
	json_put_text(&w, r->docket.group);
	json_close(&w, ']');
	json_close(&w, '}');
	made = ask(r, "POST", "/admin/tokens", buf_slice(&body), &answer);
	buf_fini(&body);
	if (!made)
		return false;
	while (answer.len > 0 && answer.data[answer.len - 1] == '\n')
		answer.len--;
	r->token = secret_new(answer.data, answer.len);
	crypto_wipe(answer.data, answer.len);
	buf_fini(&answer);
	return true;
}

static void
revoke_token(struct run *r)
{
	struct json_writer w = { 0 };
	struct buf body, answer;

	buf_init(&body, OUT_MAX);
	w.out = &body;
	json_open(&w, '{');
	json_field_text(&w, "name", slice_of(r->name));
	json_close(&w, '}');
	if (ask(r, "POST", "/admin/tokens/revoke", buf_slice(&body), &answer))
		buf_fini(&answer);
	buf_fini(&body);
}

static bool
open_vault(struct run *r)
{
	const char *why = NULL;
	size_t i;

	for (i = 0; i < r->docket.count; i++)
		if (r->docket.entries[i].direct)
			break;
	if (i == r->docket.count)
		return true;
	r->vault = vault_open(r->options->state, r->options->master_key, &why);
	if (r->vault == NULL)
		fprintf(stderr, "secret store: %s\n", why);
	return r->vault != NULL;
}

static bool
post_evidence(const struct run *r)
{
	struct buf body, answer;
	bool kept = true;
	size_t at = 0;

	buf_init(&body, OUT_MAX);
	while (kept && at < r->docket.count) {
		buf_reset(&body);
		at = report_evidence(&r->docket, at, &body);
		kept = ask(r, "POST", "/admin/evidence", buf_slice(&body),
		    &answer);
		if (kept)
			buf_fini(&answer);
	}
	buf_fini(&body);
	return kept;
}

static void
print(const struct run *r)
{
	struct buf out;

	buf_init(&out, OUT_MAX);
	if (r->options->json)
		report_json(&r->docket, &out);
	else
		report_print(&r->docket, &out);
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
}

static int
hold(struct run *r)
{
	const struct session_wish wish = { .docket = &r->docket,
		.state_dir = r->options->state,
		.base_url = r->url,
		.ca_file = r->options->ca_file,
		.token = r->token,
		.vault = r->vault,
		.progress = isatty(STDERR_FILENO) };
	bool kept;

	session_run(&wish);
	print(r);
	kept = post_evidence(r);
	return kept && docket_counted(&r->docket, OUTCOME_FAILED) == 0 ? 0 : 1;
}

static int
run_test(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct run r = { .options = o,
		.wish = { .group = operands[0],
		    .target = o->target,
		    .capability = o->capability } };
	int status = 1;

	(void)count;
	if (!read_ways(o, &r.wish))
		return 2;
	arena_init(&r.arena, TREE_MAX);
	if (!read_docket(&r) || !open_vault(&r) || !make_token(&r))
		goto out;
	status = hold(&r);
	revoke_token(&r);
out:
	secret_free(r.token);
	vault_close(r.vault);
	arena_fini(&r.arena);
	return status;
}

const struct command cmd_test = {
	.name = "test",
	.operands = "GROUP",
	.summary = "try what each target of a group is said to be able to do",
	.text =
	    "Sends small requests, which cost money: through the running node "
	    "as a caller, to each\ntarget in turn, and straight to the node's "
	    "own upstreams.  What a target is said not\nto be able to do, a "
	    "wrong token, an unknown group and broken JSON have to be "
	    "refused.\n"
	    "Results are kept by the node, dated and signed, as evidence for "
	    "contracts.  Exit status\n1 when one failed.\n\n"
	    "Example:  gsr-node test assistant --state /var/lib/gsr",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_test,
};
