#include "base/num.h"
#include "proto/common/url_access.h"
#include "proto/common/url_part.h"
#include "proto/smtp/accept.h"
#include "proto/smtp/command.h"
#include "proto/smtp/transaction.h"

/* DATA and the first BDAT need a transaction with a recipient. False when an answer was given. */
static bool transaction_is_ready(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;

	if (!t->open)
		smtp_reply(c, 503, "5.5.1", "MAIL first");
	else if (!t->n_recipients)
		smtp_reply(c, c->service->mode == SMTP_LMTP ? 503 : 554, "5.5.1", "No valid recipients");     /* RFC 2033 4.2; RFC 5321 3.3 */
	else
		return true;
	return false;
}

void smtp_cmd_data(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;

	if (c->arg.n) {
		smtp_reply(c, 501, "5.5.4", "DATA takes no argument");
		return;
	}
	if (!transaction_is_ready(c))
		return;
	if (t->body == SMTP_BODY_BINARYMIME) {
		smtp_reply(c, 503, "5.5.1", "BINARYMIME needs BDAT");                 /* RFC 3030 section 3 */
		return;
	}
	if (!smtp_gates_pass(c, SMTP_STAGE_DATA, &(struct smtp_matter){ 0 }))
		return;
	int code = smtp_transaction_start_data(c);
	if (code) {
		smtp_reply_error(c, code, "Message");
		smtp_transaction_reset(t);
		return;
	}
	smtp_data_init(&t->data, SMTP_LONG_LINE_MAX);
	c->s->phase = SMTP_DATA;
	smtp_reply(c, 354, NULL, "End data with <CR><LF>.<CR><LF>");
}

static void emit(void *arg, const char *p, size_t n)
{
	smtp_transaction_write(arg, p, n);
}

void smtp_input_data(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;
	struct str bytes;
	size_t used;

	if (!conn_take_any(c->conn, SIZE_MAX, &bytes))
		return;
	if (!smtp_data_feed(&t->data, bytes, emit, c, &used))
		return;
	c->s->phase = SMTP_COMMAND;
	if (t->data.faults & SMTP_DATA_FALSE_END) {
		/* Where this peer thinks the data ends nobody can know, so nothing more of it is read. */
		conn_log(c->conn, LOG_NOTICE, "smtp.false-end", LOG_NOTHING);
		smtp_reply(c, 521, "5.5.2", "Bare CR or LF around the end of data: lines end with CRLF");
		c->s->closing = true;
		smtp_transaction_reset(t);
		return;
	}
	conn_untake(c->conn, bytes.n - used);
	smtp_accept(c);
}

/* RFC 3030 section 2: "BDAT" SP size [SP "LAST"]. The octets follow at once, so a refused chunk must be read all the same. */
static bool parse_bdat(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;
	struct str size, last;

	t->chunk_is_last = str_cut(c->arg, ' ', &size, &last);
	return num_parse_u64(size, &t->chunk_left) && (!t->chunk_is_last || str_ieq(str_trim(last), STR("LAST")));
}

/* The first chunk of a message, by BDAT or BURL. False: an answer was given. */
static bool begin_chunks(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;

	if (!transaction_is_ready(c) || !smtp_gates_pass(c, SMTP_STAGE_DATA, &(struct smtp_matter){ 0 }))
		return false;
	t->spool_error = smtp_transaction_start_data(c);
	smtp_data_init(&t->data, SMTP_LONG_LINE_MAX);
	t->chunking = true;
	return true;
}

void smtp_cmd_bdat(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;

	if (!parse_bdat(c)) {
		/* how many octets follow is unknown: what comes cannot be told from commands */
		smtp_reply(c, 501, "5.5.4", "Syntax: BDAT size [LAST]");
		c->s->closing = true;
		return;
	}
	t->chunk_refused = !t->chunking && !begin_chunks(c);
	c->s->phase = SMTP_BDAT;
	if (t->chunk_left == 0)
		smtp_input_bdat(c);
}

/* What came of a chunk that is in the spool as far as it would go. */
static void answer_chunk(struct smtp_call *c, const char *taken)
{
	struct smtp_transaction *t = &c->s->t;

	if (t->chunk_is_last) {
		smtp_data_check_end(&t->data);
		smtp_accept(c);
		return;
	}
	if (t->too_big)
		smtp_reply(c, 552, "5.3.4", "Message too big");
	else if (t->spool_error)
		smtp_reply_error(c, t->spool_error, "Chunk");
	else
		smtp_reply(c, 250, "2.0.0", "%s", taken);
}

static void end_chunk(struct smtp_call *c)
{
	c->s->phase = SMTP_COMMAND;
	if (!c->s->t.chunk_refused)          /* else the answer was given before its octets were read */
		answer_chunk(c, "Chunk taken");
}

void smtp_input_bdat(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;
	struct str bytes;

	if (t->chunk_left) {
		size_t most = t->chunk_left < SIZE_MAX ? (size_t)t->chunk_left : SIZE_MAX;
		if (!conn_take_any(c->conn, most, &bytes))
			return;
		t->chunk_left -= bytes.n;
		if (!t->chunk_refused) {
			if (t->body != SMTP_BODY_BINARYMIME)
				smtp_data_check(&t->data, bytes);
			smtp_transaction_write(c, bytes.p, bytes.n);
		}
	}
	if (t->chunk_left == 0)
		end_chunk(c);
}

/* ---- BURL, RFC 4468 ---- */

/* "If the URL fetch fails, the server will fail the entire transaction" (3.2). */
static void burl_fails(struct smtp_call *c, unsigned code, const char *enhanced, const char *why)
{
	smtp_reply(c, code, enhanced, "%s", why);
	smtp_transaction_reset(&c->s->t);
}

static void burl_copy(struct smtp_call *c, struct url_part *part)
{
	struct smtp_transaction *t = &c->s->t;
	struct str octets = url_part_octets(part);

	if (part->scratch.failed) {
		burl_fails(c, 451, "4.3.0", "Out of memory");
		return;
	}
	if (t->body != SMTP_BODY_BINARYMIME)
		smtp_data_check(&t->data, octets);
	smtp_transaction_write(c, octets.p, octets.n);
	if (!url_part_intact(part)) {
		burl_fails(c, 451, "4.3.0", "The disk could not give all of the message");
		return;
	}
	answer_chunk(c, "Waiting for more by BURL or BDAT");
}

/* RFC 4468 3.3 and 6: the URL must permit it, to this very user when it says submit+. */
static void burl_fetch(struct smtp_call *c, struct str text, struct arena *arena)
{
	struct url_asker who = { .user = str_from_c(c->s->user), .submits = true };
	struct url_access access = { .holder = NULL };
	struct url_part part = { .scratch = BUF_INIT(0) };
	struct imap_url url;
	const char *why;
	int code = imap_url_parse(text, arena, &url, &why);

	if (code == ERR_INVALID) {
		burl_fails(c, 554, "5.6.6", why);
	} else if (!code && (!url.absolute || !url.mechanism.p)) {
		burl_fails(c, 554, "5.7.8", "URL resolution requires trust relationship: the URL has no URLAUTH");
	} else {
		if (!code)
			code = url_access_open(c->service->services, arena, &url, &who, &access);
		if (!code)
			code = url_part_open(access.holder, access.mailbox, &url, arena, &part);
		if (code == ERR_DENIED)
			burl_fails(c, 554, "5.7.0", "IMAP URL authorization failed");
		else if (code == ERR_NOT_FOUND || code == ERR_INVALID || (!code && part.located.nil))
			burl_fails(c, 554, "5.6.6", "IMAP URL resolution failed: no such message or part");
		else if (code)
			burl_fails(c, 451, "4.4.1", "The message store does not answer");
		else
			burl_copy(c, &part);
	}
	url_part_close(&part);
	url_access_close(&access);
}

/* burl-cmd = "BURL" SP absolute-URI [SP "LAST"]: RFC 4468 3.5. It may stand between BDATs. */
void smtp_cmd_burl(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;
	struct arena arena = ARENA_INIT(SMTP_BURL_ARENA_MAX);
	struct str url, last;
	bool is_last = str_cut(c->arg, ' ', &url, &last);

	if (!url.n || (is_last && !str_ieq(str_trim(last), STR("LAST")))) {
		smtp_reply(c, 501, "5.5.4", "Syntax: BURL url [LAST]");
		return;
	}
	if (!t->chunking && !begin_chunks(c))
		return;
	t->chunk_is_last = is_last;
	burl_fetch(c, url, &arena);
	arena_fini(&arena);
}
