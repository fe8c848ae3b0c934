#include "topology/keyring.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/memory.h"
#include "topology/trust.h"

struct keyring {
	struct arena arena;
	struct mistakes mistakes;
	struct folder folder;
};

static void
read_mesh(struct keyring *k, const struct public_key *operator_key)
{
	struct lock lock;

	if (operator_key == NULL) {
		folder_parse_mesh(&k->folder);
	} else if (trust_mesh(&k->folder, operator_key, &lock)) {
		folder_parse_mesh(&k->folder);
		trust_content(&k->folder, &lock);
	}
}

struct keyring *
keyring_open(const char *dir, const struct public_key *operator_key,
    struct buf *why)
{
	struct keyring *k = xcalloc(1, sizeof(*k));

	arena_init(&k->arena, FOLDER_ARENA_BYTES);
	mistakes_init(&k->mistakes, &k->arena);
	folder_read(&k->folder, &k->arena, &k->mistakes, dir, NULL);
	if (k->mistakes.count == 0)
		read_mesh(k, operator_key);
	if (k->mistakes.count == 0)
		return k;
	mistakes_put(&k->mistakes, why);
	keyring_close(k);
	return NULL;
}

void
keyring_close(struct keyring *k)
{
	if (k == NULL)
		return;
	arena_fini(&k->arena);
	free(k);
}

const struct mesh *
keyring_mesh(const struct keyring *k)
{
	return folder_mesh(&k->folder);
}
