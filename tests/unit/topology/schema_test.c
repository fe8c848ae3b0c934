#include "tests/unit/topology/fixture.h"

#include <regex.h>

#include "common/format/json.h"
#include "common/format/yaml.h"
#include "topology/reference.h"
#include "topology/schema.h"

#define ARENA_BYTES (4 * YAML_ARENA_BYTES)

/* Enough of draft-07 to judge a file as an editor would. */
struct judge {
	struct arena arena;
	const char *why; /* the first thing that does not fit */
};

static bool accepts(struct judge *j, const struct json_value *schema,
    const struct yaml_node *node);

static bool
says_no(struct judge *j, const char *why)
{
	if (j->why == NULL)
		j->why = why;
	return false;
}

static const char *
text_of(struct judge *j, const struct json_value *value)
{
	struct slice text;

	if (!json_text(value, &j->arena, &text))
		return "";
	return arena_text(&j->arena, text);
}

static bool
matches(struct judge *j, const struct json_value *schema, struct slice text)
{
	const struct json_value *pattern = json_find(schema, "pattern");
	regex_t regex;
	bool fine;

	if (pattern == NULL)
		return true;
	assert_int_equal(regcomp(&regex, text_of(j, pattern),
			     REG_EXTENDED | REG_NOSUB),
	    0);
	fine = regexec(&regex, text.ptr, 0, NULL, 0) == 0;
	regfree(&regex);
	return fine || says_no(j, text.ptr);
}

static bool
is_among(struct judge *j, const struct json_value *words, struct slice text)
{
	const struct json_value *word;

	for (word = words->first; word != NULL; word = word->next)
		if (slice_is(text, text_of(j, word)))
			return true;
	return says_no(j, text.ptr);
}

static bool
accepts_scalar(struct judge *j, const struct json_value *schema,
    const struct yaml_node *node)
{
	const struct json_value *words = json_find(schema, "enum");
	const char *type = text_of(j, json_find(schema, "type"));
	char *end;

	if (node->type != YAML_SCALAR)
		return says_no(j, "a scalar was expected");
	if (words != NULL)
		return is_among(j, words, node->text);
	if (strcmp(type, "string") == 0)
		return matches(j, schema, node->text);
	if (strcmp(type, "boolean") == 0)
		return slice_is(node->text, "true") ||
		       slice_is(node->text, "false") ||
		       says_no(j, node->text.ptr);
	if (strtod(node->text.ptr, &end) < 0 || *end != '\0')
		return says_no(j, node->text.ptr);
	return true;
}

static bool
accepts_object(struct judge *j, const struct json_value *schema,
    const struct yaml_node *node)
{
	const struct json_value *more =
	    json_find(schema, "additionalProperties");
	const struct json_value *required = json_find(schema, "required");
	const struct json_value *known = json_find(schema, "properties");
	const struct json_value *names = json_find(schema, "propertyNames");
	const struct json_value *key;
	const struct yaml_item *item;

	if (node->type != YAML_MAPPING)
		return says_no(j, "a mapping was expected");
	for (key = required != NULL ? required->first : NULL; key != NULL;
	     key = key->next)
		if (yaml_find(node, slice_of(text_of(j, key))) == NULL)
			return says_no(j, text_of(j, key));
	for (item = node->first; item != NULL; item = item->next) {
		key = json_find(known, item->key->text.ptr);
		if (key == NULL)
			key = more;
		if (key == NULL || key->type == JSON_FALSE ||
		    (names != NULL && !matches(j, names, item->key->text)))
			return says_no(j, item->key->text.ptr);
		if (!accepts(j, key, item->value))
			return false;
	}
	return true;
}

static bool
accepts_any(struct judge *j, const struct json_value *schemas,
    const struct yaml_node *node)
{
	const struct json_value *schema;
	struct judge one = *j;

	for (schema = schemas->first; schema != NULL; schema = schema->next) {
		one.why = NULL;
		if (accepts(&one, schema, node))
			break;
	}
	j->arena = one.arena;
	return schema != NULL || says_no(j, one.why);
}

static bool
accepts(struct judge *j, const struct json_value *schema,
    const struct yaml_node *node)
{
	const char *type = text_of(j, json_find(schema, "type"));
	const struct json_value *any = json_find(schema, "anyOf");
	const struct yaml_item *item;

	if (any != NULL)
		return accepts_any(j, any, node);
	if (strcmp(type, "object") == 0)
		return accepts_object(j, schema, node);
	if (strcmp(type, "array") != 0)
		return accepts_scalar(j, schema, node);
	if (node->type != YAML_SEQUENCE)
		return says_no(j, "a list was expected");
	for (item = node->first; item != NULL; item = item->next)
		if (!accepts(j, json_find(schema, "items"), item->value))
			return false;
	return true;
}

/* NULL when the schema of the kind accepts the file, else what it minds. */
static const char *
judge_file(const char *kind, const char *path)
{
	static char why[256];
	const struct json_value *schema;
	const struct yaml_node *root;
	struct json_error json_error;
	struct yaml_error yaml_error;
	struct judge j = { .why = NULL };
	char *text = read_text(path);
	struct buf out;

	arena_init(&j.arena, ARENA_BYTES);
	buf_init(&out, FILE_TEXT_MAX);
	schema_put(&out, schema_kind(slice_of(kind)));
	assert_false(out.failed);
	schema = json_parse(&j.arena, buf_slice(&out), &json_error);
	assert_non_null(schema);
	root = yaml_parse(&j.arena, slice_of(text), &yaml_error);
	assert_non_null(root);
	if (!accepts(&j, schema, root))
		snprintf(why, sizeof(why), "%s", j.why);
	free(text);
	buf_fini(&out);
	arena_fini(&j.arena);
	return j.why != NULL ? why : NULL;
}

static void
schemas_accept_the_first_example(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f);
	assert_null(judge_file("mesh", in_dir(&f, "mesh.yaml")));
	assert_null(judge_file("egress", in_dir(&f, "egress/central.yaml")));
	assert_null(judge_file("node", in_dir(&f, "node/payments.yaml")));
	fixture_free(&f);
}

static void
schemas_mind_what_validate_minds(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f);
	edit(in_dir(&f, "node/payments.yaml"), "strategy: static",
	    "strategy: magic");
	assert_string_equal(judge_file("node",
				in_dir(&f, "node/payments.yaml")),
	    "magic");
	edit(in_dir(&f, "egress/central.yaml"), "api_key:", "apikey:");
	assert_string_equal(judge_file("egress",
				in_dir(&f, "egress/central.yaml")),
	    "apikey");
	edit(in_dir(&f, "mesh.yaml"), "role: node, ", "");
	assert_string_equal(judge_file("mesh", in_dir(&f, "mesh.yaml")),
	    "role");
	/* Known but not acted on: an editor marks it. */
	assert_string_equal(judge_file("node",
				"topology/example/full/node/payments.yaml"),
	    "promote_if");
	assert_null(schema_kind(slice_of("hub")));
	fixture_free(&f);
}

#define ROUTED                                                                 \
	"strategy: external\n"                                                 \
	"    contract: {requires: [tools], min_quality: 0.8, "                 \
	"max_error_rate: 2.5%, max_price: {output: 40}}\n"                     \
	"    score: {weights: {cost: 0.5}, explore: 2%}\n"                     \
	"    timeouts: {attempt: 30s}\n"                                       \
	"    external: {url: \"http://127.0.0.1:1/\", fallback: score, "       \
	"include_content: true}"

#define TARGETS "[{model: openai/gpt-5-mini, weight: 2, quality: 93%}, a/b]"

/* Each is the good file with one change, and what the schema minds. */
static const struct {
	const char *find, *put, *minds;
} wrongs[] = {
	{ "include_content: true", "include_content: maybe", "maybe" },
	{ "fallback: score", "fallback: script", "script" },
	{ "explore: 2%", "explore: 2 %", "2 %" },
	{ "min_quality: 0.8", "min_quality: high", "high" },
	{ "cost: 0.5", "cost: -1", "-1" },
	{ "cost: 0.5", "costs: 0.5", "costs" },
	{ "quality: 93%", "qualities: 1", "qualities" },
	{ "weight: 2", "weight: two", "two" },
	{ ", a/b]", ", b]", "a mapping was expected" },
};

static void
schemas_know_shares_switches_and_records(void **state)
{
	struct fixture f;
	const char *minds;
	char *before;
	size_t i;

	(void)state;
	fixture_make(&f);
	edit(in_dir(&f, "node/payments.yaml"), "strategy: static", ROUTED);
	edit(in_dir(&f, "node/payments.yaml"), "[openai/gpt-5-mini]", TARGETS);
	minds = judge_file("node", in_dir(&f, "node/payments.yaml"));
	if (minds != NULL)
		fail_msg("%s", minds);
	before = read_text(in_dir(&f, "node/payments.yaml"));
	for (i = 0; i < count_of(wrongs); i++) {
		edit(in_dir(&f, "node/payments.yaml"), wrongs[i].find,
		    wrongs[i].put);
		assert_string_equal(judge_file("node",
					in_dir(&f, "node/payments.yaml")),
		    wrongs[i].minds);
		write_text(in_dir(&f, "node/payments.yaml"), before);
	}
	free(before);
	fixture_free(&f);
}

#define TIERED                                                                 \
	"price: {request: 0, web_search: 0.01, above: {200000: {input: 1, "    \
	"cached_input: 0.1, output: 2}}, "

static const struct {
	const char *find, *put, *minds;
} price_wrongs[] = {
	{ "200000:", "200k:", "200k" },
	{ "output: 2}}", "}}", "output" },
	{ "request: 0", "requests: 0", "requests" },
	{ "request: 0", "request: free", "free" },
	{ "discount: 12%", "discount: lots", "lots" },
};

static void
schemas_know_prices(void **state)
{
	struct fixture f;
	const char *file, *minds;
	char *before;
	size_t i;

	(void)state;
	fixture_make(&f);
	file = "egress/central.yaml";
	edit(in_dir(&f, file), "price: {", TIERED);
	edit(in_dir(&f, file), "    type: openai",
	    "    discount: 12%\n    type: openai");
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 0);
	minds = judge_file("egress", in_dir(&f, file));
	if (minds != NULL)
		fail_msg("%s", minds);
	before = read_text(in_dir(&f, file));
	for (i = 0; i < count_of(price_wrongs); i++) {
		edit(in_dir(&f, file), price_wrongs[i].find,
		    price_wrongs[i].put);
		assert_string_equal(judge_file("egress", in_dir(&f, file)),
		    price_wrongs[i].minds);
		write_text(in_dir(&f, file), before);
	}
	free(before);
	fixture_free(&f);
}

static void
defaults_are_of_their_type(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, FILE_TEXT_MAX);
	schema_put(&out, schema_kind(slice_of("node")));
	assert_non_null(strstr(buf_text(&out), "\"default\":0.25,"));
	assert_non_null(strstr(buf_text(&out), "\"default\":10,"));
	assert_non_null(strstr(buf_text(&out), "\"default\":false,"));
	assert_non_null(strstr(buf_text(&out), "\"default\":\"2%\","));
	assert_non_null(strstr(buf_text(&out), "\"default\":[\"hints\"],"));
	/* What has to say something, and a map of scalars. */
	buf_reset(&out);
	schema_put(&out, schema_kind(slice_of("egress")));
	assert_non_null(strstr(buf_text(&out),
	    "\"type\":\"object\",\"additionalProperties\":false,"
	    "\"minProperties\":1,\"required\":[],\"properties\":{\"rpm\":"));
	assert_non_null(strstr(buf_text(&out),
	    "\"additionalProperties\":{\"type\":\"string\",\"pattern\":"
	    "\"^secret/"));
	buf_fini(&out);
}

static void
reference_names_every_key_once(void **state)
{
	struct buf all, some;
	const char *row;

	(void)state;
	buf_init(&all, FILE_TEXT_MAX);
	buf_init(&some, FILE_TEXT_MAX);
	reference_put(&all, NULL);
	assert_false(all.failed);
	row = strstr(buf_text(&all), "| `members.NAME.keys` |");
	assert_non_null(row);
	assert_null(strstr(row + 1, "| `members.NAME.keys` |"));
	assert_non_null(strstr(buf_text(&all),
	    "| `timeouts.idle` | duration: 500ms, 8s, 10m, 2h or 1d; 1s to 1h "
	    "| 2m |"));
	assert_non_null(strstr(buf_text(&all),
	    "| `groups.NAME.pii` | *not acted on yet* |"));
	assert_non_null(strstr(buf_text(&all),
	    "| `groups.NAME.targets[].quality` | share: 0.93 or 93% |"));
	assert_non_null(strstr(buf_text(&all),
	    "| `groups.NAME.score.explore` | share: 0.93 or 93%; 0% to 50% | "
	    "2% |"));
	assert_non_null(strstr(buf_text(&all),
	    "| `groups.NAME.external.include_content` | `false`, `true` | "
	    "false |"));
	assert_non_null(strstr(buf_text(&all),
	    "| `providers.NAME.team_keys` | a mapping of names to a secret's "
	    "name: secret/NAME; "));
	assert_non_null(strstr(buf_text(&all),
	    "| `teams.NAME.budget.day_usd` | sum of money: USD, as 25 or "
	    "0.50, with at most 6 decimals; 0.000001 to 1000000000 |"));
	assert_non_null(strstr(buf_text(&all),
	    "| `providers.NAME.models.NAME.price.above` | a mapping of "
	    "numbers |"));
	assert_non_null(strstr(buf_text(&all), ".price.above.N.output` |"));
	assert_non_null(strstr(buf_text(&all), "| strategy | meaning |"));
	reference_put(&some, "timeouts.idle");
	assert_non_null(strstr(buf_text(&some), "timeouts.idle"));
	assert_null(strstr(buf_text(&some), "members"));
	buf_reset(&some);
	reference_put(&some, "no such key");
	assert_int_equal(some.len, 0);
	buf_fini(&all);
	buf_fini(&some);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemas_accept_the_first_example),
		cmocka_unit_test(schemas_mind_what_validate_minds),
		cmocka_unit_test(schemas_know_shares_switches_and_records),
		cmocka_unit_test(schemas_know_prices),
		cmocka_unit_test(defaults_are_of_their_type),
		cmocka_unit_test(reference_names_every_key_once),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
