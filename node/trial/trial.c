#include "node/trial/trial.h"

static const struct trial trials[TRIALS] = {
#define TRIAL(id, name, capability, asks, want, word, prompt)                  \
	[TRIAL_##id] = { name, capability, asks, WANT_##want, word, prompt },
#include "node/trial/trial.def"
#undef TRIAL
};

const struct trial *
trial_get(enum trial_id id)
{
	return &trials[id];
}
