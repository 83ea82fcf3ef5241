/* A line of the trail as bytes: made here, read here. Pure; any thread. doc/format/audit.md. */
#ifndef AUDIT_LINE_H
#define AUDIT_LINE_H

#include "audit/audit.h"
#include "base/arena.h"
#include "base/buf.h"

/* Append one line with its end, always whole and always one: control bytes, quotes, line separators and what would turn the direction of writing are
 * escaped, what is no UTF-8 becomes U+FFFD, long values are cut and end with "...". now_ms: since 1970. */
void audit_line_login(struct buf *out, int64_t now_ms, const struct audit_login *l);
void audit_line_act(struct buf *out, int64_t now_ms, struct str actor, const char *protocol, const char *what, struct str object, struct str detail, int result);
void audit_line_unlisted(struct buf *out, int64_t now_ms, uint64_t refusals);

/* What a line says; members that it does not have are empty. Slices live in the arena. */
struct audit_event {
	struct str time, event, protocol, mechanism, user, ip, name, actor, object, detail, why;
	bool ok, tls;
	uint64_t count;                   /* of "login.unlisted" */
};
/* 0; ERR_CORRUPT: no line of ours; ERR_NO_MEMORY. */
int audit_line_parse(struct arena *a, struct str line, struct audit_event *out);

#endif
