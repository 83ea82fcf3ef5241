#include "deliver/local.h"

#include "base/clock.h"
#include "codec/mime/header.h"
#include "codec/smtp/srs.h"
#include "deliver/deliver.h"
#include "deliver/group_inside.h"
#include "rt/crypto.h"

struct delivery {
	const struct local_env *env;
	struct queue_job *j;
	struct str message;
	struct arena arena;                    /* targets and addresses */
	struct deliver_recipient *accounts;    /* of recipients that are one account */
	size_t *whose;                         /* their recipients, by number */
	size_t n_accounts;
};

static void settle(struct queue_job_recipient *r, int outcome, const char *status, const char *reply)
{
	r->result = (struct queue_result){ .outcome = outcome, .status = str_from_c(status), .reply = str_from_c(reply) };
}

/* By why it did not work; what is not the message's or the address's fault may work later. */
static void settle_error(struct queue_job_recipient *r, int code)
{
	switch (code) {
	case ERR_NOT_FOUND:
		settle(r, QUEUE_FAILED, "5.1.1", "550 There is no mailbox with this address here");
		break;
	case ERR_DENIED:
		settle(r, QUEUE_FAILED, "5.7.2", "550 The sender may not write to this group");
		break;
	case ERR_CONFLICT:
		settle(r, QUEUE_FAILED, "5.4.6", "554 This message goes in circles");
		break;
	case ERR_TOO_BIG:
		settle(r, QUEUE_FAILED, "5.2.3", "552 The message is too large for this recipient");
		break;
	case ERR_INVALID:
		settle(r, QUEUE_FAILED, "5.1.3", "553 This is no address");
		break;
	case ERR_QUOTA:
		settle(r, QUEUE_DELAYED, "4.2.2", "452 The mailbox is full");
		break;
	default:
		settle(r, QUEUE_DELAYED, "4.3.0", "451 A fault of this server; it tries again");
	}
}

/* ---- groups ---- */

static int to_group(struct delivery *d, const struct directory_target *t)
{
	const struct queue_envelope *e = &d->j->envelope;
	struct group_mail m = { .message = d->message, .envelope = *e };
	int code = 0;

	/* asked in the dialogue already, where there was one; a notice (from nobody) comes from ourselves */
	if (t->role == DIRECTORY_GROUP)
		code = directory_group_may_send(d->env->groups.directory, t->address, e->sender, e->user);
	return code ? code : group_deliver(&d->env->groups, t, &m, NULL);
}

/* ---- aliases ---- */

static struct str domain_of(struct str address) { return str_from(address, str_rchr(address, '@') + 1); }

static bool passed_here_before(struct str message, struct str alias)
{
	struct mime_header_walk w = mime_header_walk(message);
	struct mime_header_field f;

	while (mime_header_next(&w, &f))
		if (str_ieq(f.name, STR("Delivered-To")) && str_ieq(str_trim(f.body), alias))
			return true;
	return false;
}

static struct srs scheme(const struct delivery *d, struct str address)
{
	return (struct srs){ .domain = domain_of(address), .key = directory_address_key(d->env->groups.directory), .mac = crypto_hmac_sha1 };
}

/* RFC 7208 10.3: what leaves here has a sender here. A sender that cannot be rewritten stays. */
static struct str forward_sender(struct delivery *d, struct str alias)
{
	struct directory *directory = d->env->groups.directory;
	struct str sender = d->j->envelope.sender;
	struct srs srs = scheme(d, alias);
	struct buf b = BUF_INIT(0);

	if (d->env->srs && sender.n && !directory_domain_is_local(directory, domain_of(sender)) && srs_forward(&srs, sender, clock_now(), &b) == 0)
		sender = arena_dup(&d->arena, buf_str(&b));
	buf_fini(&b);
	return sender;
}

/* RFC 3461 5.2.7.2: an alias for one passes everything on; 5.2.7.3 (c): an alias for many tells success itself. */
static unsigned notify_behind_alias(unsigned notify, size_t n)
{
	unsigned rest = notify & ~(unsigned)QUEUE_NOTIFY_SUCCESS;

	if (n == 1 || !(notify & QUEUE_NOTIFY_SUCCESS))
		return notify;
	return rest ? rest : QUEUE_NOTIFY_NEVER;
}

/* What is behind an alias becomes a message of its own, so that each of its targets has its own fate. */
static int to_alias(struct delivery *d, const struct queue_recipient *r, const struct directory_target *targets, size_t n)
{
	struct queue_recipient *entries = group_recipients(&d->arena, targets, n, notify_behind_alias(r->notify, n));
	struct str orcpt = r->orcpt.n ? r->orcpt : arena_printf(&d->arena, "rfc822;%.*s", STR_ARG(r->address));
	struct str pieces[] = { arena_printf(&d->arena, "Delivered-To: %.*s\r\n", STR_ARG(r->address)), d->message };
	struct queue_submission s = { .envelope = d->j->envelope, .pieces = pieces, .n_pieces = 2, .recipients = entries, .n_recipients = n };
	uint64_t id;

	if (passed_here_before(d->message, r->address))
		return ERR_CONFLICT;
	s.envelope.sender = forward_sender(d, r->address);
	s.envelope.flags &= ~(unsigned)QUEUE_VERP;
	s.envelope.expires = d->j->expires;
	for (size_t i = 0; entries && i < n; i++)
		entries[i].orcpt = orcpt;
	return d->arena.failed || !entries ? ERR_NO_MEMORY : queue_submit(d->env->groups.queue, &s, &id, NULL);
}

/* A notice of ours goes to such a sender: on to whom it stands for. What others send to it is turned back in the dialogue. */
static int resolve_rewritten(struct delivery *d, struct str address, struct directory_target **out)
{
	struct srs srs = scheme(d, address);
	struct buf b = BUF_INIT(0);
	int code = srs_reverse(&srs, address, clock_now(), &b) ? ERR_NOT_FOUND : 0;

	*out = code ? NULL : arena_new(&d->arena, struct directory_target);
	if (*out)
		**out = (struct directory_target){ .address = arena_dup(&d->arena, buf_str(&b)) };
	if (code == 0 && (b.failed || d->arena.failed))
		code = ERR_NO_MEMORY;
	buf_fini(&b);
	return code;
}

/* ---- one recipient, and all accounts ---- */

static void deliver_one(struct delivery *d, size_t number)
{
	struct queue_job_recipient *r = &d->j->recipients[number];
	struct directory_target *t;
	size_t n;
	int code = directory_resolve(d->env->groups.directory, &d->arena, r->r.address, &t, &n);

	if (code == ERR_DENIED)
		code = ERR_NOT_FOUND;                  /* the domain is not ours any more */
	else if (code == ERR_NOT_FOUND && (code = resolve_rewritten(d, r->r.address, &t)) == 0)
		n = 1;
	if (code == 0 && n == 1 && t->account) {
		d->accounts[d->n_accounts] = (struct deliver_recipient){ .account = t->account, .detail = t->detail };
		d->whose[d->n_accounts++] = number;
		return;
	}
	bool group = code == 0 && n == 1 && t->role != DIRECTORY_MAIL;
	if (code == 0)
		code = group ? to_group(d, t) : to_alias(d, &r->r, t, n);
	if (code)
		settle_error(r, code);
	else if (group)
		settle(r, QUEUE_DELIVERED, "2.1.5", "250 Delivered to the group");
	else
		settle(r, n == 1 ? QUEUE_RELAYED : QUEUE_EXPANDED, "2.1.5", "250 Sent on");
	r->result.dsn_passed_on = code == 0 && !group && n == 1;
}

static void deliver_accounts(struct delivery *d)
{
	const struct queue_envelope *e = &d->j->envelope;
	struct buf whole = BUF_INIT(0);

	if (d->n_accounts == 0)
		return;
	buf_printf(&whole, "Return-Path: <%.*s>\r\n", STR_ARG(e->sender));
	buf_add_str(&whole, d->message);
	int code = whole.failed ? ERR_NO_MEMORY : 0;
	if (code == 0)
		deliver_message_into(d->env->model, e->flags & QUEUE_JUNK ? STR("Junk") : STR_NONE, buf_str(&whole), clock_now(), d->accounts, d->n_accounts, NULL);
	for (size_t i = 0; i < d->n_accounts; i++) {
		struct queue_job_recipient *r = &d->j->recipients[d->whose[i]];
		int result = code ? code : d->accounts[i].result;
		if (result)
			settle_error(r, result);
		else
			settle(r, QUEUE_DELIVERED, "2.1.5", "250 Delivered");
	}
	buf_fini(&whole);
}

void local_deliver(const struct local_env *env, struct queue_job *j)
{
	struct delivery d = { .env = env, .j = j, .arena = ARENA_INIT(0) };
	struct store_blob_view view = { .handle = NULL };
	int code = queue_job_map(env->groups.queue, j, &view);

	d.accounts = arena_array(&d.arena, j->n_recipients, sizeof *d.accounts);
	d.whose = arena_array(&d.arena, j->n_recipients, sizeof *d.whose);
	if (code == 0 && d.arena.failed)
		code = ERR_NO_MEMORY;
	d.message = code ? STR_NONE : view.bytes;
	for (size_t i = 0; i < j->n_recipients; i++)
		if (code)
			settle_error(&j->recipients[i], ERR_IO);
		else
			deliver_one(&d, i);
	if (code == 0)
		deliver_accounts(&d);
	store_blob_unmap(env->store, &view);
	arena_fini(&d.arena);
}
