#pragma once
/*
 * family: the classes of data that a store keeps apart, one a class of
 * retention: what each is called in the store, and what may be done to its
 * keys.  Pure.
 */
#include "common/base/slice.h"

struct operands;

/*
 * One a class of data and retention; the order is stored nowhere.  A key of
 * INTENT or OUTBOX is put once and deleted afterwards, never overwritten: a
 * pair of the two then vanishes in memory and never reaches the disk's files.
 */
enum family {
	FAMILY_META,
	FAMILY_REQUEST,
	FAMILY_ATTEMPT,
	FAMILY_INTENT,
	FAMILY_EVENT, /* what happened to targets; who did what */
	FAMILY_RECEIPT,
	FAMILY_OUTBOX,
	FAMILY_TOKEN,
	FAMILY_MAKER,    /* which target made an opaque blob */
	FAMILY_CONTENT,  /* what is kept of callers' conversations, sealed */
	FAMILY_DECISION, /* how a request's targets were put in order */
	FAMILY_EVIDENCE, /* what `gsr-node test` proved of targets */
	FAMILY_BOOK,     /* prices by the name that rows have of them */
	FAMILY_SPEND,    /* what each holder of a budget spent, by day */
	FAMILY_ROLLUP,   /* what rows of an hour, day or month come to */
	FAMILY_SLIP,     /* what is not added to those two yet */
	FAMILY_STEWARD,  /* admin tokens, by their hashes */
	FAMILY_AUDIT,    /* who did what as an admin; see trail.h */
	FAMILIES
};

struct family_kind {
	const char *name; /* stands in the store: it stays */
	bool once;        /* a key is put once and deleted */
	/* Values are added to, by this (merge.h); NULL: they are not. */
	char *(*merge)(const struct operands *o, size_t *len);
	const char *merge_name; /* stands in the store, too */
};
const struct family_kind *family_kind(enum family f);

/* FAMILIES: none of ours is called that. */
enum family family_named(const char *name);
