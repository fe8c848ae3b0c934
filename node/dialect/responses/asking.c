#include "node/dialect/responses/asking.h"

#include "common/base/arena.h"
#include "common/format/json.h"

bool
asking_wrong(const struct asking *a, const char *field, const char *must)
{
	struct arena *arena = a->t->arena;
	const char *outer = "", *inner = "";

	if (a->list != NULL)
		outer = arena_printf(arena, "%s[%zu]%s", a->list, a->at,
		    a->inner != NULL || field != NULL ? "." : "");
	if (a->inner != NULL)
		inner = arena_printf(arena, "%s[%zu]%s", a->inner, a->inner_at,
		    field != NULL ? "." : "");
	*a->why = arena_printf(arena, "%s%s%s %s", outer, inner,
	    field != NULL ? field : "", must);
	return false;
}

bool
asking_string(const struct asking *a, const struct json_value *object,
    const char *name, struct slice *raw)
{
	const struct json_value *v = json_find(object, name);

	*raw = slice_make(NULL, 0);
	if (v == NULL || v->type == JSON_NULL)
		return true;
	if (v->type != JSON_STRING)
		return asking_wrong(a, name, "must be a string");
	*raw = v->raw;
	return true;
}

bool
asking_needs(const struct asking *a, const struct json_value *object,
    const char *name, struct slice *raw)
{
	if (!asking_string(a, object, name, raw))
		return false;
	if (raw_inside(*raw).len == 0)
		return asking_wrong(a, name, "must be a string, not empty");
	return true;
}
