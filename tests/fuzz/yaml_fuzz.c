#include <assert.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/yaml.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
const char *__lsan_default_suppressions(void);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* libfyaml 0.7.12 loses 2 KiB after some syntax errors; ours still count. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return crypto_start() ? 0 : -1;
}

/* Every place lies in the text, and weights add up. */
static size_t
check(const struct yaml_node *node, size_t len, unsigned depth)
{
	const struct yaml_item *item;
	size_t weight = 1, count = 0;

	assert(depth <= YAML_DEPTH_MAX + 1);
	assert(node->start <= node->end && node->end <= len);
	assert(node->place.line >= 1 && node->place.col >= 1);
	assert(node->type == YAML_SCALAR || node->text.len == 0);
	for (item = node->first; item != NULL; item = item->next, count++) {
		assert((item->key != NULL) == (node->type == YAML_MAPPING));
		assert(item->key == NULL || item->key->type == YAML_SCALAR);
		weight += (item->key != NULL);
		weight += check(item->value, len, depth + 1);
	}
	assert(count == node->count && weight == node->weight);
	return weight;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice text = slice_make(bytes, len);
	const struct yaml_node *root;
	struct yaml_error error;
	struct arena arena;
	struct buf out;

	arena_init(&arena, YAML_ARENA_BYTES);
	buf_init(&out, 64 * 1024);
	root = yaml_parse(&arena, text, &error);
	if (root != NULL) {
		assert(check(root, len, 1) <= 2 * YAML_NODES_MAX);
	} else {
		assert(error.text != NULL && error.place.line >= 1);
		yaml_put_caret(&out, text, error.place);
	}
	buf_fini(&out);
	arena_fini(&arena);
	return 0;
}
