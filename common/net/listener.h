#pragma once
/*
 * listener: what link.c and listener.c know of each other; applications use
 * link.h.  A link is half open from accept until AUTH.
 */
#include "common/base/list.h"
#include "common/net/link.h"

/* Made by the listener for a socket that it accepted. */
struct link *link_accept(const struct link_config *config,
    struct link_listener *ll, int fd);

/* The listener goes, and the half-open link with it: nobody knows of it. */
void link_abandon(struct list *half_open);

/* Give up the half-open link, at the end of the turn. */
void link_evict(struct list *half_open);

/* A new link is half open. */
void listener_enlist(struct link_listener *ll, struct list *half_open);

/* It is up, or over. */
void listener_settled(struct link_listener *ll, struct list *half_open);
