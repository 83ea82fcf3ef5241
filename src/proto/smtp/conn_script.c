#include "proto/smtp/conn_script.h"

#include "proto/smtp/session.h"

/* ---- the connection ---- */

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

void conn_untake(struct conn *c, size_t n) { c->taken -= n; }
void conn_write(struct conn *c, const void *p, size_t n) { buf_add(&c->out, p, n); }

int conn_write_large(struct conn *c, const void *p, size_t n)
{
	conn_write(c, p, n);
	return 0;
}

void conn_printf(struct conn *c, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	buf_vprintf(&c->out, format, ap);
	va_end(ap);
}

struct buf *conn_out(struct conn *c) { return &c->out; }

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
uint64_t conn_id(const struct conn *c) { (void)c; return 1; }
struct str conn_peer_ip(const struct conn *c) { return str_from_c(c->ip); }
uint16_t conn_peer_port(const struct conn *c) { (void)c; return 4711; }
struct str conn_local_ip(const struct conn *c) { (void)c; return STR("192.0.2.25"); }
uint16_t conn_local_port(const struct conn *c) { (void)c; return 25; }
int conn_set_user(struct conn *c, struct str user) { (void)c, (void)user; return 0; }

void conn_log(struct conn *c, enum log_level level, const char *event, const struct log_field *fields)
{
	(void)c, (void)level, (void)event, (void)fields;
}

/* ---- the script ---- */

bool script_event(struct conn *c, enum conn_event event)
{
	if (smtp_proto.run(c, c->session, (void *)(uintptr_t)c->service, event) == CONN_CLOSE) {
		script_close(c);
		return false;
	}
	return true;
}

void script_open(struct conn *c, const struct smtp_service *service, const char *ip)
{
	*c = (struct conn){ .service = service, .ip = ip, .session = calloc(1, smtp_proto.session_size) };
	if (!c->session)
		abort();
	script_event(c, CONN_OPEN);
}

void script_close(struct conn *c)
{
	if (!c->session)
		return;
	smtp_proto.fini(c, c->session, (void *)(uintptr_t)c->service);
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
		while (c->session && !c->tls_starting && (c->want == SCRIPT_WANTS_NOTHING || wanted_is_there(c)))
			script_event(c, c->want == SCRIPT_WANTS_NOTHING ? CONN_TIMEOUT : CONN_INPUT);
		if (c->session && c->tls_starting) {
			/* rt throws the plaintext away that came behind STARTTLS. */
			c->tls_starting = false;
			c->tls = true;
			c->taken = c->in.n;
			script_event(c, CONN_TLS);
		}
	}
	return c->session != NULL;
}

/* ---- the house ---- */

static void must(int code)
{
	if (code)
		abort();
}

static void add_user(struct script_house *h, const char *name, uint64_t account)
{
	must(account_create(h->model, account));
	must(directory_user_import(h->directory, str_from_c(name), STR("$6$abcdefgh$DnMpGPHYyRbTXvlWDM2pJXpEFyFU4mcEVMc0jsqOVLAxuPsyYCJmaTXBGwPjzDjOTcBGmoLjbPwtcUDEVBzqk/"),
							   account, NULL));
}

void script_house_open(struct script_house *h)
{
	static const struct str away[] = { STR_INIT("friend@elsewhere.test") };
	static const struct str both[] = { STR_INIT("alice@example.org"), STR_INIT("friend@elsewhere.test") };
	static const struct str team[] = { STR_INIT("alice@example.org"), STR_INIT("bob@example.org") };
	struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };

	must(store_open(&c, &h->store, NULL));
	must(model_open(h->store, &(struct model_config){ 0 }, &h->model, NULL));
	must(directory_open(h->store, &(struct directory_config){ 0 }, &h->directory, NULL));
	must(queue_open(h->store, &(struct queue_config){ 0 }, &h->queue, NULL));
	must(services_create(h->model, h->directory, &h->services));
	must(directory_domain_add(h->directory, STR("example.org"), NULL));
	add_user(h, "alice@example.org", 1);
	add_user(h, "bob@example.org", 2);
	add_user(h, "carol@example.org", 3);
	must(directory_alias_add(h->directory, STR("away@example.org"), away, 1, NULL));
	must(directory_alias_add(h->directory, STR("both@example.org"), both, 2, NULL));
	must(directory_alias_add(h->directory, STR("team@example.org"), team, 2, NULL));
}

void script_house_close(struct script_house *h)
{
	services_destroy(&h->services);
	queue_close(&h->queue);
	directory_close(&h->directory);
	model_close(&h->model);
	store_close(&h->store);
}
