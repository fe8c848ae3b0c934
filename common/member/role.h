#pragma once
/*
 * role: the rows of role.def as bits of an unsigned: what an admin token was
 * given, and what a question wants one of.  Pure.
 */
#include "common/base/slice.h"

struct buf;

enum admin_role {
#define ROLE(id, name, meaning) id,
#include "common/member/role.def"
#undef ROLE
	ADMIN_ROLES
};

#define ROLE_BIT(role) (1u << (role))
#define ROLES_ALL      (ROLE_BIT(ADMIN_ROLES) - 1)

const char *role_name(enum admin_role role);
const char *role_meaning(enum admin_role role);

/* Its bit; 0: there is no such role. */
unsigned role_bit(struct slice name);

/* "token-admin, operator"; nothing for none. */
void roles_put(struct buf *out, unsigned roles, const char *between);
