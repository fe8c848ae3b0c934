/* Answers to trials come from whatever stands behind a target: each gets a
 * short word or passes, and the same in the end when it is heard again. */
#include <assert.h>

#include "common/base/crypto.h"
#include "node/trial/testimony.h"
#include "node/trial/trial.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return crypto_start() ? 0 : 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct testimony_wish wish;
	const char *why;

	if (len < 2)
		return 0;
	wish.trial = trial_get((enum trial_id)(bytes[0] % TRIALS));
	wish.dialect = (enum dialect)(bytes[1] % DIALECTS);
	wish.body = slice_make(bytes + 2, len - 2);
	why = testimony_judge(&wish);
	assert(strlen(why) < 32);
	assert(strcmp(testimony_judge(&wish), why) == 0);
	return 0;
}
