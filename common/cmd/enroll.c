#include "common/cmd/enroll.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/cmd/note.h"
#include "common/member/vault.h"

#define TEXT_MAX 8192

/* A key as text, or the first line of a file that holds it. */
static bool
read_key(struct public_key *key, const char *text)
{
	char line[PUBLIC_KEY_CHARS + 2] = "";
	FILE *f;

	if (public_key_parse(key, slice_of(text)))
		return true;
	f = fopen(text, "r");
	if (f == NULL)
		return false;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	return public_key_parse(key, slice_of(line));
}

int
enroll_run(const char *state_dir, struct enrolment *e, const char *operator_key)
{
	struct buf stanza, why;
	const char *reason = NULL;
	int status = 1;

	if (!read_key(&e->operator_key, operator_key)) {
		fprintf(stderr,
		    "--operator-key: '%s' is neither ed25519:… nor a file "
		    "that holds such a key; `gsr-topology init` prints it\n",
		    operator_key);
		return 2;
	}
	buf_init(&stanza, TEXT_MAX);
	buf_init(&why, TEXT_MAX);
	if (!identity_enroll(state_dir, e, &stanza, &why)) {
		fprintf(stderr, "%s\n", buf_text(&why));
	} else if (!vault_create(state_dir, &reason)) {
		fprintf(stderr, "secret store: %s\n", reason);
	} else {
		fprintf(stderr,
		    "enrolled in %s; put this line under 'members:' "
		    "in mesh.yaml, then sign it:\n",
		    state_dir);
		printf("%s", buf_text(&stanza));
		note_tell(state_dir, "enroll", e->name);
		status = 0;
	}
	buf_fini(&stanza);
	buf_fini(&why);
	return status;
}
