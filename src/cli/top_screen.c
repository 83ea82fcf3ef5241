#include "cli/top_screen.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "cli/control.h"

#include <stdlib.h>
#include <time.h>

/* ---- cells ---- */

void top_add_text(struct buf *out, const char *text, unsigned width)
{
	struct str s = str_from_c(text);
	unsigned used = 0;

	for (size_t at = 0; at < s.n && (width == 0 || used < width); used++) {
		size_t from = at;
		uint32_t c = utf8_next(s, &at);
		bool plain = c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && c != 0xfffd;
		if (plain)
			buf_add(out, s.p + from, at - from);
		else
			buf_add_char(out, '?');
	}
	for (; used < width; used++)
		buf_add_char(out, ' ');
}

static void add_padded(struct buf *out, const char *text, unsigned width, bool right)
{
	unsigned n = (unsigned)strlen(text);
	if (!right)
		buf_add_c(out, text);
	for (unsigned i = n; i < width; i++)
		buf_add_char(out, ' ');
	if (right)
		buf_add_c(out, text);
}

void top_add_time(struct buf *out, uint64_t ms, unsigned width)
{
	char text[48];
	unsigned long long s = ms / 1000;

	if (ms < 10000)
		snprintf(text, sizeof text, "%llu.%llus", s, (unsigned long long)(ms % 1000 / 100));
	else if (s < 120)
		snprintf(text, sizeof text, "%llus", s);
	else if (s < 3600)
		snprintf(text, sizeof text, "%llum", s / 60);
	else if (s < 86400)
		snprintf(text, sizeof text, "%lluh%02llum", s / 3600, s / 60 % 60);
	else
		snprintf(text, sizeof text, "%llud%lluh", s / 86400, s / 3600 % 24);
	add_padded(out, text, width, false);
}

void top_add_size(struct buf *out, uint64_t n, unsigned width)
{
	static const char units[] = "kMGTPE";
	char text[32];
	double v = (double)n;
	int unit = -1;

	while (v >= 1000 && unit < 5) {
		v /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	else
		snprintf(text, sizeof text, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[unit]);
	add_padded(out, text, width, true);
}

/* ---- what happens in a second ---- */

struct screen {
	const struct top_look *now, *before;
	const struct top_view *v;
	struct buf *out, line;
	double seconds;                  /* between the looks; 0: there is no earlier one */
	unsigned lines;
};

static double per_second(const struct screen *s, const char *path)
{
	if (s->seconds <= 0)
		return 0;
	double more = (double)(control_number(s->now->status, path) - control_number(s->before->status, path));
	return more > 0 ? more / s->seconds : 0;
}

static long long number(const struct screen *s, const char *path) { return (long long)control_number(s->now->status, path); }

/* Ends a line: cut to the width, counting characters. False: the screen is full. */
static bool end_line(struct screen *s)
{
	struct str text = buf_str(&s->line);
	size_t at = 0;
	unsigned used = 0;

	if (s->v->height && s->lines >= s->v->height)
		return false;
	while (at < text.n && used < s->v->width) {
		utf8_next(text, &at);
		used++;
	}
	while (at > 0 && text.p[at - 1] == ' ')
		at--;
	buf_add(s->out, text.p, at);
	buf_add_char(s->out, '\n');
	buf_reset(&s->line);
	s->lines++;
	return true;
}

static bool is_full(const struct screen *s) { return s->v->height && s->lines >= s->v->height; }

/* ---- the head ---- */

static void add_health(struct screen *s)
{
	const json_t *checks = json_object_get(json_object_get(s->now->status, "ready"), "checks"), *c;
	size_t i;
	bool well = true;

	json_array_foreach(checks, i, c) {
		if (control_number(c, "ok"))
			continue;
		buf_add_c(&s->line, well ? "  NOT READY: " : ", ");
		top_add_text(&s->line, control_text(c, "name"), 0);
		buf_add_lit(&s->line, " (");
		top_add_text(&s->line, control_text(c, "why"), 0);
		buf_add_lit(&s->line, ")");
		well = false;
	}
	if (well)
		buf_add_lit(&s->line, "  ready");
}

static void draw_head(struct screen *s)
{
	double syncs = per_second(s, "store.syncs_total"), us = per_second(s, "store.sync_us_total");

	buf_add_lit(&s->line, "troika ");
	top_add_text(&s->line, control_text(s->now->status, "version"), 0);
	buf_add_char(&s->line, ' ');
	top_add_text(&s->line, control_text(s->now->status, "hostname"), 0);
	buf_add_lit(&s->line, "  up ");
	top_add_time(&s->line, (uint64_t)number(s, "uptime_ms"), 0);
	add_health(s);
	end_line(s);
	buf_printf(&s->line, "conns %lld of %lld  threads %lld busy of %lld (%lld)  waiting %lld  refused %.1f/s  slow %lld", number(s, "server.connections"),
			   number(s, "server.connections_max"), number(s, "server.workers_busy"), number(s, "server.workers"), number(s, "server.workers_max"),
			   number(s, "server.waiting"), per_second(s, "server.refused_total"), number(s, "server.slow_total"));
	end_line(s);
	buf_printf(&s->line, "mail  in %.1f/s  out %.1f/s  deferred %.1f/s  failed %.1f/s  refused %.1f/s", per_second(s, "mail.accepted_total"),
			   per_second(s, "mail.sent_total"), per_second(s, "mail.deferred_total"), per_second(s, "mail.failed_total"), per_second(s, "mail.refused_total"));
	end_line(s);
	buf_printf(&s->line, "queue %lld messages, %lld recipients, %lld held, %lld under way, oldest ", number(s, "queue.messages"), number(s, "queue.recipients"),
			   number(s, "queue.held"), number(s, "queue.in_flight"));
	top_add_time(&s->line, (uint64_t)number(s, "queue.oldest_s") * 1000, 0);
	end_line(s);
	buf_printf(&s->line, "store %.1f commits/s  %.1f syncs/s of %.1f ms  errors %lld  memory ", per_second(s, "store.commits_total"), syncs, syncs > 0 ? us / syncs / 1000 : 0,
			   number(s, "store.errors_total"));
	top_add_size(&s->line, (uint64_t)number(s, "process.resident_bytes"), 0);
	buf_printf(&s->line, "  cpu %.0f%%  files %lld", per_second(s, "process.cpu_us") / 10000, number(s, "process.open_files"));
	end_line(s);
}

/* ---- sessions ---- */

struct row {
	const json_t *j;
	json_int_t id;
	double in, out;                  /* bytes a second */
};

static int by_id(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

static struct row *rows_of(const json_t *sessions, size_t *n_out)
{
	const json_t *list = json_object_get(sessions, "sessions"), *j;
	struct row *rows = calloc(json_array_size(list) + 1, sizeof *rows);
	size_t i;

	*n_out = 0;
	if (!rows)
		return NULL;
	json_array_foreach(list, i, j)
		rows[(*n_out)++] = (struct row){ .j = j, .id = control_number(j, "id") };
	return rows;
}

static void take_rates(struct screen *s, struct row *rows, size_t n)
{
	size_t n_before = 0;
	struct row *before = s->before->sessions ? rows_of(s->before->sessions, &n_before) : NULL;

	if (before)
		qsort(before, n_before, sizeof *before, by_id);
	for (size_t i = 0; before && i < n && s->seconds > 0; i++) {
		const struct row *was = bsearch(&rows[i], before, n_before, sizeof *before, by_id);
		rows[i].in = (double)(control_number(rows[i].j, "in") - (was ? control_number(was->j, "in") : 0)) / s->seconds;
		rows[i].out = (double)(control_number(rows[i].j, "out") - (was ? control_number(was->j, "out") : 0)) / s->seconds;
	}
	free(before);
}

static int by_bytes(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	double d = y->in + y->out - x->in - x->out;
	return d > 0 ? 1 : d < 0 ? -1 : by_id(a, b);
}

static int by_age(const void *a, const void *b)
{
	json_int_t x = control_number(((const struct row *)a)->j, "age_ms"), y = control_number(((const struct row *)b)->j, "age_ms");
	return x != y ? (x < y) - (x > y) : by_id(a, b);
}

static int by_text(const void *a, const void *b, const char *name)
{
	int order = strcmp(control_text(((const struct row *)a)->j, name), control_text(((const struct row *)b)->j, name));
	return order ? order : by_id(a, b);
}
static int by_user(const void *a, const void *b) { return by_text(a, b, "user"); }
static int by_proto(const void *a, const void *b) { return by_text(a, b, "proto"); }

static void draw_session(struct screen *s, const struct row *r)
{
	const char *command = control_text(r->j, "command");
	unsigned user = s->v->width > 96 ? s->v->width - 80 > 40 ? 40 : s->v->width - 80 : 16;

	buf_printf(&s->line, "%7lld ", (long long)r->id);
	top_add_text(&s->line, control_text(r->j, "proto"), 6);
	buf_add_c(&s->line, control_text(r->j, "tls")[0] ? "+ " : "  ");
	top_add_text(&s->line, control_text(r->j, "user")[0] ? control_text(r->j, "user") : "-", user);
	buf_add_char(&s->line, ' ');
	top_add_text(&s->line, control_text(r->j, "peer"), 15);
	buf_add_char(&s->line, ' ');
	/* a command under way in capitals, as clients write it; else where the session stands */
	top_add_text(&s->line, command[0] ? command : control_text(r->j, "state"), 13);
	buf_add_char(&s->line, ' ');
	top_add_time(&s->line, (uint64_t)control_number(r->j, command[0] ? "command_ms" : "quiet_ms"), 6);
	top_add_size(&s->line, r->in > 0 ? (uint64_t)r->in : 0, 5);
	buf_add_char(&s->line, ' ');
	top_add_size(&s->line, r->out > 0 ? (uint64_t)r->out : 0, 5);
	end_line(s);
}

static void draw_sessions(struct screen *s, unsigned until)
{
	static int (*const orders[])(const void *, const void *) = { NULL, by_bytes, by_age, by_user, by_proto };
	unsigned user = s->v->width > 96 ? s->v->width - 80 > 40 ? 40 : s->v->width - 80 : 16;
	size_t n;
	struct row *rows = rows_of(s->now->sessions, &n);

	end_line(s);
	buf_add_lit(&s->line, "     ID PROTO   ");
	top_add_text(&s->line, "USER", user);
	buf_add_lit(&s->line, " PEER            DOES          FOR    IN/s OUT/s");
	end_line(s);
	if (!rows)
		return;
	take_rates(s, rows, n);
	if (orders[s->v->order])         /* as the server sorts them: by activity */
		qsort(rows, n, sizeof *rows, orders[s->v->order]);
	size_t shown = 0;
	while (shown < n && !is_full(s) && (!until || s->lines < until))
		draw_session(s, &rows[shown++]);
	long long total = (long long)control_number(s->now->sessions, "total");
	if (total > (long long)shown && (!until || s->lines <= until)) {
		buf_printf(&s->line, "        and %lld more", total - (long long)shown);
		end_line(s);
	}
	free(rows);
}

/* ---- destinations that wait ---- */

static void draw_destinations(struct screen *s)
{
	const json_t *list = json_object_get(s->now->status, "destinations"), *d;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	end_line(s);
	buf_add_lit(&s->line, "DESTINATION                    RCPTS NEXT   FAILED REPLY");
	end_line(s);
	json_array_foreach(list, i, d) {
		if (is_full(s))
			return;
		top_add_text(&s->line, control_text(d, "name"), 30);
		buf_printf(&s->line, " %5lld ", (long long)control_number(d, "recipients"));
		top_add_time(&s->line, (uint64_t)control_number(d, "next_s") * 1000, 6);
		buf_printf(&s->line, " %6lld ", (long long)control_number(d, "failures"));
		top_add_text(&s->line, control_text(d, "reply"), 0);
		end_line(s);
	}
}

void top_draw(const struct top_look *now, const struct top_look *before, const struct top_view *v, struct buf *out)
{
	struct screen s = { .now = now, .before = before, .v = v, .out = out, .line = BUF_INIT(0) };
	size_t waiting = json_array_size(json_object_get(now->status, "destinations"));

	if (before->status)
		s.seconds = (double)(control_number(now->status, "now_ms") - control_number(before->status, "now_ms")) / 1000;
	draw_head(&s);
	/* a third of the screen at most for what waits */
	unsigned third = v->height / 3, below = waiting ? (unsigned)(waiting + 2 < third ? waiting + 2 : third) : 0;
	draw_sessions(&s, v->height > below + 1 ? v->height - below - 1 : v->height);
	draw_destinations(&s);
	buf_fini(&s.line);
}
