#include <assert.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/secret.h"
#include "topology/check.h"
#include "topology/folder.h"
#include "topology/grammar.h"
#include "topology/lock.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
const char *__lsan_default_suppressions(void);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define SAID_BYTES ((size_t)8 * 1024 * 1024)

/* Made once; that no fuzzer can sign with. */
static struct public_key stranger;

/* libfyaml 0.7.12 loses 2 KiB after some syntax errors; ours still count. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct secret *key;

	(void)argc;
	(void)argv;
	if (!crypto_start())
		return -1;
	key = sign_key_new();
	stranger = sign_public(key);
	secret_free(key);
	return 0;
}

/* What parses is what would be written, but for the signature. */
static void
fuzz_lock(enum lock_kind kind, struct slice text)
{
	struct secret *key = sign_key_new();
	struct lock lock, again;
	struct arena arena;
	struct buf out;
	int line;

	arena_init(&arena, FOLDER_ARENA_BYTES);
	buf_init(&out, SAID_BYTES);
	assert(!lock_signed_by(kind, text, &stranger));
	if (lock_parse(&lock, &arena, kind, text, &line)) {
		lock_write(&out, &lock, key);
		assert(
		    lock_parse(&again, &arena, kind, buf_slice(&out), &line));
		assert(again.version == lock.version &&
		       again.files_count == lock.files_count &&
		       again.teams_count == lock.teams_count &&
		       again.revoked_count == lock.revoked_count &&
		       again.rollback_count == lock.rollback_count);
	}
	buf_fini(&out);
	arena_fini(&arena);
	secret_free(key);
}

/* A folder of three files from the input, parted by lines of "===". */
static void
fuzz_folder(struct slice text)
{
	static const char mark[] = "\n===\n";
	struct folder_file egress = { .source = { .name = "egress/central.yaml",
					  .order = 1 },
		.stem = slice_of("central"),
		.found = true };
	struct folder_file node = { .source = { .name = "node/payments.yaml",
					.order = 2 },
		.stem = slice_of("payments"),
		.found = true };
	struct folder_file node_lock = { .source = { .name = "" } };
	struct folder_file *files[] = { NULL, &egress, &node };
	struct mistakes mistakes;
	struct arena arena;
	struct folder f = { .dir = "mesh",
		.arena = &arena,
		.mistakes = &mistakes,
		.egresses = &egress,
		.egresses_count = 1,
		.nodes = &node,
		.node_locks = &node_lock,
		.nodes_count = 1 };
	struct buf said;
	size_t i;

	f.mesh.source.name = "mesh.yaml";
	f.mesh.found = true;
	files[0] = &f.mesh;
	arena_init(&arena, FOLDER_ARENA_BYTES);
	mistakes_init(&mistakes, &arena);
	buf_init(&said, SAID_BYTES);
	for (i = 0; i < count_of(files); i++) {
		const char *end = text.len > 0 ? memmem(text.ptr, text.len,
						     mark, sizeof(mark) - 1)
					       : NULL;

		files[i]->source.text = text;
		if (end == NULL)
			continue;
		files[i]->source.text.len = (size_t)(end - text.ptr);
		text = slice_after(text,
		    files[i]->source.text.len + sizeof(mark) - 1);
	}
	if (!check_folder(&f)) {
		mistakes_put(&mistakes, &said);
		assert(said.len > 0 && !said.failed);
	}
	buf_fini(&said);
	arena_fini(&arena);
}

/* The first byte says what the rest is. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice rest;

	if (len == 0)
		return 0;
	rest = slice_make(bytes + 1, len - 1);
	if (bytes[0] == 'm')
		fuzz_lock(LOCK_MESH, rest);
	else if (bytes[0] == 'n')
		fuzz_lock(LOCK_NODE, rest);
	else
		fuzz_folder(rest);
	return 0;
}
