/* /sessions?limit=N: who is connected, the busiest first. */
#include "app/monitor_inside.h"

#include "app/json.h"
#include "base/num.h"
#include "rt/conn_view.h"

#define LIMIT_USUAL 1000u
#define LIMIT_MOST 100000u

/* The views, or those of the busiest when there are more than wanted. */
struct gathered {
	struct conn_view *v;
	size_t n, cap, most, total;
	bool failed;
};

/* A command that runs comes first, the longest before the others; then who did something last. */
static int busier_first(const void *a, const void *b)
{
	const struct conn_view *x = a, *y = b;
	if (!x->command != !y->command)
		return x->command ? -1 : 1;
	if (x->since_ms != y->since_ms)
		return (x->since_ms > y->since_ms) == (x->command != NULL) ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* When twice as many as wanted are there, the less busy half is dropped. */
static void keep_busiest(struct gathered *g)
{
	if (g->n > 0)
		qsort(g->v, g->n, sizeof *g->v, busier_first);
	if (g->n > g->most)
		g->n = g->most;
}

static void gather(void *arg, const struct conn_view *v)
{
	struct gathered *g = arg;
	g->total++;
	if (g->failed)
		return;
	if (g->n == g->cap && g->n >= 2 * g->most)
		keep_busiest(g);
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 64;
		struct conn_view *fresh = realloc(g->v, cap * sizeof *fresh);
		if (!fresh) {
			g->failed = true;
			return;
		}
		g->v = fresh;
		g->cap = cap;
	}
	g->v[g->n++] = *v;
}

static void add_session(struct buf *out, const struct conn_view *v)
{
	json_add_comma(out);
	buf_add_lit(out, "\n{");
	json_add_number(out, "id", (int64_t)v->id);
	json_add_member(out, "proto", str_from_c(v->proto));
	json_add_member(out, "peer", v->peer_port ? str_from_c(v->peer) : STR("local"));
	json_add_number(out, "port", v->peer_port);
	json_add_member(out, "user", str_from_c(v->user));
	json_add_member(out, "tls", str_from_c(v->tls));
	json_add_member(out, "state", str_from_c(v->state));
	json_add_member(out, "command", str_from_c(v->command));
	json_add_number(out, v->command ? "command_ms" : "quiet_ms", (int64_t)v->since_ms);
	json_add_bool(out, "running", v->running);
	json_add_number(out, "age_ms", (int64_t)v->open_ms);
	json_add_number(out, "in", (int64_t)v->bytes_in);
	json_add_number(out, "out", (int64_t)v->bytes_out);
	buf_add_char(out, '}');
}

static uint32_t limit_of(struct str query)
{
	uint32_t n = LIMIT_USUAL;
	if (str_starts(query, STR("limit=")))
		num_parse_u32(str_from(query, 6), &n);
	return n == 0 || n > LIMIT_MOST ? LIMIT_MOST : n;
}

unsigned monitor_sessions(void *monitor, const struct http_request *r, bool tls, struct http_page *out)
{
	struct monitor *m = monitor;
	struct gathered g = { .most = limit_of(r->query) };
	(void)tls;
	if (!str_eq(r->path, STR("/sessions")))
		return 404;
	server_each_conn(m->parts.server, gather, &g);
	if (g.failed) {
		free(g.v);
		return 503;
	}
	keep_busiest(&g);
	out->type = "application/json";
	buf_add_char(&out->body, '{');
	json_add_number(&out->body, "total", (int64_t)g.total);
	json_add_name(&out->body, "sessions");
	buf_add_char(&out->body, '[');
	for (size_t i = 0; i < g.n; i++)
		add_session(&out->body, &g.v[i]);
	buf_add_lit(&out->body, "]}\n");
	free(g.v);
	return 200;
}
