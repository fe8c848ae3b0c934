#include "common/store/format.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"

#define FORMAT_KEY   "format"
#define FORMAT_CHARS 16
#define FORMAT_MAX   1024 /* whatever a newer version writes there */

static enum db_result
put_ours(struct db *db)
{
	char text[FORMAT_CHARS];

	snprintf(text, sizeof(text), "%d", DB_FORMAT);
	return db_put_now(db, FAMILY_META, slice_of(FORMAT_KEY),
	    slice_of(text));
}

enum db_result
format_check(struct db *db, const char *dir, bool read_only)
{
	enum db_result result = DB_OK;
	struct buf found;
	long number;

	buf_init(&found, FORMAT_MAX);
	if (!db_get(db, FAMILY_META, slice_of(FORMAT_KEY), &found)) {
		result = read_only ? DB_OK : put_ours(db);
		goto out;
	}
	number = strtol(buf_text(&found), NULL, 10);
	if (number > DB_FORMAT) {
		log_error("store was written by a newer version",
		    log_str("dir", dir), log_int("format", number),
		    log_int("ours", DB_FORMAT));
		result = DB_NEWER;
	} else if (number < 1) {
		log_error("store has no valid format number",
		    log_str("dir", dir));
		result = DB_FAILED;
	}
out:
	buf_fini(&found);
	return result;
}
