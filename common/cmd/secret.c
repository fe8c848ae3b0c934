#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/cmd/ask.h"
#include "common/cmd/note.h"
#include "common/cmd/shared.h"
#include "common/format/table.h"
#include "common/member/vault.h"

#define OUT_MAX (1024 * 1024)

struct options {
	const char *state, *master_key;
	bool json;
};

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	{ "master-key", "FILE", OPTION_TEXT,
	    offsetof(struct options, master_key), false, 0, 0,
	    "opens the secret store; default: systemd credential, "
	    "STATE/master.key" },
	JSON_OPTION(struct options),
};

static struct vault *
open_vault(const struct options *o)
{
	const char *why = NULL;
	struct vault *v = vault_open(o->state, o->master_key, &why);

	if (v == NULL)
		fprintf(stderr, "secret store: %s\n", why);
	return v;
}

/* A running daemon takes the change at once; without one there is nothing
 * to tell. */
static int
tell_daemon(const struct options *o)
{
	enum asked asked =
	    ask_daemon(o->state, "POST", "/admin/reload", slice_make(NULL, 0));

	return asked == ASKED_OK || asked == ASKED_NOBODY ? 0 : 1;
}

typedef bool put_secret(struct vault *v, const char *name,
    struct secret *secret, const char **why);

/* From standard input into the vault; 0, or what to exit with. */
static int
put_from_input(struct vault *v, const char *name, put_secret *put)
{
	const char *why = "it is empty, too long, or cannot be read";
	struct secret *secret;
	bool done = false;

	if (isatty(STDIN_FILENO))
		fprintf(stderr, "Paste the secret, then Enter and Ctrl-D:\n");
	secret = secret_read(STDIN_FILENO, VAULT_SECRET_MAX);
	if (secret != NULL)
		done = put(v, name, secret, &why);
	if (!done)
		fprintf(stderr, "secret '%s': %s\n", name, why);
	secret_free(secret);
	return done ? 0 : 1;
}

static bool
name_is_good(const char *name)
{
	if (vault_name_ok(name))
		return true;
	fprintf(stderr, "a secret's name is a-z, 0-9, '.', '_' and '-', at "
			"most 63 characters\n");
	return false;
}

static int
run_set(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct vault *v;
	int status;

	(void)count;
	if (!name_is_good(operands[0]))
		return 2;
	v = open_vault(o);
	if (v == NULL)
		return 1;
	status = put_from_input(v, operands[0], vault_set);
	vault_close(v);
	if (status != 0)
		return status;
	printf("secret '%s' is set\n", operands[0]);
	note_tell(o->state, "secret set", operands[0]);
	return tell_daemon(o);
}

/* The daemon takes secrets alone: half-edited files do not stop it. */
static int
tell_rotated(const struct options *o, const char *name)
{
	switch (ask_daemon(o->state, "POST", "/admin/reload/secrets",
	    slice_make(NULL, 0))) {
	case ASKED_OK:
		return 0;
	case ASKED_NOBODY:
		printf("no daemon runs on %s; the next one will use it\n",
		    o->state);
		return 0;
	default:
		fprintf(stderr,
		    "secret '%s': it is stored, but the running daemon goes "
		    "on with the old one\n",
		    name);
		return 1;
	}
}

static int
run_rotate(const void *options, int count, char *const *operands)
{
	struct vault_entry was = { .name = "" }, is = { .name = "" };
	const struct options *o = options;
	const char *name = operands[0];
	struct vault *v;
	int status;
	bool known;

	(void)count;
	if (!name_is_good(name))
		return 2;
	v = open_vault(o);
	if (v == NULL)
		return 1;
	known = vault_find(v, name, &was);
	status = put_from_input(v, name, vault_rotate);
	known = vault_find(v, name, &is) && known;
	vault_close(v);
	if (status != 0)
		return status;
	printf("secret '%s' is rotated: fingerprint %s, was %s\n", name,
	    is.fingerprint, known ? was.fingerprint : "none");
	fflush(stdout);
	note_tell(o->state, "secret rotate", name);
	return tell_rotated(o, name);
}

static int
run_list(const void *options, int count, char *const *operands)
{
	static const struct table_column columns[] = {
		{ "name", CELL_TEXT },
		{ "set", CELL_TIME },
		{ "fingerprint", CELL_TEXT },
	};
	const struct options *o = options;
	struct vault *v = open_vault(o);
	struct table table;
	struct buf out;
	size_t i;

	(void)count;
	(void)operands;
	if (v == NULL)
		return 1;
	buf_init(&out, OUT_MAX);
	table_open(&table, &out, o->json ? OUTPUT_JSON : OUTPUT_TEXT, columns,
	    count_of(columns));
	for (i = 0; i < vault_count(v); i++) {
		struct vault_entry entry = vault_at(v, i);

		table_text(&table, slice_of(entry.name));
		table_int(&table, entry.set_us);
		table_text(&table, slice_of(entry.fingerprint));
	}
	table_close(&table);
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
	vault_close(v);
	return 0;
}

static int
run_remove(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct vault *v = open_vault(o);
	const char *why = NULL;
	bool removed;

	(void)count;
	if (v == NULL)
		return 1;
	removed = vault_remove(v, operands[0], &why);
	vault_close(v);
	if (!removed) {
		fprintf(stderr, "secret '%s': %s\n", operands[0], why);
		return 1;
	}
	printf("secret '%s' is removed\n", operands[0]);
	note_tell(o->state, "secret remove", operands[0]);
	return 0;
}

const struct command cmd_secret_set = {
	.name = "secret set",
	.operands = "NAME",
	.summary = "seal a provider key, read from standard input",
	.text =
	    "The key is read from standard input, never from arguments, "
	    "sealed under the\nmaster key, and never shown again.  A running "
	    "daemon takes it at once.\n\nExample:  secret set openai --state "
	    "/var/lib/gsr < key.txt",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_set,
};

const struct command cmd_secret_rotate = {
	.name = "secret rotate",
	.operands = "NAME",
	.summary = "replace a provider key, without a restart",
	.text =
	    "The new key is read from standard input, and takes the place of "
	    "one that is there.\nA running daemon uses it from its next call "
	    "on; calls under way finish with the\nold one.  Topology files "
	    "are not read again.\n\nExample:  secret rotate openai --state "
	    "/var/lib/gsr < new-key.txt",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_rotate,
};

const struct command cmd_secret_list = {
	.name = "secret list",
	.summary = "names of sealed secrets, with keyed fingerprints",
	.text = "A fingerprint tells whether two entries hold the same key; it "
		"tells nothing else.",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run_list,
};

const struct command cmd_secret_remove = {
	.name = "secret remove",
	.operands = "NAME",
	.summary = "forget a sealed secret",
	.text =
	    "A running daemon goes on with what it has loaded until its next "
	    "reload, which\nrefuses files that still name the secret.",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_remove,
};
