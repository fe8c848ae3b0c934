#pragma once
/*
 * enroll: make a member's state directory and print what to paste; the part
 * that both daemons share.
 */
#include "common/member/identity.h"

/* Gives the exit status.  `operator_key` is "ed25519:…" or a file with it. */
int enroll_run(const char *state_dir, struct enrolment *e,
    const char *operator_key);
