/* Rules for the header: what a submission agent adds and checks (RFC 6409 8), what nobody may bring along. */
#include "proto/smtp/header.h"

#include "base/clock.h"
#include "codec/mime/address.h"
#include "codec/mime/header.h"
#include "codec/smtp/trace.h"
#include "mailauth/check.h"
#include "proto/smtp/accept.h"
#include "rt/crypto.h"

/* ---- the author ---- */

/* Is every author one of the user's addresses? 0, ERR_DENIED, or temporary codes. */
static int own_author(struct smtp_call *c, const struct smtp_header_facts *facts)
{
	struct directory *d = services_directory(c->service->services);
	struct arena *a = &c->s->t.arena;
	struct mime_address *list;
	size_t n = 0;
	int code = mime_addresses_parse(facts->from_body, a, &list, &n, NULL);

	for (size_t i = 0; code == 0 && i < n; i++) {
		struct str address = arena_printf(a, "%.*s@%.*s", STR_ARG(list[i].local), STR_ARG(list[i].domain));
		if (list[i].kind == MIME_ADDRESS)
			code = directory_may_send_as(d, str_from_c(c->s->user), address);
	}
	return a->failed ? arena_error(a) : code;
}

/* RFC 6409 6.1, 8.1; RFC 5322 3.6: one From. *add_sender_out: the author is somebody else, and Sender shall say who sends. False: refused. */
static bool check_author(struct smtp_call *c, const struct smtp_header_facts *facts, bool *add_sender_out)
{
	enum submission_from rule = c->s->config->submission_from;

	*add_sender_out = false;
	if (rule == SUBMISSION_FROM_ANY || facts->from == 0)
		return true;
	if (facts->from > 1) {
		smtp_refuse_message(c, 550, "5.6.0", "More than one From field");
		return false;
	}
	int code = own_author(c, facts);
	if (code == 0)
		return true;
	if (code != ERR_DENIED) {
		smtp_refuse_message(c, 451, "4.3.0", "The author cannot be looked up, try again later");
		return false;
	}
	*add_sender_out = rule == SUBMISSION_FROM_ADD_SENDER;
	if (!*add_sender_out)
		smtp_refuse_message(c, 550, "5.7.1", "From is not one of your addresses");
	return *add_sender_out;
}

/* ---- additions ---- */

static void add_missing(const struct smtp_call *c, const struct smtp_header_facts *facts, bool add_sender, struct buf *out)
{
	if (!facts->has_date) {
		buf_add_lit(out, "Date: ");
		smtp_format_date(out, clock_now());
		buf_add_lit(out, "\r\n");
	}
	if (!facts->has_message_id) {
		uint64_t random[2];
		crypto_random(random, sizeof random);
		buf_printf(out, "Message-ID: <%llx.%016llx%016llx@%.*s>\r\n", (unsigned long long)clock_now(), (unsigned long long)random[0],
				   (unsigned long long)random[1], STR_ARG(c->s->config->hostname));
	}
	if (add_sender)
		buf_printf(out, "Sender: %s\r\n", c->s->user);
}

/* ---- removals ---- */

/* RFC 8601 5: results in our name are ours to give. The transfer agent beside us (LMTP) may speak for us. */
static int remove_our_results(struct smtp_call *c, struct str *message)
{
	struct buf header = BUF_INIT(0);
	size_t length = 0;
	int code = 0;

	if (authres_remove_ours(*message, c->s->config->hostname, &header, &length))
		code = header.failed ? ERR_NO_MEMORY : spool_front(c->s->t.spool, length, header.p, header.n);
	buf_fini(&header);
	return code ? code : spool_bytes(c->s->t.spool, message);
}

static int remove_fields(struct smtp_call *c, struct str *message, const struct str *names, size_t n)
{
	struct mime_header_walk w = mime_header_walk(*message);
	struct mime_header_field f;
	struct buf header = BUF_INIT(0);

	while (mime_header_next(&w, &f))
		;
	struct str old = str_sub(*message, 0, w.at);
	mime_header_select(old, names, n, true, &header);
	int code = header.failed ? ERR_NO_MEMORY : header.n > old.n ? ERR_BUG : spool_front(c->s->t.spool, old.n, header.p, header.n);
	buf_fini(&header);
	return code ? code : spool_bytes(c->s->t.spool, message);
}

static int remove_foreign(struct smtp_call *c, const struct smtp_header_facts *facts, bool add_sender, struct str *message)
{
	bool submission = c->service->mode == SMTP_SUBMISSION;
	struct str names[3];
	size_t n = 0;
	int code = 0;

	/* RFC 5321 4.4: who relays looks for no Return-Path; final delivery writes its own. RFC 6409 8 and 5322 3.6.3 for Bcc. */
	if (facts->has_return_path && (submission || !c->s->t.n_away))
		names[n++] = STR("Return-Path");
	if (facts->has_bcc && submission)
		names[n++] = STR("Bcc");
	if (facts->has_sender && add_sender)
		names[n++] = STR("Sender");
	if (n)
		code = remove_fields(c, message, names, n);
	if (code == 0 && facts->has_authres && c->service->mode != SMTP_LMTP)
		code = remove_our_results(c, message);
	return code;
}

bool smtp_tidy_header(struct smtp_call *c, struct str *message)
{
	struct smtp_header_facts facts;
	struct buf extra = BUF_INIT(SMTP_FRONT_MAX);
	bool add_sender = false;

	smtp_header_scan(*message, &facts);
	c->s->t.tls_optional = facts.tls_optional;
	if (c->service->mode == SMTP_SUBMISSION) {
		if (!check_author(c, &facts, &add_sender))
			return false;
		add_missing(c, &facts, add_sender, &extra);
	}
	int code = remove_foreign(c, &facts, add_sender, message);
	if (code == 0 && extra.n)
		code = extra.failed ? ERR_NO_MEMORY : spool_front(c->s->t.spool, 0, extra.p, extra.n);
	if (code == 0)
		code = spool_bytes(c->s->t.spool, message);
	buf_fini(&extra);
	if (code)
		smtp_fail_message(c, code);
	return code == 0;
}
