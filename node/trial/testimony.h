#pragma once
/*
 * testimony: what an answer says, in any dialect, whole or as a stream, and
 * whether that is what its trial wants.  Heard by the faces that hear
 * providers.  Pure.
 */
#include "common/base/slice.h"
#include "common/llm/dialect.h"

struct trial;

struct testimony_wish {
	const struct trial *trial;
	enum dialect dialect; /* of the answer */
	struct slice body;    /* of a 200 */
};

/* "" when it holds, else a short word that says what is missing. */
const char *testimony_judge(const struct testimony_wish *wish);
