#pragma once
/*
 * greeting: how the two sides of a session prove who they are: HELLO, AUTH,
 * SETTINGS, and the packet keys that follow from them.
 */
#include "common/net/session.h"

#define GREETING_VERSION 1
/* A bit of HELLO's features: a parent that answers LEDGER_ASK. */
#define GREETING_ANSWERS_LEDGER 1
#define GREETING_MAX            512 /* bytes of a HELLO or AUTH packet */

/* Set the first keys and put our HELLO out. */
void greeting_start(struct session *s);

/* `frames` are the packet's, as they came: they are what is hashed. */
void greeting_hello(struct session *s, const struct frame *f,
    struct slice frames);
void greeting_auth(struct session *s, const struct frame *f);
void greeting_settings(struct session *s, const struct frame *f);
