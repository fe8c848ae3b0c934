#pragma once
/*
 * folder: the bytes of all files of a topology folder, and what they say.
 * Read once: what is hashed is what is parsed, whatever happens to the
 * directory meanwhile.  Lives in an arena; mistakes go to a list.
 */
#include "topology/mesh.h"
#include "topology/mistake.h"

#define FOLDER_FILES_MAX 512
#define LOCK_BYTES_MAX   (256 * 1024)

/* Room for the largest folder: text, tree and records of every file. */
#define FOLDER_ARENA_BYTES ((size_t)1024 * 1024 * 1024)
/* What reading leaves of it, for names and mistakes. */
#define FOLDER_SPARE_BYTES ((size_t)4 * 1024 * 1024)

struct folder_file {
	struct source source;         /* "egress/central.yaml" and its bytes */
	struct slice stem;            /* "central" */
	bool found;                   /* it is there and was read */
	const struct yaml_node *root; /* NULL until parsed, or not YAML */
	void *record; /* struct mesh, egress_file or node_file; as root */
};

struct folder {
	const char *dir;
	const char *only_node; /* of nodes, only this one's was read; or NULL */
	struct arena *arena;
	struct mistakes *mistakes;
	struct folder_file mesh;
	struct folder_file mesh_lock;
	struct folder_file *egresses; /* by name */
	size_t egresses_count;
	struct folder_file *nodes;
	struct folder_file *node_locks; /* beside each node */
	size_t nodes_count;
};

/*
 * Read mesh.yaml, mesh.lock, all of egress, and of node everything or only
 * the file of that name.  A lock that is not there is no mistake here.
 */
void folder_read(struct folder *f, struct arena *arena,
    struct mistakes *mistakes, const char *dir, const char *only_node);

/*
 * Parse what was read into trees and records: first all but the nodes; with
 * the nodes come the policies that they name.
 */
void folder_parse_mesh(struct folder *f);
void folder_parse_nodes(struct folder *f);

/* NULL when there is none. */
struct folder_file *folder_egress(const struct folder *f, struct slice name);
struct folder_file *folder_node(const struct folder *f, struct slice name);

/* Never NULL after folder_parse_mesh; an empty one when it could not be read.
 */
static inline const struct mesh *
folder_mesh(const struct folder *f)
{
	return f->mesh.record;
}

/*
 * Where the path of keys (and of a list's texts) leads in the file: its
 * value when that is a scalar, else the last key found.
 */
struct yaml_place folder_place(const struct folder_file *file,
    const struct slice *path, size_t count);

#define PATH(...)                                                              \
	(const struct slice[]){ __VA_ARGS__ },                                 \
	    sizeof((const struct slice[]){ __VA_ARGS__ }) /                    \
		sizeof(struct slice)
