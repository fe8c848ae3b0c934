#pragma once
/*
 * completion: scripts by which a shell completes a program's commands and
 * their options, from its tables, on standard output.
 */
#include "common/base/lang.h"

struct program;

/* "bash" or "zsh"; false for any other, and nothing is printed. */
must_check bool completion_print(const struct program *p, const char *shell);
