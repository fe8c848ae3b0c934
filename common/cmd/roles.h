#pragma once
/*
 * roles: which role is answered what by the operator listener, from the
 * tables that it uses itself.
 */
#include "common/base/command.h"

struct process_app;

struct roles_options {
	bool json;
};

/* For the table of options of a struct roles_options. */
extern const struct option_spec roles_specs[];
extern const size_t roles_specs_count;

/* Prints roles and routes of that daemon: Markdown, or JSON. */
int roles_run(const struct process_app *app, const struct roles_options *o);
