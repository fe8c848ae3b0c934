#pragma once
/*
 * client: which program asked, as its User-Agent names it, for reports: the
 * product without its version, so that there are few of them.  Pure.
 */
#include "common/base/slice.h"

#define CLIENT_NAME_MAX 32

/*
 * "claude-cli/2.0.1 (external)" is "claude-cli", "OpenAI/Python 1.3" is
 * "OpenAI/Python".  Points into the header; empty when it names none.
 */
struct slice client_name(struct slice user_agent);
