#include "outbound/notice.h"

#include "base/base64.h"
#include "base/clock.h"
#include "codec/dsn/dsn.h"
#include "directory/name.h"
#include "rt/crypto.h"

#define RETURN_MAX_DEFAULT ((size_t)64 << 10)
#define RETURN_FULL_MAX_DEFAULT ((size_t)10 << 20)
#define ID_BYTES 16

/* A recipient may be owed several: what came last settles it, so that a delay that is over is not told. */
static enum dsn_action action_of(unsigned owed)
{
	if (owed & QUEUE_FAILED)
		return DSN_FAILED;
	if (owed & QUEUE_DELIVERED)
		return DSN_DELIVERED;
	if (owed & QUEUE_EXPANDED)
		return DSN_EXPANDED;
	return owed & QUEUE_RELAYED ? DSN_RELAYED : DSN_DELAYED;
}

static size_t describe(const struct queue_job *j, struct dsn_recipient *out, bool *failed_out)
{
	size_t n = 0;

	*failed_out = false;
	for (size_t i = 0; i < j->n_recipients; i++) {
		const struct queue_job_recipient *r = &j->recipients[i];
		if (!r->owed)
			continue;
		out[n] = (struct dsn_recipient){
			.address = r->r.address, .original = r->r.orcpt, .action = action_of(r->owed), .status = r->status, .remote = r->remote, .reply = r->reply,
			.last_attempt = r->last_attempt, .retry_until = j->expires };
		*failed_out |= out[n++].action == DSN_FAILED;
	}
	return n;
}

/* Who is told. False: nobody: RFC 5321 6.1: no notice about a notice; a postmaster who cannot be told is not told about that. */
static bool choose_addressee(const struct queue_job *j, bool failed, const struct notice_config *c, struct str *out)
{
	*out = j->envelope.sender;
	if (out->n)
		return true;
	if (!c->tell_postmaster || !failed)
		return false;
	*out = c->postmaster;
	for (size_t i = 0; i < j->n_recipients; i++)
		if (str_ieq(j->recipients[i].r.address, c->postmaster))
			return false;
	return true;
}

static bool returns_whole(const struct queue_job *j, size_t size, bool failed, const struct notice_config *c)
{
	unsigned flags = j->envelope.flags;

	if (!failed || flags & (QUEUE_RET_HDRS | QUEUE_REQUIRETLS))          /* RFC 3461 4.3; RFC 8689 5 */
		return false;
	if (flags & QUEUE_RET_FULL)
		return size <= (c->return_full_max ? c->return_full_max : RETURN_FULL_MAX_DEFAULT);
	return size <= (c->return_max ? c->return_max : RETURN_MAX_DEFAULT);
}

/* Letters and digits that nobody can guess. */
static struct str new_id(struct arena *a)
{
	char bytes[ID_BYTES];
	struct buf hex = BUF_INIT(0);

	crypto_random(bytes, sizeof bytes);
	hex_encode(&hex, str_make(bytes, sizeof bytes));
	struct str id = arena_dup(a, buf_str(&hex));
	buf_fini(&hex);
	return id;
}

/* Signatures in front of the whole. */
static struct str sign(const struct dsn_message *m, const struct notice_config *c, struct arena *a)
{
	struct buf whole = BUF_INIT(0), fields = BUF_INIT(0);
	struct str domain = str_from(c->postmaster, str_rchr(c->postmaster, '@') + 1);

	if (!c->keyring)
		return STR_NONE;
	buf_add_str(&whole, buf_str(&m->head));
	buf_add_str(&whole, m->body);
	buf_add_str(&whole, buf_str(&m->tail));
	if (!whole.failed)
		dkim_ring_sign(c->keyring, a, domain, buf_str(&whole), clock_now(), &fields);
	struct str signatures = fields.n ? arena_dup(a, buf_str(&fields)) : STR_NONE;
	buf_fini(&whole);
	buf_fini(&fields);
	return signatures;
}

static int put_pieces(const struct dsn_message *m, const struct notice_config *c, struct arena *a, struct queue_submission *out)
{
	struct str *pieces = arena_array(a, 4, sizeof *pieces);

	if (!pieces)
		return ERR_NO_MEMORY;
	pieces[0] = sign(m, c, a);
	pieces[1] = arena_dup(a, buf_str(&m->head));
	pieces[2] = m->body;
	pieces[3] = arena_dup(a, buf_str(&m->tail));
	out->pieces = pieces;
	out->n_pieces = 4;
	out->envelope.flags |= (m->utf8 ? QUEUE_UTF8 : 0u) | (m->eight_bit ? QUEUE_8BIT : 0u);
	return a->failed ? ERR_NO_MEMORY : 0;
}

/* RFC 3461 6.1: a null reverse-path, NOTIFY=NEVER, no RET. RFC 8689 5: as well protected as the original. */
static int put_envelope(const struct queue_job *j, struct str to, const struct name *name, const struct notice_config *c, struct arena *a,
						struct queue_submission *out)
{
	struct queue_recipient *r = arena_new(a, struct queue_recipient);
	struct str domain = name_domain(name);

	if (!r)
		return ERR_NO_MEMORY;
	r->address = arena_dup(a, to);
	r->destination = c->is_local(c->ctx, domain) ? STR(QUEUE_LOCAL) : arena_dup(a, domain);
	r->notify = QUEUE_NOTIFY_NEVER;
	out->recipients = r;
	out->n_recipients = 1;
	out->envelope.arrived = clock_now();
	out->envelope.priority = j->envelope.priority;
	out->envelope.flags = j->envelope.flags & QUEUE_REQUIRETLS;
	return a->failed ? ERR_NO_MEMORY : 0;
}

int notice_build(const struct queue_job *j, struct str original, const struct notice_config *c, struct arena *a, struct queue_submission *out)
{
	struct dsn_recipient *recipients = arena_array(a, j->n_recipients, sizeof *recipients);
	struct dsn_message message;
	struct name name;
	bool failed;
	struct str to;

	*out = (struct queue_submission){ .n_pieces = 0 };
	if (!recipients)
		return ERR_NO_MEMORY;
	size_t n = describe(j, recipients, &failed);
	if (n == 0 || !choose_addressee(j, failed, c, &to) || name_parse(to, &name))
		return 0;
	struct dsn d = {
		.reporting_mta = c->hostname, .from = c->postmaster, .to = to, .envid = j->envelope.envid, .arrived = j->envelope.arrived, .id = new_id(a),
		.queue_id = arena_printf(a, "%llx", (unsigned long long)j->id), .now = clock_now(), .recipients = recipients, .n = n, .original = original,
		.original_utf8 = j->envelope.flags & QUEUE_UTF8, .full = returns_whole(j, original.n, failed, c) };
	int code = put_envelope(j, to, &name, c, a, out);
	if (code || a->failed)
		return ERR_NO_MEMORY;
	code = dsn_format(&d, &message);
	if (code == 0)
		code = put_pieces(&message, c, a, out);
	dsn_message_fini(&message);
	return code ? code : 1;
}
