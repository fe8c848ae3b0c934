#include "common/store/fault.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"

#define TELL_EVERY_US US_PER_SECOND

void
fault_init(struct fault *f)
{
	atomic_init(&f->complained_us, 0);
	atomic_init(&f->failing, false);
}

void
fault_tell(struct fault *f, const char *text, const char *why)
{
	int64_t now = clock_mono_us();
	int64_t last = atomic_load(&f->complained_us);

	if (last != 0 && now - last < TELL_EVERY_US)
		return;
	if (atomic_compare_exchange_strong(&f->complained_us, &last, now))
		log_error(text, log_str("why", why));
}

static bool
passes(const char *error)
{
	return strstr(error, "No space left") != NULL ||
	       strstr(error, "quota exceeded") != NULL ||
	       strstr(error, "IO error") == NULL;
}

enum db_result
fault_judge(struct fault *f, const char *call, const char *error)
{
	if (error == NULL)
		return DB_OK;
	if (strstr(error, "Write stall") != NULL)
		return DB_BUSY;
	if (!passes(error)) {
		log_error("the disk failed under the store: stopping",
		    log_str("call", call), log_str("why", error));
		abort();
	}
	fault_tell(f, call, error);
	return DB_FAILED;
}

enum db_result
fault_judge_write(struct fault *f, const char *error)
{
	enum db_result result =
	    fault_judge(f, "store cannot be written", error);

	if (result == DB_FAILED)
		atomic_store(&f->failing, true);
	else if (result == DB_OK && atomic_load(&f->failing))
		atomic_store(&f->failing, false);
	return result;
}

bool
fault_is_failing(const struct fault *f)
{
	return atomic_load(&f->failing);
}
