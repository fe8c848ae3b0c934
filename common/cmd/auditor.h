#pragma once
/*
 * auditor: who checks exports with public keys alone: the keys of a mesh, and
 * what is said when they are not to be had.
 */
#include "common/base/command.h"
#include "common/base/crypto.h"

struct auditor;
struct bundle;

#define OPERATOR_KEY_OPTION(type)                                              \
	{                                                                      \
		"operator-key", "KEY", OPTION_TEXT,                            \
		    offsetof(type, operator_key), false, 0, 0,                 \
		    "of exports: who has to have signed mesh.yaml, "           \
		    "ed25519:... or a file"                                    \
	}

/* NULL: said why. `operator_key` may be NULL: mesh.yaml is believed. */
struct auditor *auditor_new(const char *topology, const char *operator_key);
void auditor_free(struct auditor *a);

/* An egress's or a node's which-th key; NULL: no more. */
const struct public_key *auditor_key(void *auditor, struct slice member,
    size_t which);

/* False: said why. */
must_check bool auditor_open(struct auditor *a, const char *dir,
    struct bundle *b);

struct mesh;
const struct mesh *auditor_mesh(const struct auditor *a);

/* bundle_check by the keys of the bundle's member. */
size_t auditor_check(struct auditor *a, const struct bundle *b,
    void (*finding)(void *arg, const char *line), void *arg);

/* Is the bundle's member an egress? */
bool auditor_is_egress(const struct auditor *a, const struct bundle *b);
