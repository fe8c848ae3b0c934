#pragma once
/*
 * ask: how a command gets its answer: from the running daemon over its
 * control socket, or, when none runs, from the state directory itself.
 */
#include "common/base/buf.h"

struct ledger;

enum asked {
	ASKED_OK,     /* 2xx: it was answered */
	ASKED_NO,     /* another status: printed on standard error */
	ASKED_NOBODY, /* no daemon runs here */
	ASKED_BROKEN  /* said why */
};

/* Ask the daemon of that state directory and print what it says. */
enum asked ask_daemon(const char *state_dir, const char *method,
    const char *target, struct slice body);

/* The same of a POST whose body is {"name": NAME}. */
enum asked ask_by_name(const char *state_dir, const char *target,
    const char *name);

/* GET it and keep what it says in `answer`; only another status is printed. */
enum asked ask_bytes(const char *state_dir, const char *target,
    struct buf *answer);

/*
 * Have the daemon begin something that takes its time, wait until it is done
 * and print what it says then: a POST of `target`, and GETs of `result`.
 */
enum asked ask_job(const char *state_dir, const char *target, struct slice body,
    const char *result);

/* The store, read-only, beside or without a daemon; NULL: said why. */
struct ledger *ask_store(const char *state_dir);

/* The same for writing: no daemon runs. */
struct ledger *ask_own_store(const char *state_dir);

/* Append name=value to a target's query, escaped; NULL values are left out. */
void ask_argument(struct buf *target, const char *name, const char *value);
