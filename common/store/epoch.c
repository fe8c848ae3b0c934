#include "common/store/epoch.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/store/ledger.h"

bool
epoch_next(struct ledger *l, const char *name, int64_t least, int64_t *epoch)
{
	char key[128], text[24];
	struct buf found;
	bool done = false;

	snprintf(key, sizeof(key), "epoch/%s", name);
	buf_init(&found, sizeof(text));
	*epoch = 0;
	if (db_get(ledger_db(l), FAMILY_META, slice_of(key), &found))
		*epoch = strtoll(buf_text(&found), NULL, 10);
	if (*epoch < 0 || *epoch == INT64_MAX) {
		log_error("epoch in the store is damaged", log_str("key", key));
		goto out;
	}
	*epoch = max_i64(*epoch + 1, least);
	snprintf(text, sizeof(text), "%lld", (long long)*epoch);
	done = db_put_now(ledger_db(l), FAMILY_META, slice_of(key),
		   slice_of(text)) == DB_OK;
out:
	buf_fini(&found);
	return done;
}
