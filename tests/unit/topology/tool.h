#pragma once
/*
 * tool: gsr-topology's commands, run inside the test.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "topology/commands.h"

/* Run gsr-topology with these words; what it prints is not shown. */
static inline int
topology(const char *const *words, size_t count)
{
	static const struct command *const commands[] = { &init_command,
		&keygen_command, &add_command, &validate_command, &sign_command,
		&verify_command, &schema_command, &reference_command };
	static const struct program program = { .name = "gsr-topology",
		.commands = commands,
		.commands_count = count_of(commands) };
	int out = dup(1), err = dup(2), null = open("/dev/null", O_WRONLY);
	char *argv[32] = { (char *)"gsr-topology" };
	int status;
	size_t i;

	for (i = 0; i < count; i++)
		argv[i + 1] = (char *)words[i];
	fflush(stdout);
	dup2(null, 1);
	dup2(null, 2);
	status = program_run(&program, (int)count + 1, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(null);
	return status;
}

#define TOPOLOGY(...)                                                          \
	topology((const char *const[]){ __VA_ARGS__ },                         \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
