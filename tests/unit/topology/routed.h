#pragma once
/*
 * routed: a small folder that is fine, with several targets to route among:
 * for tests that change one word of it and look at what was read, or said.
 */
#include "tests/unit/topology/text.h"

#include <ftw.h>
#include <sys/stat.h>

#include "common/base/buf.h"
#include "topology/check.h"
#include "topology/review.h"

#define ROUTED_MESH   "mesh.yaml"
#define ROUTED_EGRESS "egress/central.yaml"
#define ROUTED_NODE   "node/payments.yaml"

static const char routed_mesh[] =
    "mesh: demo\n"
    "members:\n"
    "  central: {role: egress, region: us-east, address: \"127.0.0.1:7443\", "
    "keys: [\"ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]}\n"
    "  payments: {role: node, team: payments, region: onprem, "
    "parents: [central], "
    "keys: [\"ed25519:ABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]}\n"
    "teams:\n"
    "  payments:\n"
    "    signing_key: "
    "\"ed25519:ACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n"
    "    models: [openai/*, eu/*]\n";

static const char routed_egress[] =
    "listen: 127.0.0.1:7443\n"
    "providers:\n"
    "  openai:\n"
    "    type: openai\n"
    "    models:\n"
    "      big: {context: 400000, supports: [tools, images], "
    "price: {input: 5, output: 30}}\n"
    "      small: {context: 8000, supports: [], "
    "price: {input: 0.25, output: 2}}\n"
    "      dark: {price: {input: 1, output: 1}}\n"
    "  eu:\n"
    "    type: openai\n"
    "    region: eu-west\n"
    "    models:\n"
    "      big: {context: 400000, supports: [tools, images], "
    "price: {input: 6, output: 36}}\n";

static const char routed_node[] =
    "listen: 127.0.0.1:8080\n"
    "providers:\n"
    "  gpu:\n"
    "    type: vllm\n"
    "    base_url: http://10.0.0.1:8000/v1\n"
    "    models:\n"
    "      local: {supports: [tools], price: {input: 0, output: 0}}\n"
    "groups:\n"
    "  assistant:\n"
    "    strategy: failover\n"
    "    targets: [openai/big, {model: openai/small, quality: 0.8}]\n";

struct routed {
	char dir[64];
};

/* A path of the folder; good until the next. */
static inline const char *
routed_path(const struct routed *t, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	return path;
}

/* All three files as they were. */
static inline void
routed_reset(const struct routed *t)
{
	write_text(routed_path(t, ROUTED_MESH), routed_mesh);
	write_text(routed_path(t, ROUTED_EGRESS), routed_egress);
	write_text(routed_path(t, ROUTED_NODE), routed_node);
}

static inline void
routed_make(struct routed *t)
{
	snprintf(t->dir, sizeof(t->dir), "/tmp/routed_test.XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	assert_int_equal(mkdir(routed_path(t, "egress"), 0755), 0);
	assert_int_equal(mkdir(routed_path(t, "node"), 0755), 0);
	routed_reset(t);
}

static inline int
routed_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void
routed_free(struct routed *t)
{
	assert_int_equal(nftw(t->dir, routed_remove, 8, FTW_DEPTH | FTW_PHYS),
	    0);
}

static inline void
routed_edit(const struct routed *t, const char *file, const char *find,
    const char *put)
{
	edit(routed_path(t, file), find, put);
}

/* Read and check; what is wrong goes to `said`, "" when nothing is. */
static inline struct review *
routed_review(const struct routed *t, struct buf *said)
{
	struct review *r = review_new(t->dir, NULL);

	if (!check_folder(&r->folder))
		mistakes_put(&r->mistakes, said);
	return r;
}

/* Exactly this is said, besides the line that it is about; "" is nothing. */
static inline void
routed_says(const struct routed *t, const char *expect)
{
	struct review *r;
	struct buf said;
	const char *text;

	buf_init(&said, FILE_TEXT_MAX);
	r = routed_review(t, &said);
	text = buf_text(&said);
	if (*expect == '\0'
		? *text != '\0'
		: strncmp(text, expect, strlen(expect)) != 0 ||
		      text[strlen(expect)] != '\n' || r->mistakes.count != 1)
		fail_msg("expected:\n%s\nsaid:\n%s", expect, text);
	review_free(r);
	buf_fini(&said);
}

/* One change and what is said of it. */
struct routed_case {
	const char *file, *find, *put;
	const char *expect;
};

static inline void
routed_all_say(const struct routed_case *cases, size_t count)
{
	struct routed t;
	size_t i;

	routed_make(&t);
	routed_says(&t, "");
	for (i = 0; i < count; i++) {
		routed_edit(&t, cases[i].file, cases[i].find, cases[i].put);
		routed_says(&t, cases[i].expect);
		routed_reset(&t);
	}
	routed_free(&t);
}
