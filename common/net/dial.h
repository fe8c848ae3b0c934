#pragma once
/*
 * dial: makes sockets to one address, again and again with decorrelated
 * jitter: between 250 ms and 30 s, the first retry sooner.
 */
#include "common/base/lang.h"

struct dial;
struct loop;

/*
 * on_socket gets a non-blocking socket that is connecting, and owns it; -1
 * when there is none, and dial_again is called for.
 */
struct dial *dial_new(struct loop *loop, const char *address,
    void (*on_socket)(void *arg, int fd), void *arg);
void dial_free(struct dial *d);

/* The next sockets are made to this one. */
void dial_set_address(struct dial *d, const char *address);

/* Try now. */
void dial_start(struct dial *d);

/* Try after a while; short again when the last connection did well. */
void dial_again(struct dial *d, bool did_well);

/* How long the last dial_again waits. */
int64_t dial_wait_us(const struct dial *d);

/* Try no more until dial_start or dial_again. */
void dial_stop(struct dial *d);

/* The next delay: at least `least`, at most `most`, up to thrice the last. */
int64_t dial_delay_us(int64_t last_us, uint32_t random);
