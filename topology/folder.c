#include "topology/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "topology/file.h"
#include "topology/grammar.h"
#include "topology/policy.h"

/* Files are shown in this order. */
enum { ORDER_MESH, ORDER_EGRESS, ORDER_NODE = ORDER_EGRESS + FOLDER_FILES_MAX };

static const char suffix[] = ".yaml";

/* What is to be read next has to fit: the arena aborts when it does not. */
static bool
has_room(struct folder *f, struct folder_file *file, size_t bytes)
{
	if (arena_fits(f->arena, bytes + FOLDER_SPARE_BYTES))
		return true;
	mistake_of_file(f->mistakes, &file->source, "the folder is too large");
	return false;
}

static void
read_file(struct folder *f, struct folder_file *file, size_t max)
{
	const char *path;

	if (!has_room(f, file, max))
		return;
	path = arena_printf(f->arena, "%s/%s", f->dir, file->source.name);
	switch (file_read(f->arena, path, max, &file->source.text)) {
	case FILE_FINE:
		file->found = true;
		break;
	case FILE_MISSING:
		break;
	case FILE_TOO_LARGE:
		mistake_of_file(f->mistakes, &file->source,
		    "is larger than %zu bytes", max);
		break;
	case FILE_FAILED:
		mistake_of_file(f->mistakes, &file->source,
		    "cannot be read: %s", strerror(errno));
		break;
	}
}

static struct folder_file
file_named(struct folder *f, const char *kind, struct slice stem,
    const char *ending)
{
	struct folder_file file = { .stem = stem };

	file.source.name =
	    arena_printf(f->arena, "%s/%.*s%s", kind, SLICE_FMT(stem), ending);
	return file;
}

/* The NAME of NAME.yaml; complains about what looks like one but is not. */
static bool
stem_of(struct folder *f, const char *kind, const char *name,
    struct slice *stem)
{
	size_t len = strlen(name), tail = sizeof(suffix) - 1;
	bool yaml = len > tail && strcmp(name + len - tail, suffix) == 0;
	bool yml = len > 4 && strcmp(name + len - 4, ".yml") == 0;
	struct source *source;

	if (name[0] == '.' || (!yaml && !yml))
		return false;
	*stem = slice_make(name, len - (yaml ? tail : 4));
	if (yaml && is_name(*stem)) {
		*stem = arena_copy(f->arena, *stem);
		return true;
	}
	source = arena_new(f->arena, struct source);
	source->name = arena_printf(f->arena, "%s/%s", kind, name);
	source->order = ORDER_EGRESS;
	mistake_of_file(f->mistakes, source,
	    "is no file of a member: name it NAME.yaml");
	return false;
}

static int
compare_stems(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;

	return strcmp(x->ptr, y->ptr);
}

/* The names of a directory's members' files, sorted. */
static size_t
list_stems(struct folder *f, const char *kind, struct slice **stems)
{
	const char *path = arena_printf(f->arena, "%s/%s", f->dir, kind);
	struct source *source;
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	*stems = arena_many(f->arena, struct slice, FOLDER_FILES_MAX);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL && count < FOLDER_FILES_MAX)
		count += stem_of(f, kind, entry->d_name, &(*stems)[count]);
	closedir(dir);
	if (count == FOLDER_FILES_MAX) {
		source = arena_new(f->arena, struct source);
		source->name = kind;
		mistake_of_file(f->mistakes, source, "holds more than %d files",
		    FOLDER_FILES_MAX - 1);
	}
	qsort(*stems, count, sizeof(**stems), compare_stems);
	return count;
}

static void
read_egresses(struct folder *f)
{
	struct slice *stems;
	size_t i;

	f->egresses_count = list_stems(f, "egress", &stems);
	f->egresses =
	    arena_many(f->arena, struct folder_file, f->egresses_count);
	for (i = 0; i < f->egresses_count; i++) {
		f->egresses[i] = file_named(f, "egress", stems[i], suffix);
		f->egresses[i].source.order = ORDER_EGRESS + (int)i;
		read_file(f, &f->egresses[i], YAML_BYTES_MAX);
	}
}

static void
read_nodes(struct folder *f, const char *only)
{
	struct slice *stems, one = slice_of(only);
	size_t i;

	f->nodes_count = 1;
	stems = &one;
	if (only == NULL)
		f->nodes_count = list_stems(f, "node", &stems);
	f->nodes = arena_many(f->arena, struct folder_file, f->nodes_count);
	f->node_locks =
	    arena_many(f->arena, struct folder_file, f->nodes_count);
	for (i = 0; i < f->nodes_count; i++) {
		f->nodes[i] = file_named(f, "node", stems[i], suffix);
		f->node_locks[i] = file_named(f, "node", stems[i], ".lock");
		f->nodes[i].source.order = ORDER_NODE + 2 * (int)i;
		f->node_locks[i].source.order = ORDER_NODE + 2 * (int)i + 1;
		read_file(f, &f->nodes[i], YAML_BYTES_MAX);
		read_file(f, &f->node_locks[i], LOCK_BYTES_MAX);
	}
}

void
folder_read(struct folder *f, struct arena *arena, struct mistakes *mistakes,
    const char *dir, const char *only_node)
{
	*f = (struct folder){ .dir = dir,
		.only_node = only_node,
		.arena = arena,
		.mistakes = mistakes };
	f->mesh.source =
	    (struct source){ .name = "mesh.yaml", .order = ORDER_MESH };
	f->mesh_lock.source =
	    (struct source){ .name = "mesh.lock", .order = ORDER_MESH };
	read_file(f, &f->mesh, YAML_BYTES_MAX);
	read_file(f, &f->mesh_lock, LOCK_BYTES_MAX);
	read_egresses(f);
	read_nodes(f, only_node);
}

static void
parse_file(struct folder *f, struct folder_file *file,
    const struct table *table)
{
	struct reader reader = { f->arena, f->mistakes, &file->source };
	struct yaml_error error;

	file->record = arena_alloc(f->arena, table->bytes);
	if (!file->found)
		return;
	/* Tree and records of one file take less than three times this. */
	if (f->arena->max - f->arena->used < 4 * YAML_ARENA_BYTES) {
		mistake_of_file(f->mistakes, &file->source,
		    "the folder is too large");
		return;
	}
	file->root = yaml_parse(f->arena, file->source.text, &error);
	if (file->root == NULL)
		mistake_add(f->mistakes, &file->source, error.place, "%s",
		    error.text);
	else
		table_read(&reader, table, file->root, file->record);
}

void
folder_parse_mesh(struct folder *f)
{
	size_t i;

	if (!f->mesh.found)
		mistake_of_file(f->mistakes, &f->mesh.source,
		    "is not there: %s is no topology folder; gsr-topology init "
		    "makes one",
		    f->dir);
	parse_file(f, &f->mesh, &mesh_table);
	for (i = 0; i < f->egresses_count; i++)
		parse_file(f, &f->egresses[i], &egress_table);
}

void
folder_parse_nodes(struct folder *f)
{
	size_t i;

	for (i = 0; i < f->nodes_count; i++) {
		parse_file(f, &f->nodes[i], &node_table);
		policies_read(f, &f->nodes[i]);
	}
}

static struct folder_file *
find(struct folder_file *files, size_t count, struct slice name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_eq(files[i].stem, name))
			return &files[i];
	return NULL;
}

struct folder_file *
folder_egress(const struct folder *f, struct slice name)
{
	return find(f->egresses, f->egresses_count, name);
}

struct folder_file *
folder_node(const struct folder *f, struct slice name)
{
	return find(f->nodes, f->nodes_count, name);
}

/* Of a mapping, the pair whose value is that text. */
static const struct yaml_item *
value_of(const struct yaml_node *node, struct slice text)
{
	const struct yaml_item *item;

	if (node->type != YAML_MAPPING)
		return NULL;
	for (item = node->first; item != NULL; item = item->next)
		if (item->value->type == YAML_SCALAR &&
		    slice_eq(item->value->text, text))
			return item;
	return NULL;
}

/* In a list, the scalar itself or the mapping that has it as a value. */
static const struct yaml_item *
step(const struct yaml_node *node, struct slice part)
{
	const struct yaml_item *item, *pair;

	if (node->type == YAML_MAPPING)
		return yaml_find(node, part);
	for (item = node->first; item != NULL; item = item->next) {
		if (item->value->type == YAML_SCALAR &&
		    slice_eq(item->value->text, part))
			return item;
		pair = value_of(item->value, part);
		if (pair != NULL)
			return pair;
	}
	return NULL;
}

struct yaml_place
folder_place(const struct folder_file *file, const struct slice *path,
    size_t count)
{
	struct yaml_place place = { 1, 1 };
	const struct yaml_node *node = file->root;
	size_t i;

	for (i = 0; node != NULL && i < count; i++) {
		const struct yaml_item *item = step(node, path[i]);

		if (item == NULL)
			break;
		node = item->value;
		place = item->key != NULL && node->type != YAML_SCALAR
			    ? item->key->place
			    : node->place;
	}
	return place;
}
