#include "topology/policy.h"

#include <errno.h>

#include "common/base/arena.h"
#include "topology/file.h"
#include "topology/lock.h"

static struct yaml_place
place_of(struct folder_file *file, const struct group *g, const char *key)
{
	return folder_place(file, PATH(slice_of("groups"), g->name,
				      slice_of("script"), slice_of(key)));
}

/* False, and a mistake at the place of its name, when it cannot be had. */
static bool
read_code(struct folder *f, struct folder_file *file, const struct group *g,
    struct slice *code)
{
	struct yaml_place place = place_of(file, g, "file");
	const char *name = g->script.file.ptr, *path;

	if (!arena_fits(f->arena, POLICY_BYTES_MAX + FOLDER_SPARE_BYTES)) {
		mistake_add(f->mistakes, &file->source, place,
		    "the folder is too large");
		return false;
	}
	path = arena_printf(f->arena, "%s/%s", f->dir, name);
	switch (file_read(f->arena, path, POLICY_BYTES_MAX, code)) {
	case FILE_FINE:
		return true;
	case FILE_MISSING:
		mistake_add(f->mistakes, &file->source, place,
		    "%s is not there: put the policy there, below the folder",
		    name);
		break;
	case FILE_TOO_LARGE:
		mistake_add(f->mistakes, &file->source, place,
		    "%s is larger than %zu bytes", name, POLICY_BYTES_MAX);
		break;
	case FILE_FAILED:
		mistake_add(f->mistakes, &file->source, place,
		    "%s cannot be read: %s", name, strerror(errno));
		break;
	}
	return false;
}

static void
read_policy(struct folder *f, struct folder_file *file, struct group *g)
{
	struct slice code = slice_of("");
	char text[HASH_CHARS];
	struct hash hash;

	if (!read_code(f, file, g, &code))
		return;
	hash = hash_of(code.ptr, code.len);
	if (crypto_equal(&hash, &g->script.hash, sizeof(hash))) {
		g->script.code = code;
		return;
	}
	hex_write(text, hash.bytes, sizeof(hash.bytes));
	mistake_add(f->mistakes, &file->source, place_of(file, g, "hash"),
	    "is not the hash of %s as it is now, %.12s…: take both from git "
	    "again, or have the file reviewed, and put in what gsr-node "
	    "policy build prints",
	    g->script.file.ptr, text);
}

void
policies_read(struct folder *f, struct folder_file *file)
{
	const struct node_file *node = file->record;
	size_t i;

	for (i = 0; i < node->groups_count; i++)
		if (node->groups[i].script.file.len > 0)
			read_policy(f, file, (struct group *)&node->groups[i]);
}
