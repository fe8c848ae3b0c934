#pragma once
/*
 * egress: what gsr-egress adds to a process: links from nodes, the provider
 * accounts, receipts.  `struct egress` is shared by the threads; a `struct
 * dock` is one worker's part and belongs to its thread.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/seal.h"
#include "common/llm/price_book.h"
#include "common/member/gate.h"
#include "common/member/process.h"

struct accounts;
struct dock;
struct extracts;
struct gatehouse;
struct limits;
struct link_listener;
struct loop_timer;
struct notary;
struct outlays;
struct timings;
struct worker;

struct egress {
	struct process *process;
	int64_t epoch; /* of this boot: identity bits, then its number */
	atomic_int links_up;
	struct accounts *accounts; /* how they stand; has locks of its own */
	struct limits *limits;     /* of the teams */
	struct outlays *outlays;   /* of teams' own upstreams */
	struct gatehouse *gates;   /* of the accounts */
	struct timings *timings;   /* of the providers */
	struct extracts *extracts; /* of the ledger, for nodes */
	pthread_mutex_t lock;      /* for those below */
	struct map claims; /* attempts under way, by key; see downlink.h */
	struct dock *docks[WORKERS_MAX]; /* NULL: none, or not any more */
};

struct dock {
	struct worker *worker;
	struct egress *egress;
	struct link_listener *listener;
	struct notary *notary;
	struct list links; /* struct downlink */
	struct list calls; /* struct call */
	size_t calls_count;
	struct seal_memory seals;
	/* Names of what each team of the topology is offered: see offer.h. */
	char (*books)[PRICE_BOOK_CHARS];
	struct bell bell;         /* of calls that wait for their turn */
	struct loop_timer *sweep; /* receipts never acknowledged, old calls */
	atomic_bool capacity_due; /* a post of another's is on its way */
	int64_t capacity_told;    /* the change that its nodes heard last */
	bool draining;
};

/* The app that process_serve runs. */
extern const struct process_app egress_app;
