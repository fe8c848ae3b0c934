#include "topology/keyword.h"

#include <assert.h>

#include "common/base/arena.h"
#include "common/base/command.h"
#include "common/llm/price.h"

#define WORDS_MAX 64

_Static_assert(VALUE_NOT_SAID == PRICE_UNKNOWN, "a price not said is unknown");

static const struct yaml_node nothing = { .type = YAML_MAPPING };

static void read_absent(struct reader *r, const struct keyword *k,
    void *record);

/* What the keys from the i-th on are when they are left out. */
static void
read_absences(struct reader *r, const struct table *table, size_t i,
    void *record)
{
	for (; i < table->count; i++)
		if (!table->keywords[i].later)
			read_absent(r, &table->keywords[i], record);
}

const struct keyword *
table_find(const struct table *table, struct slice name)
{
	size_t i;

	for (i = 0; i < table->count; i++)
		if (slice_is(name, table->keywords[i].name))
			return &table->keywords[i];
	return NULL;
}

static const char *
type_name(const struct yaml_node *node)
{
	switch (node->type) {
	case YAML_SEQUENCE:
		return "a list";
	case YAML_MAPPING:
		return "a mapping";
	default:
		return yaml_is_null(node) ? "nothing" : "a single value";
	}
}

static void
unknown_key(struct reader *r, const struct table *table,
    const struct yaml_node *key)
{
	const char *words[WORDS_MAX], *near;
	size_t i, count = 0;

	for (i = 0; i < table->count && count < WORDS_MAX; i++)
		words[count++] = table->keywords[i].name;
	near = nearest_word(key->text, words, count);
	mistake_add(r->mistakes, r->source, key->place,
	    "%s has no key '%s'%s%s%s", table->name, key->text.ptr,
	    near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
	    near != NULL ? "'?" : "");
}

static void
later(struct reader *r, const struct yaml_node *node, const char *what)
{
	mistake_add(r->mistakes, r->source, node->place,
	    "'%s' is known, but this version does not act on it yet; remove it",
	    what);
}

/* "a, b or c" of the words a value may be. */
static const char *
list_words(struct reader *r, const struct value_spec *spec)
{
	const char *text = spec->word(0);
	size_t i;

	for (i = 1; spec->word(i) != NULL; i++)
		text = arena_printf(r->arena, "%s%s%s", text,
		    spec->word(i + 1) != NULL ? ", " : " or ", spec->word(i));
	return text;
}

static void
bad_word(struct reader *r, const struct value_spec *spec,
    const struct yaml_node *node)
{
	const char *words[WORDS_MAX], *near;
	size_t i, count = 0;

	for (i = 0; spec->word(i) != NULL && count < WORDS_MAX; i++)
		words[count++] = spec->word(i);
	near = nearest_word(node->text, words, count);
	if (near != NULL)
		mistake_add(r->mistakes, r->source, node->place,
		    "'%s' is no %s; did you mean '%s'?", node->text.ptr,
		    spec->name, near);
	else
		mistake_add(r->mistakes, r->source, node->place,
		    "'%s' is no %s; write %s", node->text.ptr, spec->name,
		    list_words(r, spec));
}

/* What examples and `init` put where a key will be. */
static bool
is_placeholder(struct slice text)
{
	return slice_is(text, "ed25519:…") || slice_is(text, "ed25519:...");
}

static void
bad_value(struct reader *r, const struct keyword *k,
    const struct yaml_node *node)
{
	const struct value_spec *spec = value_spec(k->type);

	if (k->placeholder != NULL && is_placeholder(node->text))
		mistake_add(r->mistakes, r->source, node->place,
		    "'%s' waits for its key; %s", k->name, k->placeholder);
	else if (spec->pattern == NULL)
		bad_word(r, spec, node);
	else
		mistake_add(r->mistakes, r->source, node->place,
		    "'%s' is no %s; write %s", node->text.ptr, spec->name,
		    spec->write);
}

static void
check_range(struct reader *r, const struct keyword *k,
    const struct yaml_node *node, const void *at)
{
	char min[VALUE_NUMBER_CHARS], max[VALUE_NUMBER_CHARS];
	int64_t number;

	if (k->min == 0 && k->max == 0)
		return;
	memcpy(&number, at, sizeof(number));
	if (number >= k->min && number <= k->max)
		return;
	value_write_number(k->type, k->min, min);
	value_write_number(k->type, k->max, max);
	mistake_add(r->mistakes, r->source, node->place,
	    "'%s' has to be from %s to %s", k->name, min, max);
}

/* False when it could not be read, which is a mistake. */
static bool
read_scalar(struct reader *r, const struct keyword *k,
    const struct yaml_node *node, void *at)
{
	const struct value_spec *spec = value_spec(k->type);

	if (node->type != YAML_SCALAR || yaml_is_null(node)) {
		mistake_add(r->mistakes, r->source, node->place,
		    "'%s' takes a %s, and this is %s", k->name, spec->name,
		    type_name(node));
		return false;
	}
	if (!spec->read(r->arena, node->text, at)) {
		bad_value(r, k, node);
		return false;
	}
	check_range(r, k, node, at);
	return true;
}

/* The scalar that an entry is known by: itself, or its table's first key. */
static const struct yaml_node *
entry_name(const struct keyword *k, const struct yaml_node *entry)
{
	const struct yaml_item *first = NULL;

	if (k->table != NULL && entry->type == YAML_MAPPING)
		first = yaml_find(entry, slice_of(k->table->keywords[0].name));
	if (first != NULL)
		entry = first->value;
	return entry->type == YAML_SCALAR ? entry : NULL;
}

/* True, and a mistake, when the list has one of that name before `item`. */
static bool
listed_before(struct reader *r, const struct keyword *k,
    const struct yaml_node *list, const struct yaml_item *item)
{
	const struct yaml_node *name = entry_name(k, item->value), *other;
	const struct yaml_item *before;

	if (name == NULL)
		return false;
	for (before = list->first; before != item; before = before->next) {
		other = entry_name(k, before->value);
		if (other == NULL || !slice_eq(other->text, name->text))
			continue;
		mistake_add(r->mistakes, r->source, name->place,
		    "'%s' is listed twice", name->text.ptr);
		return true;
	}
	return false;
}

/* False when it is no list, or has nothing in it where it should. */
static bool
check_list(struct reader *r, const struct keyword *k,
    const struct yaml_node *node)
{
	bool list = node->type == YAML_SEQUENCE;

	if (list && (node->count > 0 || k->empty))
		return true;
	mistake_add(r->mistakes, r->source, node->place,
	    "'%s' takes a list, and this is %s", k->name,
	    list ? "an empty one" : type_name(node));
	return false;
}

static void
read_set(struct reader *r, const struct keyword *k,
    const struct yaml_node *node, void *record)
{
	const struct yaml_item *item;
	unsigned bits = 0, bit;

	if (!check_list(r, k, node))
		return;
	for (item = node->first; item != NULL; item = item->next)
		if (!listed_before(r, k, node, item) &&
		    read_scalar(r, k, item->value, &bit))
			bits |= bit;
	memcpy((char *)record + k->offset, &bits, sizeof(bits));
}

/*
 * An entry of a list.  Where those are mappings, a scalar is short for one
 * with the table's first key alone.
 */
static bool
read_entry(struct reader *r, const struct keyword *k,
    const struct yaml_node *node, void *at)
{
	const struct keyword *first;

	if (k->table == NULL)
		return read_scalar(r, k, node, at);
	first = &k->table->keywords[0];
	if (node->type != YAML_SCALAR) {
		table_read(r, k->table, node, at);
		return true;
	}
	read_absences(r, k->table, 1, at);
	return read_scalar(r, first, node, (char *)at + first->offset);
}

static void
read_list(struct reader *r, const struct keyword *k,
    const struct yaml_node *node, void *record)
{
	size_t bytes =
	    k->table != NULL ? k->table->bytes : value_spec(k->type)->bytes;
	size_t count = 0, n = 0;
	size_t most = k->items_max > 0 ? k->items_max : node->count;
	const struct yaml_item *item;
	char *at = (char *)record + k->offset;

	if (!check_list(r, k, node))
		return;
	assert(k->inline_max == 0 || most <= k->inline_max);
	if (k->inline_max == 0) {
		at = arena_alloc(r->arena, bytes * most);
		memcpy((char *)record + k->offset, &at, sizeof(at));
	}
	for (item = node->first; item != NULL; item = item->next) {
		if (n++ == most) {
			mistake_add(r->mistakes, r->source, item->value->place,
			    "%s; remove it", k->more);
			break;
		}
		if (!listed_before(r, k, node, item) &&
		    read_entry(r, k, item->value, at + bytes * count))
			count++;
	}
	memcpy((char *)record + k->count_offset, &count, sizeof(count));
}

/* What a map's entries are: names, and how large with what they lead to. */
static const struct value_spec *
map_key(const struct keyword *k)
{
	return value_spec(k->table != NULL ? k->table->key_type : VALUE_NAME);
}

static size_t
map_bytes(const struct keyword *k)
{
	if (k->table != NULL)
		return k->table->bytes;
	return sizeof(struct slice) + value_spec(k->type)->bytes;
}

/* False when there is nothing to keep. */
static bool
read_map_entry(struct reader *r, const struct keyword *k,
    const struct yaml_item *item, char *at)
{
	const struct value_spec *spec = map_key(k);

	if (!spec->read(r->arena, item->key->text, at)) {
		mistake_add(r->mistakes, r->source, item->key->place,
		    "'%s' is no %s; write %s", item->key->text.ptr, spec->name,
		    spec->write);
		return false;
	}
	if (k->table == NULL)
		return read_scalar(r, k, item->value,
		    at + sizeof(struct slice));
	table_read(r, k->table, item->value, at);
	return true;
}

static void
read_map(struct reader *r, const struct keyword *k,
    const struct yaml_node *node, void *record)
{
	const struct yaml_item *item;
	size_t count = 0;
	char *at;

	if (node->type != YAML_MAPPING || node->count == 0) {
		mistake_add(r->mistakes, r->source, node->place,
		    "'%s' takes a mapping of %s, and this is %s", k->name,
		    k->table != NULL && k->table->key_type == VALUE_INT
			? "numbers"
			: "names",
		    node->type == YAML_MAPPING ? "an empty one"
					       : type_name(node));
		return;
	}
	at = arena_alloc(r->arena, map_bytes(k) * node->count);
	memcpy((char *)record + k->offset, &at, sizeof(at));
	for (item = node->first; item != NULL; item = item->next) {
		if (!read_map_entry(r, k, item, at))
			continue;
		at += map_bytes(k);
		count++;
	}
	memcpy((char *)record + k->count_offset, &count, sizeof(count));
}

static bool
has_required(const struct table *table)
{
	size_t i;

	for (i = 0; i < table->count; i++)
		if (table->keywords[i].required)
			return true;
	return false;
}

static void
read_absent(struct reader *r, const struct keyword *k, void *record)
{
	char *at = (char *)record + k->offset;
	bool fine;

	if (k->form == FORM_ONE && k->table != NULL &&
	    !has_required(k->table)) {
		table_read(r, k->table, &nothing, at);
	} else if (k->fallback != NULL) {
		fine = value_spec(k->type)->read(r->arena,
		    slice_of(k->fallback), at);
		assert(fine);
	} else if (k->form == FORM_ONE && k->table == NULL &&
		   (k->type == VALUE_PRICE || k->type == VALUE_SHARE)) {
		*(int64_t *)(void *)at = VALUE_NOT_SAID;
	}
}

static void
read_keyword(struct reader *r, const struct keyword *k,
    const struct yaml_node *node, void *record)
{
	char *at = (char *)record + k->offset;

	if (k->form == FORM_MAP)
		read_map(r, k, node, record);
	else if (k->form == FORM_SET)
		read_set(r, k, node, record);
	else if (k->form == FORM_LIST)
		read_list(r, k, node, record);
	else if (k->table != NULL)
		table_read(r, k->table, node, at);
	else if (!read_scalar(r, k, node, at))
		read_absent(r, k, record);
}

/* Where a mapping's lack of a key is shown: at its first own character. */
static void
missing(struct reader *r, const struct table *table, const struct keyword *k,
    const struct yaml_node *node)
{
	mistake_add(r->mistakes, r->source, node->place, "%s needs '%s': %s",
	    table->name, k->name, k->help);
}

/* "a, b or c" of the keys that are acted on. */
static const char *
list_keys(struct reader *r, const struct table *table)
{
	const char *text = table->keywords[0].name;
	size_t i;

	for (i = 1; i < table->count; i++)
		text = arena_printf(r->arena, "%s%s%s", text,
		    i + 1 < table->count ? ", " : " or ",
		    table->keywords[i].name);
	return text;
}

/* What was left out as a whole (`nothing`) is no mistake. */
static void
check_some(struct reader *r, const struct table *table,
    const struct yaml_node *node)
{
	if (table->some && node != &nothing && node->first == NULL)
		mistake_add(r->mistakes, r->source, node->place,
		    "%s says nothing here; write %s, or remove it", table->name,
		    list_keys(r, table));
}

void
table_read(struct reader *r, const struct table *table,
    const struct yaml_node *node, void *record)
{
	const struct yaml_item *item;
	size_t i;

	if (node->type != YAML_MAPPING && !yaml_is_null(node)) {
		mistake_add(r->mistakes, r->source, node->place,
		    "%s is a mapping, and this is %s", table->name,
		    type_name(node));
		read_absences(r, table, 0, record);
		return;
	}
	check_some(r, table, node);
	for (item = node->first; item != NULL; item = item->next) {
		const struct keyword *k = table_find(table, item->key->text);

		if (k == NULL)
			unknown_key(r, table, item->key);
		else if (k->later)
			later(r, item->key, k->name);
		else
			read_keyword(r, k, item->value, record);
	}
	for (i = 0; i < table->count; i++) {
		const struct keyword *k = &table->keywords[i];

		if (yaml_find(node, slice_of(k->name)) != NULL || k->later)
			continue;
		if (k->required)
			missing(r, table, k, node);
		else
			read_absent(r, k, record);
	}
	if (table->finish != NULL)
		table->finish(r, node, record);
}
