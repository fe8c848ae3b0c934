#pragma once
/*
 * reference: what every key of the files means, as Markdown, from the same
 * tables that read them.
 */
struct buf;

/* All keys, or those whose path has this word in it (NULL: all). */
void reference_put(struct buf *out, const char *word);
