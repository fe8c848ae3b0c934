#include "topology/scaffold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topology/file.h"
#include "topology/keyfile.h"

/* Of a model that nobody has described yet: what most can. */
#define SUPPORTS "[tools, images, json_schema, reasoning]"

#define FILE_BYTES_MAX ((size_t)256 * 1024)

/* The public key of a key file, which is made when it is not there. */
static bool
key_of(struct scaffold *s, const char *path, struct public_key *public)
{
	if (access(path, F_OK) == 0)
		return keyfile_public(path, public, &s->why);
	return keyfile_make(path, public, &s->why);
}

static bool
write_file(struct scaffold *s, const char *name, const struct buf *text)
{
	const char *path;

	path = arena_printf(&s->arena, "%s/%s", s->dir, name);
	if (file_create(path, 0644, buf_slice(text)))
		return true;
	buf_printf(&s->why, "%s cannot be written: %s\n", path,
	    strerror(errno));
	return false;
}

static bool
first_of_team(const struct scaffold *s, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (slice_eq(s->nodes[k].team, s->nodes[i].team))
			return false;
	return true;
}

static bool
put_team(struct scaffold *s, struct buf *out, struct slice team)
{
	const char *dir = s->team_keys;
	char text[PUBLIC_KEY_CHARS];
	struct public_key key;
	const char *path;
	size_t i;

	path = arena_printf(&s->arena, "%s/%.*s.key", dir, SLICE_FMT(team));
	if (!key_of(s, path, &key))
		return false;
	public_key_write(&key, text);
	buf_printf(out,
	    "  %.*s:\n"
	    "    signing_key: \"%s\"  # signs the team's node files: its own "
	    "release cycle\n"
	    "    models: [",
	    SLICE_FMT(team), text);
	for (i = 0; i < s->models_count; i++)
		buf_printf(out, "%s%.*s", i > 0 ? ", " : "",
		    SLICE_FMT(s->models[i].target));
	buf_puts(out, "]  # grant; a node can only narrow it\n");
	return true;
}

static bool
write_mesh(struct scaffold *s)
{
	const char *egress = s->egress;
	struct buf text;
	bool fine = true;
	size_t i;

	buf_init(&text, FILE_BYTES_MAX);
	buf_printf(&text,
	    "# Who is in the mesh and what each team may do. Signed by the "
	    "operator (mesh.lock).\n"
	    "mesh: %s\n\nmembers:  # stanzas printed by `enroll`\n"
	    "  %s: {role: egress, address: \"%s\", keys: [\"ed25519:…\"]}\n",
	    s->mesh, egress, s->egress_address);
	for (i = 0; i < s->nodes_count; i++)
		buf_printf(&text,
		    "  %.*s: {role: node, team: %.*s, parents: [%s], keys: "
		    "[\"ed25519:…\"]}\n",
		    SLICE_FMT(s->nodes[i].name), SLICE_FMT(s->nodes[i].team),
		    egress);
	buf_puts(&text, "\nteams:\n");
	for (i = 0; fine && i < s->nodes_count; i++)
		if (first_of_team(s, i))
			fine = put_team(s, &text, s->nodes[i].team);
	fine = fine && write_file(s, "mesh.yaml", &text);
	buf_fini(&text);
	return fine;
}

static void
put_provider(struct scaffold *s, struct buf *out,
    const struct scaffold_provider *p)
{
	size_t i;

	buf_printf(out, "  %.*s:\n    type: %.*s\n", SLICE_FMT(p->name),
	    SLICE_FMT(p->type));
	if (p->base_url.len > 0)
		buf_printf(out, "    base_url: %.*s\n", SLICE_FMT(p->base_url));
	buf_printf(out,
	    "    api_key: secret/%.*s  # a name, set by `gsr-egress secret "
	    "set %.*s`\n    models:  # USD per million tokens; what each can\n",
	    SLICE_FMT(p->name), SLICE_FMT(p->name));
	for (i = 0; i < s->models_count; i++) {
		const struct scaffold_model *m = &s->models[i];

		if (!slice_eq(m->provider, p->name))
			continue;
		buf_printf(out, "      %.*s: {price: {input: %.*s, ",
		    SLICE_FMT(m->model), SLICE_FMT(m->input));
		if (m->cached.len > 0)
			buf_printf(out, "cached_input: %.*s, ",
			    SLICE_FMT(m->cached));
		buf_printf(out, "output: %.*s}, supports: " SUPPORTS "}\n",
		    SLICE_FMT(m->output));
	}
}

/*
 * An egress listens at the address nodes dial when that is a number, else at
 * all of the machine's addresses.
 */
static const char *
egress_listen(struct scaffold *s)
{
	const char *address = s->egress_address;

	if (s->egress_listen != NULL)
		return s->egress_listen;
	if ((address[0] >= '0' && address[0] <= '9') || address[0] == '[')
		return address;
	return arena_printf(&s->arena, "0.0.0.0%s", strrchr(address, ':'));
}

static bool
write_egress(struct scaffold *s)
{
	const char *name = s->egress;
	struct buf text;
	bool fine;
	size_t i;

	buf_init(&text, FILE_BYTES_MAX);
	buf_printf(&text,
	    "# Provider accounts. Signed by the operator (mesh.lock).\n"
	    "listen: \"%s\"\n\nproviders:\n",
	    egress_listen(s));
	for (i = 0; i < s->providers_count; i++)
		put_provider(s, &text, &s->providers[i]);
	fine = write_file(s, arena_printf(&s->arena, "egress/%s.yaml", name),
	    &text);
	buf_fini(&text);
	return fine;
}

/* Several nodes on one machine take the ports that follow. */
static const char *
node_listen(struct scaffold *s, size_t i)
{
	const char *first = s->node_listen;
	const char *colon = strrchr(first, ':');
	int port = atoi(colon + 1);

	if (port == 0 || i == 0)
		return first;
	return arena_printf(&s->arena, "%.*s:%d", (int)(colon - first), first,
	    (port + (int)i) % (UINT16_MAX + 1));
}

static bool
write_node(struct scaffold *s, size_t i)
{
	struct slice name = s->nodes[i].name;
	struct buf text;
	bool fine;
	size_t k;

	buf_init(&text, FILE_BYTES_MAX);
	buf_printf(&text,
	    "# How %.*s routes. Signed by the team (node/%.*s.lock).\n"
	    "listen: \"%s\"\n\ngroups:  # what callers send as \"model\"\n",
	    SLICE_FMT(name), SLICE_FMT(name), node_listen(s, i));
	for (k = 0; k < s->groups_count; k++)
		buf_printf(&text,
		    "  %.*s:\n    strategy: static\n    targets: [%.*s]\n",
		    SLICE_FMT(s->groups[k].name),
		    SLICE_FMT(s->groups[k].target));
	fine = write_file(s,
	    arena_printf(&s->arena, "node/%.*s.yaml", SLICE_FMT(name)), &text);
	buf_fini(&text);
	return fine;
}

static bool
make_directories(struct scaffold *s)
{
	const char *names[] = { "egress", "node" };
	const char *path;
	size_t i;

	path = arena_printf(&s->arena, "%s/mesh.yaml", s->dir);
	if (access(path, F_OK) == 0) {
		buf_printf(&s->why,
		    "%s is there already: nothing was changed\n", path);
		return false;
	}
	for (i = 0; i < count_of(names); i++) {
		path = arena_printf(&s->arena, "%s/%s", s->dir, names[i]);
		if (mkdir(path, 0755) != 0 && errno != EEXIST) {
			buf_printf(&s->why, "%s cannot be made: %s\n", path,
			    strerror(errno));
			return false;
		}
	}
	return true;
}

bool
scaffold_write(struct scaffold *s)
{
	size_t i;

	/* mesh.yaml last: while it is not there, init can be run again. */
	if (!make_directories(s) ||
	    !key_of(s, s->operator_file, &s->operator_key) || !write_egress(s))
		return false;
	for (i = 0; i < s->nodes_count; i++)
		if (!write_node(s, i))
			return false;
	return write_mesh(s);
}
