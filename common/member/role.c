#include "common/member/role.h"

#include "common/base/buf.h"

static const struct {
	const char *name, *meaning;
} roles[ADMIN_ROLES] = {
#define ROLE(id, name, meaning) [id] = { name, meaning },
#include "common/member/role.def"
#undef ROLE
};

const char *
role_name(enum admin_role role)
{
	return roles[role].name;
}

const char *
role_meaning(enum admin_role role)
{
	return roles[role].meaning;
}

unsigned
role_bit(struct slice name)
{
	enum admin_role r;

	for (r = 0; r < ADMIN_ROLES; r++)
		if (slice_is(name, roles[r].name))
			return ROLE_BIT(r);
	return 0;
}

void
roles_put(struct buf *out, unsigned of, const char *between)
{
	bool first = true;
	enum admin_role r;

	for (r = 0; r < ADMIN_ROLES; r++) {
		if ((of & ROLE_BIT(r)) == 0)
			continue;
		buf_printf(out, "%s%s", first ? "" : between, roles[r].name);
		first = false;
	}
}
