#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "node/client.h"

static const struct {
	const char *agent, *name;
} agents[] = {
	{ "claude-cli/2.0.1 (external, cli)", "claude-cli" },
	{ "OpenAI/Python 1.3.5", "OpenAI/Python" },
	{ "Anthropic/JS 0.71", "Anthropic/JS" },
	{ "codex_cli_rs/0.58.0 (Debian 12)", "codex_cli_rs" },
	{ "ai/5.0 ai-sdk/openai/2.0", "ai" },
	{ "curl/7.88.1", "curl" },
	{ "node", "node" },
	{ "", "" },
	{ "/x", "" },
	{ "a/", "a" },
	{ "evil\xff,\"x\"", "evil" },
	{ "a-name-that-does-not-end-at-all-or-hardly-ever/1",
	    "a-name-that-does-not-end-at-all-" },
};

static void
names_are_without_versions(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < count_of(agents); i++) {
		struct slice name = client_name(slice_of(agents[i].agent));

		if (!slice_is(name, agents[i].name))
			fail_msg("%s is %.*s", agents[i].agent,
			    SLICE_FMT(name));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_without_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
