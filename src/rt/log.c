#include "rt/log.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/utf8.h"
#include "rt/limits.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

/* Process-wide by contract. Set up before threads start, or while they log: then a line may still take the old form. */
static struct {
	_Atomic int fd;
	_Atomic int max;
	_Atomic bool json;
	_Atomic bool journal;
} sink = { 2, LOG_INFO, false, false };

static const struct level {
	const char *name;
	char journal;        /* RFC 5424 6.2.1 severity, as sd-daemon(3) wants it */
} levels[] = {
	[LOG_ERROR] = { "error", '3' },
	[LOG_WARN] = { "warn", '4' },
	[LOG_NOTICE] = { "notice", '5' },
	[LOG_INFO] = { "info", '6' },
	[LOG_DEBUG] = { "debug", '7' },
};

/* JOURNAL_STREAM holds device and inode of the stream that goes to journald: systemd.exec(5). */
static bool is_journal(int fd)
{
	struct stat st;
	struct str device, inode;
	uint64_t device_number, inode_number;
	if (!str_cut(str_from_c(getenv("JOURNAL_STREAM")), ':', &device, &inode) || fstat(fd, &st) < 0)
		return false;
	return num_parse_u64(device, &device_number) && num_parse_u64(inode, &inode_number) && st.st_dev == device_number &&
	       st.st_ino == inode_number;
}

void log_setup(enum log_format format, enum log_level max, int fd)
{
	atomic_store(&sink.fd, fd);
	atomic_store(&sink.max, (int)max);
	atomic_store(&sink.json, format == LOG_JSON);
	atomic_store(&sink.journal, is_journal(fd));
}

bool log_wants(enum log_level level) { return (int)level <= atomic_load_explicit(&sink.max, memory_order_relaxed); }

/* A line under way. What does not fit is not added at all, so that a cut JSON line is still JSON. */
struct line {
	char text[LOG_LINE_MAX];
	size_t n;
	bool full;
};
#define LINE_TAIL 2        /* "}" and the line end always fit */

static void line_add(struct line *l, const char *p, size_t n)
{
	if (l->full || n > sizeof(l->text) - LINE_TAIL - l->n) {
		l->full = true;
		return;
	}
	memcpy(l->text + l->n, p, n);
	l->n += n;
}

static void line_add_c(struct line *l, const char *c) { line_add(l, c, strlen(c)); }

static void line_add_number(struct line *l, uint64_t v)
{
	char digits[20];
	line_add(l, digits, num_format_u64(digits, v));
}

static void line_add_escaped(struct line *l, uint32_t c)
{
	char text[8];
	int n = snprintf(text, sizeof(text), "\\u%04x", (unsigned)c);
	line_add(l, text, (size_t)n);
}

/* The inside of a quoted value, by the rules of a JSON string (RFC 8259 7) in both formats. C1 controls are escaped too:
 * a terminal may obey them. Bytes that are no UTF-8 become U+FFFD. */
static void line_add_value(struct line *l, struct str s)
{
	for (size_t at = 0; at < s.n;) {
		size_t from = at;
		uint32_t c = utf8_next(s, &at);
		if (c == '"' || c == '\\') {
			line_add(l, "\\", 1);
			line_add(l, s.p + from, 1);
		} else if (c == 0xfffd) {
			line_add_c(l, "\xef\xbf\xbd");
		} else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			line_add_escaped(l, c);
		} else {
			line_add(l, s.p + from, at - from);
		}
	}
}

static void line_add_quoted(struct line *l, struct str s)
{
	line_add(l, "\"", 1);
	line_add_value(l, s);
	line_add(l, "\"", 1);
}

static void line_add_time(struct line *l)
{
	int64_t now = clock_now_ms();
	struct civil t = civil_from_unix(now / 1000);
	char text[64];
	int n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.year, t.month, t.day, t.hour, t.minute, t.second,
	                 (int)(now % 1000));
	line_add(l, text, (size_t)n);
}

/* Text values stand bare when nobody could misread them. */
static bool is_bare(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_print((unsigned char)s.p[i]) || s.p[i] == ' ' || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '=')
			return false;
	return s.n > 0;
}

static struct str cut_value(struct str s)
{
	if (s.n <= LOG_VALUE_MAX)
		return s;
	size_t n = LOG_VALUE_MAX;
	while (n > LOG_VALUE_MAX - 4 && ((unsigned char)s.p[n] & 0xc0) == 0x80)        /* not inside a character */
		n--;
	return str_sub(s, 0, n);
}

static void line_add_field(struct line *l, const struct log_field *f, bool json)
{
	line_add_c(l, json ? ",\"" : " ");
	line_add_c(l, f->key);
	line_add_c(l, json ? "\":" : "=");
	struct str value = cut_value(f->s);
	char hex[24];
	if (f->kind == LOG_KIND_HEX)
		value = str_make(hex, (size_t)snprintf(hex, sizeof(hex), "%llx", (unsigned long long)f->u));
	if (f->kind == LOG_KIND_I64 && (int64_t)f->u < 0) {
		line_add(l, "-", 1);
		line_add_number(l, -f->u);
	} else if (f->kind != LOG_KIND_STR && f->kind != LOG_KIND_HEX) {
		line_add_number(l, f->u);
	} else if (!json && is_bare(value)) {
		line_add(l, value.p, value.n);
	} else {
		line_add_quoted(l, value);
	}
}

static void line_begin(struct line *l, enum log_level level, const char *event, bool json)
{
	if (json) {
		line_add_c(l, "{\"ts\":\"");
		line_add_time(l);
		line_add_c(l, "\",\"level\":\"");
		line_add_c(l, levels[level].name);
		line_add_c(l, "\",\"event\":");
		line_add_quoted(l, str_from_c(event));
		return;
	}
	if (atomic_load_explicit(&sink.journal, memory_order_relaxed)) {
		const char prefix[] = { '<', levels[level].journal, '>' };
		line_add(l, prefix, sizeof(prefix));
	} else {
		line_add_time(l);
		line_add(l, " ", 1);
		line_add_c(l, levels[level].name);
		line_add(l, " ", 1);
	}
	line_add_c(l, event);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields)
{
	if (!log_wants(level))
		return;
	bool json = atomic_load_explicit(&sink.json, memory_order_relaxed);
	struct line l;
	l.n = 0;
	l.full = false;
	line_begin(&l, level, event, json);
	for (; fields->kind != LOG_KIND_END; fields++) {
		size_t before = l.n;
		line_add_field(&l, fields, json);
		if (l.full) {
			l.n = before;
			break;
		}
	}
	if (json)
		l.text[l.n++] = '}';
	l.text[l.n++] = '\n';
	ssize_t done = write(atomic_load_explicit(&sink.fd, memory_order_relaxed), l.text, l.n);
	(void)done;        /* there is no place left to complain to */
}
