#pragma once
/*
 * fault: what an error of the store means, by RocksDB's text of it, and how
 * often one is told.  One a db.  Any thread.
 */
#include <stdatomic.h>

#include "common/base/lang.h"

enum db_result {
	DB_OK,
	DB_BUSY,  /* a write stall, or another process has it open */
	DB_NEWER, /* written by a newer format */
	DB_FAILED /* disk full, damage …: logged */
};

struct fault {
	atomic_int_least64_t complained_us; /* mono; 0: never */
	atomic_bool failing;
};

void fault_init(struct fault *f);

/*
 * What the error (NULL: none) of that call means: DB_OK, DB_BUSY, or
 * DB_FAILED, which is logged.  A full disk passes: RocksDB goes on by itself
 * when there is room.  After any other error of the disk this aborts: nobody
 * knows what is on it (a second fsync may say yes to lost pages), so the only
 * honest thing is to stop; recovery reads what is really there.
 */
enum db_result fault_judge(struct fault *f, const char *call,
    const char *error);

/* The same of a write. */
enum db_result fault_judge_write(struct fault *f, const char *error);

/* Was the last write refused, but not by a stall? */
must_check bool fault_is_failing(const struct fault *f);

/* Log it, unless something was a second ago: a store that fails does so in
 * every turn. */
void fault_tell(struct fault *f, const char *text, const char *why);
