#include "common/llm/event.h"

/* Finish reasons by which providers end an answer that failed. */
static const char *const failed_reasons[] = { "error", "abort",
	"insufficient_system_resource" };

/* What the choices of a chunk have in them. */
struct found {
	size_t choices, content; /* how many, and bytes in them */
	bool finish, failed;
};

static struct found
look_at(const struct json_value *choices)
{
	const struct json_value *c, *reason;
	struct found found = { 0 };
	size_t i;

	if (choices == NULL || choices->type != JSON_ARRAY)
		return found;
	found.choices = choices->count;
	for (c = choices->first; c != NULL; c = c->next) {
		found.content += event_bytes(json_find(c, "delta"), "role");
		reason = json_find(c, "finish_reason");
		if (!is_given(reason) || is_word(reason, ""))
			continue;
		found.finish = true;
		for (i = 0; i < count_of(failed_reasons); i++)
			found.failed |= is_word(reason, failed_reasons[i]);
	}
	return found;
}

static bool
note_usage(struct scan *s, const struct json_value *object)
{
	struct usage usage;

	if (!is_given(object) || !usage_read(&usage, DIALECT_CHAT, object))
		return false;
	s->usage = usage;
	s->has_usage = true;
	return true;
}

enum scan_kind
chunk_read(struct scan *s, const struct json_value *root, struct slice name)
{
	struct found found = look_at(json_find(root, "choices"));
	bool usage = note_usage(s, json_find(root, "usage"));
	bool repeated = s->finished && found.content == 0;

	if (found.failed || event_is_error(root, name))
		return SCAN_ERROR;
	s->content |= found.content > 0;
	s->content_bytes += (int64_t)found.content;
	s->finished |= found.finish;
	if (usage && (found.choices == 0 || repeated))
		return SCAN_USAGE;
	if (found.content > 0 || (found.finish && !repeated))
		return SCAN_CONTENT;
	return SCAN_QUIET;
}
