#pragma once
/*
 * caretaker: what a member does for its store beside serving: each night, or
 * when an operator says so, it drops what is past, in small steps on the
 * clerk's loop; compaction and the copy of a backup, which take their time,
 * are done by a thread of its own.  One job at a time.  Lives on the clerk's
 * loop; all calls are of its thread.
 */
#include "common/format/table.h"

struct caretaker;
struct loop;
struct process;

/* Workers need not run yet. */
struct caretaker *caretaker_new(struct process *p, struct loop *loop);

/* Cuts the job short; NULL is fine. */
void caretaker_free(struct caretaker *c);

/* What became of what was asked for. */
enum care {
	CARE_NONE, /* nothing was asked for since the start */
	CARE_BUSY, /* it is under way, or another job is */
	CARE_DONE,
	CARE_FAILED /* the log says why */
};

/*
 * Begin a run; a dry one only counts.  CARE_BUSY: another job goes on.  How a
 * job that `who` began ends is a row of the audit log, dry ones apart.
 */
enum care caretaker_run(struct caretaker *c, bool dry, const char *who);

/* How it goes; in the end what it came to. */
enum care caretaker_ran(const struct caretaker *c, enum output_format format,
    struct buf *out);

/* Begin to copy the store into that directory, which it makes. */
enum care caretaker_copy(struct caretaker *c, const char *dir, const char *who);
enum care caretaker_copied(const struct caretaker *c);

/* When the next run is due, by the wall clock. */
int64_t caretaker_next_us(const struct caretaker *c);
