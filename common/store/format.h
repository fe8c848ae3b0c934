#pragma once
/*
 * format: the number that says how a store is written, under "format" in
 * FAMILY_META.  db_open asks; nobody else does.
 */
#include "common/store/db.h"

/*
 * A new store gets DB_FORMAT, an older one is read, a newer one refused with
 * a log line that names `dir`.
 */
enum db_result format_check(struct db *db, const char *dir, bool read_only);
