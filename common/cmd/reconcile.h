#pragma once
/*
 * reconcile: what came of two ledgers held against each other, printed.  For
 * main threads.
 */
#include "common/base/lang.h"

struct auditor;
struct bundle;

struct reconcile_manner {
	bool json;
	bool live; /* no exports: nobody signed their manifests */
};

/* Gives the exit status: 0, they agree. */
int reconcile_bundles(struct auditor *a, const struct bundle *node,
    const struct bundle *egress, const struct reconcile_manner *m);
