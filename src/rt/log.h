/* The log: one line an event, to stderr, journald-friendly or JSON. Any thread; lines never mix. A password or a message
 * body never gets in: callers pass named fields only. Process-wide (the one documented exception to "no globals"). */
#ifndef RT_LOG_H
#define RT_LOG_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

enum log_kind { LOG_KIND_END, LOG_KIND_STR, LOG_KIND_U64, LOG_KIND_I64, LOG_KIND_HEX };
struct log_field {
	enum log_kind kind;
	const char *key;
	struct str s;
	uint64_t u;
};
#define LOG_S(key_, str_) { .kind = LOG_KIND_STR, .key = (key_), .s = (str_) }
#define LOG_C(key_, cstring_) { .kind = LOG_KIND_STR, .key = (key_), .s = str_from_c(cstring_) }
#define LOG_U(key_, number_) { .kind = LOG_KIND_U64, .key = (key_), .u = (uint64_t)(number_) }
#define LOG_I(key_, number_) { .kind = LOG_KIND_I64, .key = (key_), .u = (uint64_t)(int64_t)(number_) }
/* An id, in hexadecimal as the command line shows it; quoted in JSON. */
#define LOG_X(key_, number_) { .kind = LOG_KIND_HEX, .key = (key_), .u = (uint64_t)(number_) }
#define LOG_END { .kind = LOG_KIND_END }
/* log_event(LOG_INFO, "store.open", LOG_LIST(LOG_C("dir", dir), LOG_U("ms", ms))); */
#define LOG_LIST(...) ((const struct log_field[]){ __VA_ARGS__, LOG_END })
#define LOG_NOTHING ((const struct log_field[]){ LOG_END })

/* Levels above max are dropped. fd: normally 2. With LOG_TEXT and a journald stream (JOURNAL_STREAM) lines start with <N>. */
void log_setup(enum log_format format, enum log_level max, int fd);
bool log_wants(enum log_level level);
/* event: "room.what". Values are escaped (control bytes, quotes) and cut at LOG_VALUE_MAX. */
#define LOG_VALUE_MAX 512
void log_event(enum log_level level, const char *event, const struct log_field *fields);

#endif
