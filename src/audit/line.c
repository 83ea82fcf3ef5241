#include "audit/line.h"

#include "audit/limits.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <jansson.h>

/* ---- making ---- */

/* What moves a terminal's cursor, ends a line for somebody, or turns the direction of writing. */
static bool is_escaped(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void add_inside(struct buf *out, struct str s)
{
	for (size_t at = 0; at < s.n;) {
		size_t from = at;
		uint32_t c = utf8_next(s, &at);
		if (c == '"' || c == '\\') {
			buf_add_char(out, '\\');
			buf_add_char(out, (char)c);
		} else if (c == 0xfffd) {
			buf_add_lit(out, "\xef\xbf\xbd");
		} else if (is_escaped(c)) {
			buf_printf(out, "\\u%04x", (unsigned)c);
		} else {
			buf_add(out, s.p + from, at - from);
		}
	}
}

/* Not inside a character, and told. */
static void add_value(struct buf *out, struct str s, size_t max)
{
	size_t n = s.n;
	if (n > max)
		for (n = max; n > max - 4 && ((unsigned char)s.p[n] & 0xc0) == 0x80;)
			n--;
	buf_add_char(out, '"');
	add_inside(out, str_sub(s, 0, n));
	if (n < s.n)
		buf_add_lit(out, "...");
	buf_add_char(out, '"');
}

static void add(struct buf *out, const char *key, struct str s, size_t max)
{
	buf_printf(out, ",\"%s\":", key);
	add_value(out, s, max);
}

static void add_some(struct buf *out, const char *key, struct str s, size_t max)
{
	if (s.n)
		add(out, key, s, max);
}

static void begin(struct buf *out, int64_t now_ms, struct str event)
{
	struct civil t = civil_from_unix(now_ms / 1000);
	buf_printf(out, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", t.year, t.month, t.day, t.hour, t.minute, t.second, (int)(now_ms % 1000));
	add(out, "event", event, AUDIT_VALUE_MAX);
}

static void add_flag(struct buf *out, const char *key, bool is) { buf_printf(out, ",\"%s\":%s", key, is ? "true" : "false"); }

void audit_line_login(struct buf *out, int64_t now_ms, const struct audit_login *l)
{
	begin(out, now_ms, STR("login"));
	add_flag(out, "ok", l->ok);
	add(out, "protocol", str_from_c(l->protocol), AUDIT_VALUE_MAX);
	add(out, "mechanism", str_from_c(l->mechanism), AUDIT_VALUE_MAX);
	add(out, "user", l->user, AUDIT_VALUE_MAX);
	add(out, "ip", l->ip, AUDIT_VALUE_MAX);
	add_flag(out, "tls", l->tls);
	add_some(out, "name", l->name, AUDIT_VALUE_MAX);
	if (!l->ok)
		add(out, "why", str_from_c(l->why), AUDIT_VALUE_MAX);
	buf_add_lit(out, "}\n");
}

void audit_line_act(struct buf *out, int64_t now_ms, struct str actor, const char *protocol, const char *what, struct str object, struct str detail, int result)
{
	begin(out, now_ms, str_from_c(what));
	add_flag(out, "ok", result == 0);
	add(out, "protocol", str_from_c(protocol), AUDIT_VALUE_MAX);
	add(out, "actor", actor, AUDIT_VALUE_MAX);
	add(out, "object", object, AUDIT_VALUE_MAX);
	add_some(out, "detail", detail, AUDIT_DETAIL_MAX);
	if (result)
		add(out, "why", str_from_c(err_text(result)), AUDIT_VALUE_MAX);
	buf_add_lit(out, "}\n");
}

void audit_line_unlisted(struct buf *out, int64_t now_ms, uint64_t refusals)
{
	begin(out, now_ms, STR("login.unlisted"));
	add_flag(out, "ok", false);
	buf_printf(out, ",\"count\":%llu}\n", (unsigned long long)refusals);
}

/* ---- reading ---- */

static int take(struct arena *a, json_t *o, const char *key, struct str *out)
{
	json_t *v = json_object_get(o, key);
	*out = STR("");
	if (!json_is_string(v) || !json_string_length(v))
		return 0;
	*out = arena_dup(a, str_make(json_string_value(v), json_string_length(v)));
	return out->p ? 0 : ERR_NO_MEMORY;
}

int audit_line_parse(struct arena *a, struct str line, struct audit_event *out)
{
	const struct { const char *key; struct str *to; } members[] = {
		{ "time", &out->time }, { "event", &out->event }, { "protocol", &out->protocol }, { "mechanism", &out->mechanism }, { "user", &out->user },
		{ "ip", &out->ip }, { "name", &out->name }, { "actor", &out->actor }, { "object", &out->object }, { "detail", &out->detail }, { "why", &out->why } };
	json_t *o = line.n <= AUDIT_LINE_MAX ? json_loadb(line.p ? line.p : "", line.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL) : NULL;
	int code = json_is_object(o) ? 0 : ERR_CORRUPT;
	*out = (struct audit_event){ .ok = false };
	for (size_t i = 0; code == 0 && i < sizeof(members) / sizeof(members[0]); i++)
		code = take(a, o, members[i].key, members[i].to);
	if (code == 0) {
		json_int_t count = json_integer_value(json_object_get(o, "count"));
		out->ok = json_is_true(json_object_get(o, "ok"));
		out->tls = json_is_true(json_object_get(o, "tls"));
		out->count = count > 0 ? (uint64_t)count : 0;
		code = out->time.n && out->event.n ? 0 : ERR_CORRUPT;
	}
	json_decref(o);
	return code;
}
