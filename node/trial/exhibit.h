#pragma once
/*
 * exhibit: what is put before a model to see whether it sees: a picture, a
 * page and a sound, as base64.  Small, and nobody's.  Pure.
 */
#include "common/base/lang.h"

struct buf;

extern const char exhibit_picture[]; /* PNG, a red square */
extern const char exhibit_page[];    /* PDF, the words "A heron" */

/* Append a WAV of a quarter of a second's tone. */
void exhibit_put_tone(struct buf *out);
