#pragma once
/*
 * vault: the sealed secrets of a member (provider keys), one file STATE/vault.
 * Each secret is sealed under the master key together with its name and time;
 * the whole file carries a keyed tag, so nothing in it can be swapped, dropped
 * or altered unseen.  Replaced whole by rename; a lock on the directory keeps
 * a daemon and a command from losing each other's changes.
 * One thread opens it; the secrets it gives may be shared.  Reasons in *why
 * are constants.
 */
#include "common/base/slice.h"

struct secret;
struct vault;

#define VAULT_NAME_MAX        63
#define VAULT_ENTRIES_MAX     1024
#define VAULT_SECRET_MAX      16384
#define VAULT_FINGERPRINT_LEN 8

struct vault_entry {
	const char *name; /* good until the vault changes */
	int64_t set_us;   /* wall clock */
	/* Keyed: equal for equal secrets of this master key, tells no more. */
	char fingerprint[VAULT_FINGERPRINT_LEN + 1];
};

/* Make STATE/master.key if it is absent; for enrolment. */
must_check bool vault_create(const char *state_dir, const char **why);

/*
 * Read and unseal all.  A vault without a file is empty.  `master_key_file`
 * may be NULL (see master.h).  NULL and *why on any doubt.
 */
struct vault *vault_open(const char *state_dir, const char *master_key_file,
    const char **why);

/* NULL is fine. */
void vault_close(struct vault *v);

/* Read it again; on failure it stays as it is. */
must_check bool vault_reload(struct vault *v, const char **why);

/* [a-z0-9][a-z0-9._-]{0,62} */
must_check bool vault_name_ok(const char *name);

/* Put or replace, on disk when it returns.  Holds the secret. */
must_check bool vault_set(struct vault *v, const char *name,
    struct secret *secret, const char **why);

/*
 * The same, for a name that is there and another secret than it has: a
 * mistaken name or an old key pasted again changes nothing.
 */
must_check bool vault_rotate(struct vault *v, const char *name,
    struct secret *secret, const char **why);

/* On disk when it returns; false also when there is none of that name. */
must_check bool vault_remove(struct vault *v, const char *name,
    const char **why);

/* Held for the caller; NULL when there is none of that name. */
struct secret *vault_get(const struct vault *v, const char *name);

size_t vault_count(const struct vault *v);

/* The i-th by name. */
struct vault_entry vault_at(const struct vault *v, size_t i);

/* By its name; false when there is none. */
must_check bool vault_find(const struct vault *v, const char *name,
    struct vault_entry *entry);
