#pragma once
/*
 * master: the key that a member's vault is sealed under: 32 bytes, raw or as
 * 64 hex digits.  It comes from a file the operator names, else from the
 * service manager ($CREDENTIALS_DIRECTORY/gsr-master-key), else from
 * STATE/master.key.  Reasons in *why are constants.
 */
#include "common/base/lang.h"

struct secret;

/* `file` may be NULL.  NULL and *why when there is no usable key. */
struct secret *master_open(const char *state_dir, const char *file,
    const char **why);

/* Make STATE/master.key unless it is there; only its owner can read it. */
must_check bool master_create(const char *state_dir, const char **why);
