#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "topology/commands.h"
#include "topology/file.h"
#include "topology/grammar.h"
#include "topology/mesh.h"
#include "topology/review.h"

#define STANZA_BYTES_MAX (64 * 1024)
#define STANZAS_MAX      32 /* each is a parse of all mesh.yaml */
#define WHY_BYTES_MAX    (64 * 1024)

/* mesh.yaml while stanzas are put into it; comments stay as they are. */
struct adding {
	struct arena arena;
	struct mistakes mistakes;
	struct source mesh, stanza; /* the texts, as they are now */
	struct buf why, said;
	int added;
};

static bool
fail(struct adding *a, const struct source *source, struct yaml_place place,
    const char *text)
{
	mistake_add(&a->mistakes, source, place, "%s", text);
	return false;
}

static const struct yaml_node *
parse(struct adding *a, const struct source *source)
{
	struct yaml_error error;
	const struct yaml_node *root;

	root = yaml_parse(&a->arena, source->text, &error);
	if (root == NULL)
		(void)fail(a, source, error.place, error.text);
	return root;
}

/* The text with [start, end) replaced. */
static struct slice
splice(struct adding *a, size_t start, size_t end, const char *by)
{
	struct slice text = a->mesh.text;

	return slice_of(arena_printf(&a->arena, "%.*s%s%.*s", (int)start,
	    text.ptr, by, (int)(text.len - end), text.ptr + end));
}

static struct slice
scalar(const struct yaml_node *mapping, const char *key)
{
	return yaml_text(mapping, key);
}

/* What both say of a member has to be the same, but for the keys. */
static bool
agrees(struct adding *a, const struct yaml_item *there,
    const struct yaml_item *stanza)
{
	static const char *const names[] = { "role", "team", "address" };
	size_t i;

	for (i = 0; i < count_of(names); i++) {
		struct slice old = scalar(there->value, names[i]);
		struct slice new = scalar(stanza->value, names[i]);

		if (slice_eq(old, new))
			continue;
		mistake_add(&a->mistakes, &a->stanza, stanza->key->place,
		    "'%s' has %s '%s', and mesh.yaml (line %d) '%s': change "
		    "one of them",
		    stanza->key->text.ptr, names[i], new.ptr,
		    there->key->place.line, old.ptr);
		return false;
	}
	return true;
}

static const struct yaml_node *
keys_of(const struct yaml_node *member)
{
	const struct yaml_item *item = yaml_find(member, slice_of("keys"));

	return item != NULL && item->value->type == YAML_SEQUENCE &&
		       item->value->count > 0
		   ? item->value
		   : NULL;
}

/* The keys of a member that is listed already. */
static bool
replace_keys(struct adding *a, const struct yaml_item *there,
    const struct yaml_item *stanza)
{
	const struct yaml_node *old = keys_of(there->value);
	const struct yaml_node *new = keys_of(stanza->value);
	struct public_key key;

	if (!agrees(a, there, stanza))
		return false;
	/* An alias stands where its anchor does. */
	if (old == NULL || old->start < there->key->start)
		return fail(a, &a->mesh, there->key->place,
		    "write 'keys: []' for this member, or remove it and add "
		    "the stanza again");
	if (slice_eq(old->first->value->text, new->first->value->text))
		return true;
	if (public_key_parse(&key, old->first->value->text))
		return fail(a, &a->mesh, old->place,
		    "this member has a key; to rotate it write the new one "
		    "beside it, and remove the old one when it is no longer "
		    "used");
	a->mesh.text = splice(a, old->start, old->end,
	    arena_printf(&a->arena, "[\"%s\"]", new->first->value->text.ptr));
	buf_printf(&a->said, "%s: the key of %s\n", a->mesh.name,
	    stanza->key->text.ptr);
	a->added++;
	return true;
}

/* A line of its own behind the last member. */
static bool
append(struct adding *a, const struct yaml_node *members,
    const struct yaml_item *stanza)
{
	const struct yaml_item *item, *last = members->first;
	size_t start = stanza->key->start, end = stanza->value->end, at;
	struct slice text = a->mesh.text;
	const char *line;

	for (item = members->first; item != NULL; item = item->next)
		last = item;
	if (text.ptr[members->start] == '{' ||
	    last->value->start < last->key->start)
		return fail(a, &a->mesh, last->key->place,
		    "write the members on lines of their own, without {} "
		    "around them and without aliases");
	if (memchr(a->stanza.text.ptr + start, '\n', end - start) != NULL)
		return fail(a, &a->stanza, stanza->key->place,
		    "has to stand on one line, as enroll printed it");
	for (at = members->end; at < text.len && text.ptr[at] != '\n';)
		at++;
	line = arena_printf(&a->arena, "\n%*s%.*s", last->key->place.col - 1,
	    "", (int)(end - start), a->stanza.text.ptr + start);
	a->mesh.text = splice(a, at, at, line);
	buf_printf(&a->said, "%s: member %s\n", a->mesh.name,
	    stanza->key->text.ptr);
	a->added++;
	return true;
}

/* The stanza is a member's, by the same table as mesh.yaml's. */
static bool
check_stanza(struct adding *a, const struct yaml_item *stanza)
{
	struct reader reader = { &a->arena, &a->mistakes, &a->stanza };
	struct member member = { 0 };

	if (!is_name(stanza->key->text))
		return fail(a, &a->stanza, stanza->key->place,
		    "is no name of a member");
	table_read(&reader, &member_table, stanza->value, &member);
	return a->mistakes.count == 0;
}

static bool
add_one(struct adding *a, const struct yaml_item *stanza)
{
	const struct yaml_node *root = parse(a, &a->mesh);
	const struct yaml_item *members, *there;

	if (root == NULL || !check_stanza(a, stanza))
		return false;
	members = yaml_find(root, slice_of("members"));
	if (members == NULL || members->value->type != YAML_MAPPING ||
	    members->value->count == 0)
		return fail(a, &a->mesh, root->place,
		    "has no 'members' to add to; gsr-topology init makes a "
		    "first folder");
	there = yaml_find(members->value, stanza->key->text);
	return there != NULL ? replace_keys(a, there, stanza)
			     : append(a, members->value, stanza);
}

static bool
add_all(struct adding *a)
{
	const struct yaml_node *stanzas = parse(a, &a->stanza);
	const struct yaml_item *item;

	if (stanzas == NULL)
		return false;
	if (stanzas->type != YAML_MAPPING || stanzas->count == 0)
		return fail(a, &a->stanza, stanzas->place,
		    "is no stanza: NAME: {role: …, keys: […]}, as enroll "
		    "prints it");
	if (stanzas->count > STANZAS_MAX)
		return fail(a, &a->stanza, stanzas->place,
		    "holds too many stanzas; add them in several runs");
	for (item = stanzas->first; item != NULL; item = item->next)
		if (!add_one(a, item))
			return false;
	/* What was written has to be readable again. */
	return parse(a, &a->mesh) != NULL;
}

static bool
read_stanza(struct adding *a, const char *path)
{
	char bytes[STANZA_BYTES_MAX];
	size_t len;

	if (path != NULL) {
		if (file_read(&a->arena, path, STANZA_BYTES_MAX,
			&a->stanza.text) == FILE_FINE)
			return true;
		buf_printf(&a->why, "%s cannot be read\n", path);
		return false;
	}
	len = fread(bytes, 1, sizeof(bytes), stdin);
	if (len < sizeof(bytes) && !ferror(stdin)) {
		a->stanza.text = arena_copy(&a->arena, slice_make(bytes, len));
		return true;
	}
	buf_puts(&a->why, "the stanza cannot be read, or is too large\n");
	return false;
}

static bool
run(struct adding *a, const char *dir, const char *stanza)
{
	a->mesh.name = arena_printf(&a->arena, "%s/mesh.yaml", dir);
	a->stanza.name = stanza != NULL ? stanza : "stanza";
	if (!read_stanza(a, stanza))
		return false;
	if (file_read(&a->arena, a->mesh.name, YAML_BYTES_MAX, &a->mesh.text) !=
	    FILE_FINE) {
		buf_printf(&a->why,
		    "%s cannot be read: %s is no topology folder\n",
		    a->mesh.name, dir);
		return false;
	}
	if (!add_all(a))
		return false;
	if (a->added == 0 || file_write(a->mesh.name, 0644, a->mesh.text))
		return true;
	buf_printf(&a->why, "%s cannot be written: %s\n", a->mesh.name,
	    strerror(errno));
	return false;
}

static int
add(const void *options, int count, char *const *operands)
{
	struct adding a = { 0 };
	bool fine;

	(void)options;
	arena_init(&a.arena, FOLDER_ARENA_BYTES);
	mistakes_init(&a.mistakes, &a.arena);
	buf_init(&a.why, WHY_BYTES_MAX);
	buf_init(&a.said, WHY_BYTES_MAX);
	fine = run(&a, operands[0], count > 1 ? operands[1] : NULL);
	mistakes_put(&a.mistakes, &a.why);
	complain(&a.why);
	if (fine)
		say(&a.said);
	if (fine && a.added == 0)
		printf("%s: nothing to change\n", a.mesh.name);
	buf_fini(&a.said);
	buf_fini(&a.why);
	arena_fini(&a.arena);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct command add_command = {
	.name = "add",
	.operands = "DIR [STANZA]",
	.summary = "put an enrolled member into mesh.yaml",
	.text = "Reads the stanza that enroll printed, from a file or from "
		"standard input,\nand puts it into mesh.yaml: its key where "
		"the member waits for one, else a\nnew line behind the last "
		"member. All other lines and comments stay.\n\n"
		"  gsr-node enroll … | gsr-topology add mesh",
	.operands_min = 1,
	.operands_max = 2,
	.run = add,
};
