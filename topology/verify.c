#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/format/json.h"
#include "topology/check.h"
#include "topology/commands.h"
#include "topology/keyfile.h"
#include "topology/review.h"
#include "topology/trust.h"

#define JSON_BYTES_MAX (4 * 1024 * 1024)
#define WHY_BYTES_MAX  4096

struct verify_options {
	const char *operator_key;
	bool json;
};

/* Locks as they were found good. */
struct verified {
	struct lock mesh;
	struct lock *nodes;
	bool *node_fine;
};

/* Everything that a member would check, for all members at once. */
static void
verify_folder(struct review *r, const struct public_key *key,
    struct verified *v)
{
	struct folder *f = &r->folder;
	size_t i;

	v->nodes = arena_many(&r->arena, struct lock, f->nodes_count);
	v->node_fine = arena_many(&r->arena, bool, f->nodes_count);
	if (!trust_mesh(f, key, &v->mesh))
		return;
	folder_parse_mesh(f);
	trust_content(f, &v->mesh);
	check_mesh(f);
	check_files(f);
	check_revoked(f, v->mesh.revoked, v->mesh.revoked_count);
	for (i = 0; i < f->nodes_count; i++)
		v->node_fine[i] = trust_node(f, &f->nodes[i], &v->nodes[i]);
	folder_parse_nodes(f);
	for (i = 0; i < f->nodes_count; i++)
		if (v->node_fine[i])
			check_node(f, &f->nodes[i]);
}

static void
print_lock(const char *name, const struct lock *lock)
{
	char hash[HASH_CHARS];

	hex_write(hash, lock->hash.bytes, sizeof(lock->hash.bytes));
	printf("%s: version %" PRId64 ", signed at %s, hash %s\n", name,
	    lock->version, lock->signed_at.ptr, hash);
}

static void
put_lock(struct json_writer *w, const char *name, const struct lock *lock)
{
	char hash[HASH_CHARS];

	hex_write(hash, lock->hash.bytes, sizeof(lock->hash.bytes));
	json_open(w, '{');
	json_field_text(w, "file", slice_of(name));
	json_field_int(w, "version", lock->version);
	json_field_text(w, "signed_at", lock->signed_at);
	json_field_text(w, "hash", slice_of(hash));
	json_close(w, '}');
}

static void
print_json(struct review *r, const struct verified *v)
{
	const struct folder *f = &r->folder;
	struct json_writer w = { 0 };
	struct buf text;
	size_t i;

	buf_init(&text, JSON_BYTES_MAX);
	w.out = &text;
	json_open(&w, '{');
	json_field_bool(&w, "ok", r->mistakes.count == 0);
	json_field_text(&w, "mesh", v->mesh.mesh);
	json_key(&w, "locks");
	json_open(&w, '[');
	if (v->mesh.version > 0)
		put_lock(&w, f->mesh_lock.source.name, &v->mesh);
	for (i = 0; i < f->nodes_count; i++)
		if (v->node_fine[i])
			put_lock(&w, f->node_locks[i].source.name,
			    &v->nodes[i]);
	json_close(&w, ']');
	json_key(&w, "mistakes");
	mistakes_put_json(&r->mistakes, &w);
	json_close(&w, '}');
	buf_putc(&text, '\n');
	say(&text);
	buf_fini(&text);
}

static int
tell(struct review *r, const struct verified *v, bool json)
{
	const struct folder *f = &r->folder;
	size_t i;

	if (json) {
		print_json(r, v);
		return r->mistakes.count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	if (r->mistakes.count > 0)
		return review_tell(r);
	print_lock(f->mesh_lock.source.name, &v->mesh);
	for (i = 0; i < f->nodes_count; i++)
		print_lock(f->node_locks[i].source.name, &v->nodes[i]);
	return EXIT_SUCCESS;
}

static int
verify(const void *options, int count, char *const *operands)
{
	const struct verify_options *o = options;
	struct verified v = { 0 };
	struct public_key key;
	struct review *r;
	struct buf why;
	int status;

	(void)count;
	buf_init(&why, WHY_BYTES_MAX);
	if (!keyfile_public(o->operator_key, &key, &why)) {
		complain(&why);
		buf_fini(&why);
		return EXIT_FAILURE;
	}
	r = review_new(operands[0], NULL);
	if (r->mistakes.count == 0)
		verify_folder(r, &key, &v);
	status = tell(r, &v, o->json);
	review_free(r);
	buf_fini(&why);
	return status;
}

static const struct option_spec options[] = {
	{ .name = "operator-key",
	    .value = "KEY",
	    .type = OPTION_TEXT,
	    .offset = offsetof(struct verify_options, operator_key),
	    .required = true,
	    .help = "ed25519:… or a file that holds it" },
	{ .name = "json",
	    .type = OPTION_FLAG,
	    .offset = offsetof(struct verify_options, json),
	    .help = "locks and mistakes as JSON" },
};

const struct command verify_command = {
	.name = "verify",
	.operands = "DIR",
	.summary = "check signatures, hashes and files as members do",
	.text = "Checks mesh.lock by the operator's key and each "
		"node/NAME.lock by its\nteam's, that the files are exactly "
		"the signed ones, and then what\nvalidate checks. The key "
		"comes from you, never from the folder. Prints\nversion and "
		"hash of each lock. Exit status 0 or 1.",
	.options = options,
	.options_count = count_of(options),
	.options_bytes = sizeof(struct verify_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = verify,
};
