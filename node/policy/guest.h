#pragma once
/*
 * guest: a JavaScript engine in a memory of its own.  It is QuickJS as
 * WebAssembly, turned into C when this is built, so it can reach nothing but
 * that memory and the few functions here: no files, no network, and the only
 * clock stands still.  After guest_keep every run begins with the very same
 * memory.  A guest is used by one thread at a time, with a stack of at least
 * GUEST_STACK_BYTES.  The only file that sees the engine is guest.c.
 */
#include "common/base/slice.h"

struct guest;

/* What a thread needs for the deepest recursion that the engine allows. */
#define GUEST_STACK_BYTES ((size_t)4 << 20)

#define GUEST_MEMORY_MIN ((size_t)1 << 20)
#define GUEST_MEMORY_MAX ((size_t)8 << 20)

enum guest_end {
	GUEST_ENDED,
	GUEST_KILLED,  /* its time was up */
	GUEST_FULL,    /* no memory for what was put in, or to say so */
	GUEST_TRAPPED, /* the engine stopped itself: a fault of it */
	GUEST_NOT_RUN  /* no timers, or the thread's stack is too small */
};

/* A place in the guest's memory; 0 is none. */
typedef uint32_t guest_ref;

struct guest_turn {
	void (*work)(struct guest *g, void *arg);
	void *arg;
	int64_t cpu_us, wall_us; /* how long it may take */
	int64_t now_ms;          /* what its clock says */
};

/* The engine without any program; memory_bytes is what values may take. */
struct guest *guest_new(size_t memory_bytes) __attribute__((returns_nonnull));

void guest_free(struct guest *g);

/*
 * Let work() run the engine, by the verbs below.  It may be left at any of
 * them and never return: it neither locks nor allocates.
 */
enum guest_end guest_run(struct guest *g, const struct guest_turn *turn);

/* From now on guest_run begins with the memory as it is. */
void guest_keep(struct guest *g);

/* The characters at `at`, of a run that has ended; good until the next. */
struct slice guest_text(const struct guest *g, guest_ref at);

/* What a run took above that goes back; the texts with it. */
void guest_rest(struct guest *g);

/* The engine comes up: the first thing that the first work() does. */
void guest_start(struct guest *g);

/* For work(): values are refs; guest_error tells which of them were thrown. */
guest_ref guest_string(struct guest *g, struct slice text);
guest_ref guest_number(struct guest *g, double number);
guest_ref guest_undefined(struct guest *g);

enum guest_source { GUEST_SCRIPT, GUEST_MODULE };

/* The value of a script, the namespace of a module. */
guest_ref guest_eval(struct guest *g, struct slice source, const char *name,
    enum guest_source kind);

#define GUEST_ARGUMENTS_MAX 2
guest_ref guest_call(struct guest *g, guest_ref function,
    const guest_ref *arguments, uint32_t count);

/* What was thrown, when that is what the value stands for; else 0. */
guest_ref guest_error(struct guest *g, guest_ref value);

/* Where its characters are, for guest_text; 0 when that threw. */
guest_ref guest_characters(struct guest *g, guest_ref value);
