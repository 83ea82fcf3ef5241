#include "migrate/imap_client_priv.h"

#include "base/clock.h"
#include "base/num.h"
#include "migrate/limits.h"
#include "store/store.h"

/* ---- responses ---- */

static int lost(struct imap_client *c, int r, struct err *e)
{
	c->dead = true;
	if (r == ERR_TOO_BIG)
		return err_set(e, r, NULL, "the server sent a line over %zu bytes", MIGRATE_LINE_MAX);
	if (c->bye[0])
		return err_set(e, c->base.wait_ms ? ERR_BUSY : r, NULL, "the server closed the connection: %s", c->bye);
	return err_set(e, r, NULL, r == ERR_CLOSED ? "the server closed the connection" : r == ERR_TIMEOUT ? "the server has been silent for too long" : "the connection broke");
}

static int nonsense(struct imap_client *c, const char *what, struct err *e)
{
	struct str shown = str_sub(source_shown(c->setup, buf_str(&c->text)), 0, 80);
	c->dead = true;
	return err_set(e, ERR_INVALID, NULL, "the server does not speak IMAP: %s: %.*s", what, STR_ARG(str_trim(shown)));
}

/* Text for people may end in braces; nothing follows it. */
static bool is_free_text(struct str line)
{
	struct imap_response r;
	return imap_response_parse(line, &r) && (r.kind == IMAP_RESPONSE_STATUS || r.kind == IMAP_RESPONSE_TAGGED || r.kind == IMAP_RESPONSE_CONTINUE);
}

static int skip(struct imap_client *c, uint64_t n)
{
	char waste[16384];
	int r = 0;
	while (n && r == 0) {
		size_t part = n < sizeof waste ? (size_t)n : sizeof waste;
		r = stream_read_exact(c->stream, waste, part);
		n -= part;
	}
	return r;
}

/* One literal of n bytes, announced by the end of c->text (at: where its brace stands). *small: what beside messages came so far. */
static int read_literal(struct imap_client *c, uint64_t n, size_t at, bool bodies, size_t *small, struct err *e)
{
	bool is_message = bodies && n > MIGRATE_SMALL_MAX - *small;
	int r;
	if (is_message && (n > STORE_BLOB_MAX || c->text.n > MIGRATE_SMALL_MAX * 2)) {
		if (n > MIGRATE_SKIP_MAX || c->text.n > MIGRATE_SMALL_MAX * 2)
			return nonsense(c, "a literal without measure", e);
		c->text.n = at;
		buf_add_lit(&c->text, "NIL");
		c->too_big = true;
		r = skip(c, n);
		return r ? lost(c, r, e) : 0;
	}
	if (!is_message && n > MIGRATE_SMALL_MAX - *small)
		return nonsense(c, "a literal without measure", e);
	*small += is_message ? 0 : (size_t)n;
	buf_add_lit(&c->text, "\r\n");
	char *place = n ? buf_reserve(&c->text, (size_t)n) : NULL;
	if (n && !place)
		return err_set(e, ERR_NO_MEMORY, NULL, "a response of %llu bytes", (unsigned long long)n);
	r = n ? stream_read_exact(c->stream, place, (size_t)n) : 0;
	c->text.n += (size_t)n;
	return r ? lost(c, r, e) : 0;
}

static int read_text(struct imap_client *c, bool bodies, struct err *e)
{
	size_t small = 0;
	struct str line;
	uint64_t n;

	if (c->text.cap > MIGRATE_SMALL_MAX * 2)
		buf_fini(&c->text);
	if (!c->text.p)
		buf_init(&c->text, STORE_BLOB_MAX + MIGRATE_SMALL_MAX * 4);
	buf_reset(&c->text);
	c->too_big = false;
	for (;;) {
		int r = stream_read_line(c->stream, MIGRATE_LINE_MAX, &line);
		if (r)
			return lost(c, r, e);
		small += line.n;
		if (small > MIGRATE_SMALL_MAX)
			return nonsense(c, "a response without end", e);
		size_t start = c->text.n;
		buf_add_str(&c->text, line);
		if (c->text.failed)
			return err_set(e, ERR_NO_MEMORY, NULL, "a response");
		line = str_from(buf_str(&c->text), start);
		if (!imap_response_literal(line, &n) || (start == 0 && is_free_text(line)))
			return 0;
		size_t at = start + str_rchr(line, '{');
		if (at > start && c->text.p[at - 1] == '~')
			at--;
		r = read_literal(c, n, at, bodies, &small, e);
		if (r)
			return r;
	}
}

/* What servers say when they want to be left alone for a while: RFC 5530 and 9051 codes, Gmail's and Exchange's own. */
static bool wants_patience(struct imap_client *c)
{
	static const struct str codes[] = { STR_INIT("THROTTLED"), STR_INIT("UNAVAILABLE"), STR_INIT("LIMIT"), STR_INIT("INUSE"), STR_INIT("OVERQUOTA") };
	static const struct str backoff = STR_INIT("Backoff Time:");
	bool found = false;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		found |= str_ieq(c->r.code, codes[i]);
	found |= str_ifind(c->r.text, STR("throttled")) != STR_NPOS;
	size_t at = str_ifind(c->r.text, backoff);
	uint64_t ms = MIGRATE_THROTTLED_MS;
	if (at != STR_NPOS) {
		struct str number, rest;
		str_cut(str_trim(str_from(c->r.text, at + backoff.n)), ' ', &number, &rest);
		found |= num_parse_u64(number, &ms);
	}
	if (found)
		c->base.wait_ms = ms < MIGRATE_BACKOFF_MAX_MS ? ms : MIGRATE_BACKOFF_MAX_MS;
	return found;
}

static int read_response(struct imap_client *c, bool bodies, struct err *e)
{
	arena_reset(&c->arena);
	int r = read_text(c, bodies, e);
	if (r) {
		c->dead = true;
		return r;
	}
	if (!imap_response_parse(buf_str(&c->text), &c->r))
		return nonsense(c, "no response", e);
	if (c->r.kind == IMAP_RESPONSE_CAPABILITY || str_ieq(c->r.code, STR("CAPABILITY"))) {
		c->capabilities = imap_capabilities(c->r.kind == IMAP_RESPONSE_CAPABILITY ? c->r.rest : c->r.code_args);
		c->capabilities_told = true;
	}
	if (c->r.kind == IMAP_RESPONSE_STATUS && c->r.status == IMAP_BYE) {
		str_copy_c(c->bye, sizeof c->bye, c->r.text.n ? source_shown(c->setup, c->r.text) : STR("BYE"));
		wants_patience(c);
	}
	return 0;
}

/* ---- commands ---- */

void imapc_begin(struct imap_client *c, const char *command) { stream_printf(c->stream, "T%u %s", ++c->tag, command); }

static int wait_for_leave(struct imap_client *c, struct err *e)
{
	for (unsigned idle = 0; idle < MIGRATE_IDLE_RESPONSES_MAX; idle++) {
		int r = read_response(c, false, e);
		if (r)
			return r;
		if (c->r.kind == IMAP_RESPONSE_CONTINUE)
			return 0;
		if (c->r.kind == IMAP_RESPONSE_TAGGED)
			return err_set(e, ERR_CONFLICT, NULL, "the server refuses a literal: %.*s", STR_ARG(source_shown(c->setup, c->r.text)));
	}
	return nonsense(c, "responses without end", e);
}

int imapc_argument(struct imap_client *c, struct str s, struct err *e)
{
	struct buf b = BUF_INIT(0);
	bool literal;
	int r = 0;

	buf_add_char(&b, ' ');
	imap_response_argument(s, &b, &literal);
	stream_write_str(c->stream, buf_str(&b));
	if (literal) {
		stream_write_str(c->stream, STR("\r\n"));
		r = wait_for_leave(c, e);
		if (r == 0)
			stream_write_str(c->stream, s);
	}
	buf_fini(&b);
	return r;
}

static int refused(struct imap_client *c, struct err *e)
{
	int code = wants_patience(c) ? ERR_BUSY : ERR_CONFLICT;
	return err_set(e, code, NULL, "the server refused: %s%.*s%s%.*s", c->r.code.n ? "[" : "", STR_ARG(c->r.code), c->r.code.n ? "] " : "",
				   STR_ARG(source_shown(c->setup, c->r.text)));
}

/* RFC 9051 5.5: of commands that are under way together the server may end any first; only messages are asked for so. */
static bool answers_another(struct imap_client *c)
{
	char name[16];
	for (unsigned i = 0; i < c->n_asked; i++) {
		struct asked *one = &c->asked[i];
		snprintf(name, sizeof name, "T%u", one->tag);
		if (one->answered || !str_eq(c->r.tag, str_from_c(name)))
			continue;
		one->answered = true;
		one->result = c->r.status == IMAP_OK ? 0 : refused(c, NULL);
		return true;
	}
	return false;
}

int imapc_await(struct imap_client *c, unsigned tag, bool bodies, imapc_untagged_fn *fn, void *arg, struct err *e)
{
	char name[16];
	int failed = 0, r = stream_flush(c->stream);
	unsigned idle = 0;

	if (r && r != ERR_CLOSED && r != ERR_IO)      /* else the server's last words can still be read */
		return lost(c, r, e);
	snprintf(name, sizeof name, "T%u", tag);
	c->base.wait_ms = 0;
	while (failed == 0) {
		r = read_response(c, bodies, e);
		if (r)
			return r;
		if (c->r.kind == IMAP_RESPONSE_TAGGED) {
			if (str_eq(c->r.tag, str_from_c(name)))
				return c->r.status == IMAP_OK ? 0 : refused(c, e);
			if (!answers_another(c))
				return nonsense(c, "an answer to what was not asked", e);
			continue;
		}
		/* how many messages there may be is for the scan to say; of all else there is little */
		bool scanned = c->r.kind == IMAP_RESPONSE_FETCH && fn && !bodies;
		if (!scanned && ++idle > MIGRATE_IDLE_RESPONSES_MAX)
			return nonsense(c, "responses without end", e);
		failed = fn ? fn(c, arg, e) : 0;
	}
	c->dead = true;                               /* what is still to come belongs to nobody */
	return failed;
}

int imapc_finish(struct imap_client *c, imapc_untagged_fn *fn, void *arg, struct err *e)
{
	stream_write_str(c->stream, STR("\r\n"));
	return imapc_await(c, c->tag, false, fn, arg, e);
}

/* ---- opening ---- */

static int learn_capabilities(struct imap_client *c, struct err *e)
{
	if (c->capabilities_told)
		return 0;
	imapc_begin(c, "CAPABILITY");
	int r = imapc_finish(c, NULL, NULL, e);
	c->capabilities_told = true;
	return r == ERR_CONFLICT ? 0 : r;
}

static int secure(struct imap_client *c, struct err *e)
{
	const struct place *p = &c->setup->place;
	bool insecure = c->setup->dial.insecure;

	if (place_is_pipe(p) || stream_has_tls(c->stream))
		return 0;
	/* RFC 9051 11.1: no STARTTLS can be said to a server that greets with PREAUTH, so somebody else may have greeted. */
	if (!insecure && (c->preauth || !(c->capabilities & IMAP_CAP_STARTTLS)))
		return err_set(e, ERR_DENIED, NULL, "%s does not offer STARTTLS (see imaps://, --insecure)", p->host);
	if (c->preauth || !(c->capabilities & IMAP_CAP_STARTTLS))
		return 0;
	imapc_begin(c, "STARTTLS");
	int r = imapc_finish(c, NULL, NULL, e);
	if (r == 0)
		r = dial_start_tls(&c->setup->dial, p, c->stream, e);
	if (r) {
		c->dead = true;
		return r;
	}
	c->capabilities = 0;                          /* RFC 9051 6.2.1: what was said in the clear is forgotten */
	c->capabilities_told = false;
	return learn_capabilities(c, e);
}

static int greeting(struct imap_client *c, struct err *e)
{
	int r = read_response(c, false, e);
	if (r)
		return r;
	if (c->r.kind != IMAP_RESPONSE_STATUS || (c->r.status != IMAP_OK && c->r.status != IMAP_PREAUTH)) {
		c->dead = true;
		if (c->r.kind == IMAP_RESPONSE_STATUS)
			return err_set(e, c->base.wait_ms ? ERR_BUSY : ERR_CLOSED, NULL, "the server does not want us: %.*s", STR_ARG(c->r.text));
		return nonsense(c, "no greeting", e);
	}
	c->preauth = c->r.status == IMAP_PREAUTH;
	return learn_capabilities(c, e);
}

/* RFC 2971: who we are, for the other side's log. */
static int introduce(struct imap_client *c, struct err *e)
{
	if (!(c->capabilities & IMAP_CAP_ID))
		return 0;
	imapc_begin(c, "ID (\"name\" \"Troika import\" \"version\" \"" TROIKA_VERSION "\")");
	int r = imapc_finish(c, NULL, NULL, e);
	return r == ERR_CONFLICT ? 0 : r;
}

static void close_client(struct source *s)
{
	struct imap_client *c = (struct imap_client *)s;
	struct err ignored;

	if (c->stream && !c->dead && !c->n_asked) {
		stream_set_timeout(c->stream, MIGRATE_GOODBYE_MS);
		stream_set_deadline(c->stream, clock_mono_ms() + MIGRATE_GOODBYE_MS);
		imapc_begin(c, "LOGOUT");
		imapc_finish(c, NULL, NULL, &ignored);
	}
	stream_close(&c->stream);
	buf_fini(&c->text);
	arena_fini(&c->arena);
	free(c);
}

static const struct source_ops ops = {
	.folders = imapc_folders, .enter = imapc_enter, .scan = imapc_scan, .ask = imapc_ask, .take = imapc_take, .close = close_client,
};

int imap_client_open(const struct source_setup *s, struct source **out, uint64_t *wait_ms_out, struct err *e)
{
	struct imap_client *c = calloc(1, sizeof *c);

	*out = NULL;
	if (!c)
		return err_set(e, ERR_NO_MEMORY, NULL, "connection");
	c->base.ops = &ops;
	c->setup = s;
	arena_init(&c->arena, MIGRATE_ARENA_MAX);
	int r = dial_open(&s->dial, &s->place, s->pipe, &c->stream, e);
	c->dead = r != 0;
	if (r == 0)
		r = greeting(c, e);
	if (r == 0)
		r = secure(c, e);
	if (r == 0 && !c->preauth)
		r = imapc_login(c, e);
	if (r == 0)
		r = learn_capabilities(c, e);
	if (r == 0)
		r = introduce(c, e);
	*wait_ms_out = c->base.wait_ms;
	c->base.is_gmail = c->capabilities & IMAP_CAP_GMAIL;
	c->base.has_emails = c->capabilities & (IMAP_CAP_GMAIL | IMAP_CAP_OBJECTID);
	if (r)
		close_client(&c->base);
	else
		*out = &c->base;
	return r;
}
