#include "proto/smtp/turn_job.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "outbound/envelope.h"
#include "outbound/message.h"

#include <stdlib.h>

struct named {
	struct str address;                  /* as it is said; empty: it is not, its result is set */
	bool accepted;
};

struct turn_job {
	struct queue *queue;
	struct queue_job *job;
	struct message message;
	struct message_form form;
	struct smtp_ehlo server;
	struct named *named;                 /* in the job's arena */
	size_t next;                         /* recipient to be named */
	size_t current;                      /* and the one whose answer is awaited */
	bool any_accepted;
};

int turn_job_take(struct queue *q, struct store *s, struct str destination, struct turn_job **out)
{
	struct turn_job *j = calloc(1, sizeof *j);

	if (!j)
		return ERR_NO_MEMORY;
	j->queue = q;
	int code = queue_take(q, 0, destination, true, &j->job);
	if (code) {
		free(j);
		return code;
	}
	code = message_open(q, s, j->job, &j->message);
	j->named = arena_array(&j->job->arena, j->job->n_recipients, sizeof *j->named);
	if (code == 0 && !j->named)
		code = ERR_NO_MEMORY;
	if (code)
		turn_job_finish(&j);
	else
		*out = j;
	return code;
}

int turn_job_finish(struct turn_job **j)
{
	if (!*j)
		return 0;
	message_close(&(*j)->message);
	int code = queue_finish((*j)->queue, &(*j)->job);
	free(*j);
	*j = NULL;
	return code;
}

/* ---- results ---- */

static void settle(struct turn_job *j, size_t i, int outcome, const struct trouble *why)
{
	struct arena *a = &j->job->arena;

	j->job->recipients[i].result = (struct queue_result){
		.outcome = outcome, .status = arena_dup(a, str_from_c(why->status)), .reply = arena_dup(a, str_from_c(why->text)),
		.remote = arena_dup(a, str_from_c(why->remote)), .dsn_passed_on = outcome == QUEUE_RELAYED && (j->server.extensions & SMTP_EXT_DSN) };
}

static int outcome_of(const struct trouble *why) { return trouble_is_permanent(why) ? QUEUE_FAILED : QUEUE_DELAYED; }

static void settle_rest(struct turn_job *j, const struct trouble *why, bool accepted_only)
{
	for (size_t i = 0; i < j->job->n_recipients; i++)
		if (j->job->recipients[i].result.outcome == 0 && (j->named[i].accepted || !accepted_only))
			settle(j, i, outcome_of(why), why);
}

void turn_job_failed(struct turn_job *j, const struct smtp_reply *r, struct str remote, bool accepted_only)
{
	struct trouble why = { .status = "" };

	trouble_set_reply(&why, r, remote);
	settle_rest(j, &why, accepted_only);
}

void turn_job_heard_rcpt(struct turn_job *j, const struct smtp_reply *r, struct str remote)
{
	struct trouble why = { .status = "" };

	if (smtp_reply_is_ok(r)) {
		j->named[j->current].accepted = j->any_accepted = true;
		return;
	}
	trouble_set_reply(&why, r, remote);
	settle(j, j->current, outcome_of(&why), &why);
}

void turn_job_relayed(struct turn_job *j, const struct smtp_reply *r, struct str remote)
{
	struct trouble how = { .status = "" };

	trouble_set_reply(&how, r, remote);
	for (size_t i = 0; i < j->job->n_recipients; i++)
		if (j->named[i].accepted)
			settle(j, i, QUEUE_RELAYED, &how);
}

/* ---- commands ---- */

bool turn_job_prepare(struct turn_job *j, const struct smtp_ehlo *server, bool tls)
{
	struct queue_job *q = j->job;
	struct trouble why = { .status = "" };

	j->server = *server;
	/* RFC 3030 3: binary content goes by BDAT or not at all; within DATA it could end itself */
	j->server.extensions &= ~(unsigned)(SMTP_EXT_CHUNKING | SMTP_EXT_BINARYMIME);
	server = &j->server;
	bool fits = true;
	if (q->envelope.flags & QUEUE_REQUIRETLS && !(tls && server->extensions & SMTP_EXT_REQUIRETLS)) {
		trouble_set(&why, "5.7.30", "REQUIRETLS was asked for, and this session does not offer it");      /* RFC 8689 4.2.1 */
		fits = false;
	}
	fits = fits && envelope_check(&q->envelope, q->envelope.sender, server, clock_now(), &why) == 0 && message_fit(&j->message, server, &j->form, &why) == 0;
	if (!fits && why.status[0])
		settle_rest(j, &why, false);
	for (size_t i = 0; fits && i < q->n_recipients; i++)
		if (envelope_address(&q->arena, q->recipients[i].r.address, server, &j->named[i].address, &why)) {
			j->named[i].address = STR_NONE;
			settle(j, i, QUEUE_FAILED, &why);
		}
	return fits;
}

/* RFC 6531 3.4: SMTPUTF8 is said when something in the transaction needs it. */
void turn_job_mail(const struct turn_job *j, struct buf *out)
{
	const struct queue_envelope *e = &j->job->envelope;
	bool utf8 = j->form.utf8 || !utf8_is_ascii(e->sender);

	for (size_t i = 0; i < j->job->n_recipients; i++)
		utf8 |= !utf8_is_ascii(j->named[i].address);
	envelope_mail(out, e, e->sender, &j->server, &j->form, utf8 && (j->server.extensions & SMTP_EXT_SMTPUTF8), clock_now());
}

bool turn_job_rcpt(struct turn_job *j, struct buf *out)
{
	while (j->next < j->job->n_recipients && !j->named[j->next].address.n)
		j->next++;
	if (j->next == j->job->n_recipients)
		return false;
	j->current = j->next++;
	envelope_rcpt(out, &j->job->envelope, &j->job->recipients[j->current].r, j->named[j->current].address, &j->server);
	return true;
}

bool turn_job_has_recipients(const struct turn_job *j) { return j->any_accepted; }
struct str turn_job_bytes(const struct turn_job *j) { return j->form.bytes; }
bool turn_job_is_intact(const struct turn_job *j) { return message_is_intact(&j->message); }
