#include "rt/conn_script.h"

#include <stdlib.h>

void conn_want_line(struct conn *c, size_t max)
{
	c->want = SCRIPT_WANTS_LINE;
	c->line_max = max;
}

void conn_want_any(struct conn *c) { c->want = SCRIPT_WANTS_ANY; }
void conn_want_nothing(struct conn *c) { c->want = SCRIPT_WANTS_NOTHING; }
void conn_set_timeout(struct conn *c, uint64_t ms) { c->timeout_ms = ms; }

static struct str waiting(const struct conn *c)
{
	return str_from(c->in, c->taken);
}

int conn_take_line(struct conn *c, struct str *line_out, bool *bare_lf_out)
{
	struct str rest = waiting(c);
	size_t lf = str_chr(rest, '\n');
	if (lf == STR_NPOS)
		return 0;
	c->taken += lf + 1;
	bool crlf = lf && rest.p[lf - 1] == '\r';
	if (bare_lf_out)
		*bare_lf_out = !crlf;
	*line_out = str_sub(rest, 0, lf - crlf);
	if (lf + 1 <= c->line_max)
		return 1;
	*line_out = str_sub(*line_out, 0, 256);
	return ERR_TOO_BIG;
}

bool conn_take_any(struct conn *c, size_t max, struct str *bytes_out)
{
	*bytes_out = str_sub(waiting(c), 0, max);
	c->taken += bytes_out->n;
	return bytes_out->n > 0;
}

size_t conn_pending(struct conn *c) { return waiting(c).n; }
void conn_untake(struct conn *c, size_t n) { c->taken -= n; }
void conn_write(struct conn *c, const void *p, size_t n) { buf_add(&c->out, p, n); }
void conn_write_str(struct conn *c, struct str s) { buf_add_str(&c->out, s); }

void conn_printf(struct conn *c, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	buf_vprintf(&c->out, format, ap);
	va_end(ap);
}

struct buf *conn_out(struct conn *c) { return &c->out; }
int conn_out_check(struct conn *c) { (void)c; return 0; }
int conn_write_large(struct conn *c, const void *p, size_t n) { conn_write(c, p, n); return 0; }
int conn_flush(struct conn *c) { (void)c; return 0; }
void conn_abort(struct conn *c) { (void)c; }
bool conn_is_dead(const struct conn *c) { (void)c; return false; }
bool conn_peer_gone(struct conn *c) { (void)c; return false; }

int conn_start_tls(struct conn *c)
{
	c->tls_starting = true;
	return 0;
}

bool conn_has_tls(const struct conn *c) { return c->tls; }
bool conn_can_tls(const struct conn *c) { return !c->tls; }
int conn_tls_exporter(struct conn *c, struct buf *out) { (void)c, (void)out; return ERR_UNSUPPORTED; }
int conn_tls_client_address(struct conn *c, unsigned i, struct buf *out) { (void)c, (void)i, (void)out; return ERR_NOT_FOUND; }
int conn_tls_end_point(struct conn *c, struct buf *out) { (void)c, (void)out; return ERR_UNSUPPORTED; }
struct str conn_tls_version(const struct conn *c) { return c->tls ? STR("TLSv1.3") : STR_NONE; }
struct str conn_tls_cipher(const struct conn *c) { return c->tls ? STR("NULL") : STR_NONE; }
struct str conn_tls_sni(const struct conn *c) { (void)c; return STR_NONE; }
uint64_t conn_id(const struct conn *c) { (void)c; return 1; }
struct str conn_peer_ip(const struct conn *c) { return str_from_c(c->ip); }
uint16_t conn_peer_port(const struct conn *c) { (void)c; return 4711; }
struct str conn_local_ip(const struct conn *c) { (void)c; return STR("192.0.2.25"); }
uint16_t conn_local_port(const struct conn *c) { (void)c; return 25; }
bool conn_peer_is_loopback(const struct conn *c) { (void)c; return false; }
int conn_set_user(struct conn *c, struct str user) { (void)c, (void)user; return 0; }
void conn_unset_user(struct conn *c) { (void)c; }
int conn_start_compress(struct conn *c) { (void)c; return ERR_NO_MEMORY; }
void conn_end_compress(struct conn *c) { (void)c; }
bool conn_is_compressed(const struct conn *c) { (void)c; return false; }
struct str conn_user(const struct conn *c) { (void)c; return STR("user@example.org"); }
uint64_t conn_bytes_in(const struct conn *c) { return c->taken; }
uint64_t conn_bytes_out(const struct conn *c) { return c->out.n; }

void conn_log(struct conn *c, enum log_level level, const char *event, const struct log_field *fields)
{
	(void)c, (void)level, (void)event, (void)fields;
}

void conn_note(struct conn *c, const char *state) { (void)c, (void)state; }
void conn_command_begin(struct conn *c, const char *name) { (void)c, (void)name; }
void conn_command_end(struct conn *c, struct metric *m, const struct log_field *fields) { (void)c, (void)m, (void)fields; }

void conn_ref(struct conn *c) { (void)c; }
void conn_unref(struct conn *c) { (void)c; }
void conn_wake(struct conn *c) { c->woken = true; }

bool script_event(struct conn *c, enum conn_event event)
{
	if (c->proto->run(c, c->session, c->ctx, event) == CONN_CLOSE) {
		script_close(c);
		return false;
	}
	return true;
}

void script_open(struct conn *c, const struct conn_proto *proto, void *ctx, const char *ip, bool tls)
{
	*c = (struct conn){ .proto = proto, .ctx = ctx, .ip = ip, .tls = tls, .session = calloc(1, proto->session_size) };
	if (!c->session)
		abort();
	script_event(c, CONN_OPEN);
}

void script_close(struct conn *c)
{
	if (!c->session)
		return;
	c->proto->fini(c, c->session, c->ctx);
	free(c->session);
	c->session = NULL;
}

static bool wanted_is_there(const struct conn *c)
{
	struct str rest = waiting(c);
	return c->want == SCRIPT_WANTS_ANY ? rest.n > 0 : c->want == SCRIPT_WANTS_LINE && str_chr(rest, '\n') != STR_NPOS;
}

bool script_play(struct conn *c, struct str input, size_t step)
{
	c->in = str_sub(input, 0, 0);
	c->taken = 0;
	while (c->session && c->in.n < input.n) {
		c->in.n += step && step < input.n - c->in.n ? step : input.n - c->in.n;
		if (c->woken) {
			c->woken = false;
			script_event(c, CONN_WAKE);
		}
		while (c->session && !c->tls_starting && (wanted_is_there(c) || (c->impatient && c->want == SCRIPT_WANTS_NOTHING)))
			script_event(c, c->want == SCRIPT_WANTS_NOTHING ? CONN_TIMEOUT : CONN_INPUT);
		if (c->session && c->tls_starting) {
			/* rt throws the plaintext away that came behind STARTTLS. */
			c->tls_starting = false;
			c->tls = true;
			c->taken = c->in.n;
			script_event(c, CONN_TLS);
		}
		if (c->in.n - c->taken > c->any_max)
			c->any_max = c->in.n - c->taken;
	}
	return c->session != NULL;
}
