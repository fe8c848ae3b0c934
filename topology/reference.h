#pragma once
/*
 * reference: what every key of the files means, as Markdown, from the same
 * tables that read them.
 */
struct buf;

/*
 * All keys and the types of providers, or the keys whose path has this word
 * in it.
 */
void reference_put(struct buf *out, const char *word);
