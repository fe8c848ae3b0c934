#pragma once
/*
 * log: one JSON object a line on standard error.
 *
 *	log_info("link up", log_str("peer", name), log_int("rtt_us", rtt));
 *
 * Texts are constants; what varies stands in fields.  There is no field for a
 * secret and none for content.  Control bytes are escaped, long strings cut,
 * so one record is always one line.  Safe in any thread.
 */
#include "common/base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_type { LOG_TYPE_NONE, LOG_TYPE_STR, LOG_TYPE_INT };

struct log_field {
	const char *name;
	enum log_type type;
	struct slice text;
	int64_t number;
};

/* The member's name, put into every line ("" at first); not copied. */
void log_name(const char *member);

/* Lines below this level are not written; LOG_INFO at first. */
void log_threshold(enum log_level level);

must_check bool log_level_parse(enum log_level *level, struct slice name);

void log_write(enum log_level level, const char *text,
    const struct log_field *fields, size_t count);

static inline struct log_field
log_slice(const char *name, struct slice text)
{
	return (struct log_field){ name, LOG_TYPE_STR, text, 0 };
}

static inline struct log_field
log_str(const char *name, const char *text)
{
	return log_slice(name, slice_of(text));
}

static inline struct log_field
log_int(const char *name, int64_t number)
{
	return (struct log_field){ name, LOG_TYPE_INT, { NULL, 0 }, number };
}

#define LOG_FIELDS(...)                                                        \
	(const struct log_field[]){ { 0 }, ##__VA_ARGS__ } + 1,                \
	    sizeof((const struct log_field[]){ { 0 }, ##__VA_ARGS__ }) /       \
		    sizeof(struct log_field) -                                 \
		1

#define log_debug(text, ...) log_write(LOG_DEBUG, text, LOG_FIELDS(__VA_ARGS__))
#define log_info(text, ...)  log_write(LOG_INFO, text, LOG_FIELDS(__VA_ARGS__))
#define log_warn(text, ...)  log_write(LOG_WARN, text, LOG_FIELDS(__VA_ARGS__))
#define log_error(text, ...) log_write(LOG_ERROR, text, LOG_FIELDS(__VA_ARGS__))
