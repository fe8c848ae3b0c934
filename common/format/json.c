#include "common/format/json.h"

#include "common/base/arena.h"
#include "common/format/jsonkeys.h"
#include "common/format/jsontext.h"

#define TWICE "a key occurs twice in an object"

struct parser {
	const char *at, *end;
	struct slice text;
	struct arena *arena;
	struct json_index *index;  /* NULL: make a tree */
	struct json_value scratch; /* stands for all values, without a tree */
	unsigned depth;
	struct jsonkeys keys;
	struct json_error *error;
};

static bool value(struct parser *p, struct json_value *v);

static bool
refuse(struct parser *p, const char *at, const char *why)
{
	p->error->why = why;
	p->error->at = (size_t)(at - p->text.ptr);
	return false;
}

static void
skip_space(struct parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' ||
				     *p->at == '\r' || *p->at == '\t'))
		p->at++;
}

/* Is this the next byte?  Takes it if so. */
static bool
take(struct parser *p, char c)
{
	if (p->at == p->end || *p->at != c)
		return false;
	p->at++;
	return true;
}

static bool
take_digits(struct parser *p)
{
	const char *from = p->at;

	while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
		p->at++;
	return p->at > from;
}

static bool
number(struct parser *p)
{
	bool good;

	take(p, '-');
	good = take(p, '0') || take_digits(p);
	if (good && take(p, '.'))
		good = take_digits(p);
	if (good && (take(p, 'e') || take(p, 'E'))) {
		if (!take(p, '+'))
			take(p, '-');
		good = take_digits(p);
	}
	return good || refuse(p, p->at, "a value is expected");
}

static bool
literal(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(p->end - p->at) < len || memcmp(p->at, word, len) != 0)
		return refuse(p, p->at, "a value is expected");
	p->at += len;
	return true;
}

/* From its opening quote; *inside is what stands between the quotes. */
static bool
string(struct parser *p, struct slice *inside, bool *escaped)
{
	const char *from = p->at + 1, *bad, *why;
	const char *end = jsontext_end(from, p->end, escaped, &bad, &why);

	if (end == NULL)
		return refuse(p, bad, why);
	*inside = slice_make(from, (size_t)(end - from));
	p->at = end + 1;
	return true;
}

static bool
note_key(struct parser *p, struct json_members *m, const struct json_key *k)
{
	if (m->count == JSON_MEMBERS_MAX)
		return refuse(p, k->ptr, "an object has too many members");
	if (k->len > JSON_KEY_MAX)
		return refuse(p, k->ptr, "a key is too long");
	return jsonkeys_add(&p->keys, m, k) || refuse(p, k->ptr, TWICE);
}

/* Put the key's characters where somebody will look for them. */
static bool
name_value(struct parser *p, const struct json_key *k, struct json_value *v)
{
	char *plain;

	v->name = slice_make(k->ptr, k->len);
	if (!k->escaped || (p->index != NULL && p->depth > 1))
		return true;
	if (!arena_fits(p->arena, k->len))
		return refuse(p, k->ptr, "the text has too many values");
	plain = arena_alloc(p->arena, k->len);
	v->name = slice_make(plain, jsontext_unescape(plain, v->name));
	return true;
}

static struct json_value *
new_value(struct parser *p)
{
	if (p->index != NULL)
		return &p->scratch;
	if (arena_fits(p->arena, sizeof(struct json_value)))
		return arena_new(p->arena, struct json_value);
	refuse(p, p->at, "the text has too many values");
	return NULL;
}

/* Hang a child into the tree, if one is made. */
static void
keep(struct parser *p, const struct json_value ***tail,
    struct json_value *child)
{
	if (p->index != NULL)
		return;
	**tail = child;
	*tail = &child->next;
}

static bool
index_member(struct parser *p, const struct json_key *k,
    const struct json_value *v)
{
	struct json_member *m;

	if (p->index == NULL || p->depth > 1)
		return true;
	if (p->index->count == JSON_TOP_MAX)
		return refuse(p, k->ptr, "the object has too many members");
	m = &p->index->members[p->index->count++];
	m->key = slice_make(k->ptr, k->len);
	m->name = v->name;
	m->raw = v->raw;
	m->type = v->type;
	return true;
}

/* One key and its value; NULL when refused. */
static struct json_value *
member(struct parser *p, struct json_members *m)
{
	struct json_value *child = NULL;
	struct slice inside;
	struct json_key k;

	if (p->at == p->end || *p->at != '"') {
		refuse(p, p->at, "a key is expected");
		return NULL;
	}
	if (!string(p, &inside, &k.escaped))
		return NULL;
	k.ptr = inside.ptr;
	k.len = (uint32_t)min_size(inside.len, JSON_KEY_MAX + 1);
	if (!note_key(p, m, &k))
		return NULL;
	skip_space(p);
	if (!take(p, ':')) {
		refuse(p, p->at, "a colon is expected");
		return NULL;
	}
	skip_space(p);
	child = new_value(p);
	if (child == NULL || !value(p, child) || !name_value(p, &k, child) ||
	    !index_member(p, &k, child))
		return NULL;
	return child;
}

static bool
enter(struct parser *p)
{
	if (p->depth == JSON_DEPTH_MAX)
		return refuse(p, p->at, "values are nested too deep");
	p->depth++;
	p->at++;
	skip_space(p);
	return true;
}

static bool
leave(struct parser *p)
{
	p->depth--;
	return true;
}

/* Behind a value: is there another?  *good tells whether all is well. */
static bool
another(struct parser *p, char close, bool *good)
{
	skip_space(p);
	*good = true;
	if (take(p, ',')) {
		skip_space(p);
		return true;
	}
	*good = take(p, close) ||
		refuse(p, p->at, "a comma or a closing bracket is expected");
	return false;
}

static bool
object(struct parser *p, struct json_value *v)
{
	struct json_members m = jsonkeys_open(&p->keys);
	const struct json_value **tail = &v->first;
	struct json_value *child;
	const char *again;
	bool good;

	if (!enter(p))
		return false;
	if (take(p, '}'))
		return leave(p);
	do {
		child = member(p, &m);
		if (child == NULL)
			return false;
		keep(p, &tail, child);
	} while (another(p, '}', &good));
	again = jsonkeys_close(&p->keys, &m);
	if (good && again != NULL)
		return refuse(p, again, TWICE);
	v->count = m.count;
	return good && leave(p);
}

static bool
array(struct parser *p, struct json_value *v)
{
	const struct json_value **tail = &v->first;
	struct json_value *child;
	size_t count = 0;
	bool good;

	if (!enter(p))
		return false;
	if (take(p, ']'))
		return leave(p);
	do {
		child = new_value(p);
		if (child == NULL || !value(p, child))
			return false;
		keep(p, &tail, child);
		count++;
	} while (another(p, ']', &good));
	v->count = count;
	return good && leave(p);
}

/* Sets type and raw last: without a tree, children use the same *v. */
static bool
value(struct parser *p, struct json_value *v)
{
	const char *from = p->at;
	enum json_type type;
	struct slice inside;
	bool good, escaped;

	switch (p->at < p->end ? *p->at : '\0') {
	case '{':
		type = JSON_OBJECT;
		good = object(p, v);
		break;
	case '[':
		type = JSON_ARRAY;
		good = array(p, v);
		break;
	case '"':
		type = JSON_STRING;
		good = string(p, &inside, &escaped);
		break;
	case 't':
		type = JSON_TRUE;
		good = literal(p, "true");
		break;
	case 'f':
		type = JSON_FALSE;
		good = literal(p, "false");
		break;
	case 'n':
		type = JSON_NULL;
		good = literal(p, "null");
		break;
	default:
		type = JSON_NUMBER;
		good = number(p);
	}
	v->type = type;
	v->raw = slice_make(from, (size_t)(p->at - from));
	return good;
}

/* All of the text is one value; only then the result may be used. */
static bool
document(struct parser *p, struct json_value *root)
{
	bool good;

	skip_space(p);
	good = value(p, root);
	jsonkeys_fini(&p->keys);
	if (!good)
		return false;
	skip_space(p);
	return p->at == p->end || refuse(p, p->at, "more text behind the end");
}

static void
start(struct parser *p, struct arena *arena, struct slice text,
    struct json_error *error)
{
	if (text.ptr == NULL)
		text = slice_of(""); /* takes no arithmetic */
	p->at = text.ptr;
	p->end = text.ptr + text.len;
	p->text = text;
	p->arena = arena;
	p->index = NULL;
	p->depth = 0;
	jsonkeys_init(&p->keys);
	p->error = error;
}

bool
json_index(struct json_index *index, struct arena *arena, struct slice text,
    struct json_error *error)
{
	struct parser p;

	start(&p, arena, text, error);
	p.index = index;
	index->text = text;
	index->count = 0;
	if (!document(&p, &p.scratch))
		return false;
	return p.scratch.type == JSON_OBJECT ||
	       refuse(&p, text.ptr, "an object is expected");
}

const struct json_value *
json_parse(struct arena *arena, struct slice text, struct json_error *error)
{
	struct json_value *root;
	struct parser p;

	start(&p, arena, text, error);
	root = new_value(&p);
	if (root == NULL || !document(&p, root))
		return NULL;
	return root;
}
