#pragma once
/*
 * catchup: adds up what an older version stored, for reports, while the member
 * serves: recount.h by the errand, a few slices at a time, so that reports
 * have their turn between.  Made and freed on the clerk's thread.
 */
struct catchup;
struct loop;
struct process;

/* NULL: there is nothing to add up. */
struct catchup *catchup_new(struct process *p, struct loop *loop);

/* Errands have ended.  NULL is fine. */
void catchup_free(struct catchup *c);
