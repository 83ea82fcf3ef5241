#include "deliver/group_inside.h"

#include "base/clock.h"
#include "codec/mime/address.h"
#include "codec/mime/header.h"
#include "deliver/group_address.h"
#include "deliver/group_header.h"
#include "deliver/limits.h"
#include "mailauth/arc.h"

/* What is true of the message, whoever sends it. */
#define KEPT_FLAGS (QUEUE_UTF8 | QUEUE_8BIT | QUEUE_BINARY | QUEUE_REQUIRETLS | QUEUE_TLS_OPTIONAL | QUEUE_JUNK)

/* ---- recipients ---- */

struct queue_recipient *group_recipients(struct arena *a, const struct directory_target *targets, size_t n, unsigned notify)
{
	struct queue_recipient *r = arena_array(a, n, sizeof *r);

	for (size_t i = 0; r && i < n; i++) {
		const struct directory_target *t = &targets[i];
		size_t at = str_rchr(t->address, '@');
		struct mime_address address = { .local = str_sub(t->address, 0, at), .domain = str_from(t->address, at + 1) };
		struct buf wire = BUF_INIT(0);
		mime_address_format(&address, &wire);         /* the directory's names are without quoting */
		bool same = str_eq(buf_str(&wire), t->address);
		r[i].address = same ? t->address : arena_dup(a, buf_str(&wire));
		r[i].destination = t->account || t->role != DIRECTORY_MAIL ? STR(QUEUE_LOCAL) : address.domain;
		r[i].notify = notify;
		buf_fini(&wire);
	}
	return a->failed ? NULL : r;
}

/* ---- signatures ---- */

/* Our own Authentication-Results (the first: arrival removed those of others in our name), without its name: what ARC carries on. */
static bool find_results(struct str header, struct str hostname, struct buf *out)
{
	struct mime_header_walk w = mime_header_walk(header);
	struct mime_header_field f;

	while (mime_header_next(&w, &f)) {
		if (!str_ieq(f.name, STR("Authentication-Results")))
			continue;
		buf_reset(out);
		mime_header_unfold(f.body, out);
		if (str_istarts(buf_str(out), hostname) && out->n > hostname.n && (out->p[hostname.n] == ';' || out->p[hostname.n] == ' '))
			return true;
	}
	return false;
}

static enum arc_result result_of(struct str results)
{
	if (str_ifind(results, STR("arc=pass")) != STR_NPOS)
		return ARC_PASS;
	return str_ifind(results, STR("arc=fail")) != STR_NPOS ? ARC_FAIL : ARC_NONE;
}

static unsigned count_sets(struct str header)
{
	struct mime_header_walk w = mime_header_walk(header);
	struct mime_header_field f;
	unsigned n = 0;

	while (mime_header_next(&w, &f))
		n += str_ieq(f.name, STR("ARC-Seal"));
	return n;
}

/* RFC 8617: what was true on arrival, sealed by us, since what the members get may not show it any more. */
static void seal(const struct group_env *env, struct arena *a, struct str domain, struct str header, struct str message, struct buf *out)
{
	struct dkim_signer signers[DKIM_SIGNERS_MAX];
	struct buf results = BUF_INIT(0);
	int n = env->keyring && env->keyring->signers ? env->keyring->signers(env->keyring->ctx, a, domain, signers, DKIM_SIGNERS_MAX) : 0;

	if (n > 0 && find_results(header, env->hostname, &results)) {
		enum arc_result result = result_of(buf_str(&results));
		unsigned sets = count_sets(header);
		/* there was no chain when it arrived: then arrival itself began one, for another recipient */
		if (result == ARC_NONE && sets)
			result = ARC_PASS;
		arc_seal(message, signers, result, sets, buf_str(&results), clock_now(), out, NULL);
	}
	dkim_ring_drop(signers, n);
	buf_fini(&results);
}

/* Signature and seal to go in front; nothing where there are no keys. header: as it came. */
static struct str sign(const struct group_env *env, struct arena *a, struct str group, struct str header, struct str new_header, struct str body)
{
	struct str domain = str_from(group, str_rchr(group, '@') + 1);
	struct buf whole = BUF_INIT(0), signature = BUF_INIT(0), fields = BUF_INIT(0);

	if (!env->keyring)
		return STR_NONE;
	buf_add_str(&whole, new_header);
	buf_add_lit(&whole, "\r\n");
	buf_add_str(&whole, body);
	if (!whole.failed) {
		seal(env, a, domain, header, buf_str(&whole), &fields);
		dkim_ring_sign(env->keyring, a, domain, buf_str(&whole), clock_now(), &signature);
	}
	buf_add_str(&fields, buf_str(&signature));
	struct str front = fields.n && !fields.failed ? arena_dup(a, buf_str(&fields)) : STR_NONE;
	buf_fini(&whole);
	buf_fini(&signature);
	buf_fini(&fields);
	return front;
}

/* ---- a message to the members ---- */

/* trace: octets that arrival may have put in front since the sender was told that the size is right. */
static int check(const struct group *g, const struct group_mail *m, size_t trace, struct err *e)
{
	struct str body, header = group_header_split(m->message, &body);

	if (g->settings.size_max && m->message.n > g->settings.size_max + trace)
		return err_set(e, ERR_TOO_BIG, "The message is larger than this group takes", "group %.*s: message of %zu bytes", STR_ARG(g->name), m->message.n);
	if (group_header_loops(header, g->name))
		return err_set(e, ERR_CONFLICT, "The message came through this group before", "group %.*s: mail loop", STR_ARG(g->name));
	return 0;
}

int group_check(const struct group_env *env, struct str group, const struct group_mail *m, struct err *e)
{
	struct arena a = ARENA_INIT(0);
	struct group g;
	int code = directory_group_find(env->directory, &a, group, &g);

	if (code == 0)
		code = check(&g, m, 0, e);
	arena_fini(&a);
	return code;
}

/* RFC 3461 5.2.7.1: what the sender asked of delivery ends here; the list gets the notices, of failures. RFC 8689 6: protection goes on. */
static int make_envelope(const struct group_env *env, const struct group *g, const struct group_mail *m, struct arena *a, struct queue_envelope *out)
{
	struct buf sender = BUF_INIT(0);
	int code = group_bounce_address(g->name, directory_address_key(env->directory), clock_now(), &sender);

	*out = (struct queue_envelope){
		.sender = arena_dup(a, buf_str(&sender)), .flags = (m->envelope.flags & KEPT_FLAGS) | QUEUE_RET_HDRS | (g->settings.no_verp ? 0u : QUEUE_VERP),
		.priority = m->envelope.priority, .arrived = clock_now() };
	buf_fini(&sender);
	return code ? code : a->failed ? ERR_NO_MEMORY : 0;
}

static int post(const struct group_env *env, const struct group *g, const struct group_mail *m, struct arena *a, struct err *e)
{
	struct directory_target *targets;
	struct queue_submission s = { .n_recipients = 0 };
	struct buf new_header = BUF_INIT(GROUP_HEADER_MAX);
	struct str body, header = group_header_split(m->message, &body);
	uint64_t id;
	int code = directory_group_expand(env->directory, a, g->name, &targets, &s.n_recipients);

	if (code || s.n_recipients == 0)
		return code;
	code = make_envelope(env, g, m, a, &s.envelope);
	if (code == 0)
		code = group_header_write(header, g, env->dns, a, &new_header);
	s.recipients = code ? NULL : group_recipients(a, targets, s.n_recipients, QUEUE_NOTIFY_FAILURE);
	if (code == 0 && !s.recipients)
		code = ERR_NO_MEMORY;
	if (code == 0) {
		struct str pieces[] = { sign(env, a, g->name, header, buf_str(&new_header), body), buf_str(&new_header), STR("\r\n"), body };
		s.pieces = pieces;
		s.n_pieces = sizeof pieces / sizeof *pieces;
		code = queue_submit(env->queue, &s, &id, e);
	}
	buf_fini(&new_header);
	return code;
}

int group_tell_owners(const struct group_env *env, struct str group, struct str message, unsigned flags, struct arena *a, struct err *e)
{
	size_t at = str_rchr(group, '@'), n;
	struct directory_target *targets;
	struct str owner = arena_printf(a, "%.*s-owner%.*s", STR_ARG(str_sub(group, 0, at)), STR_ARG(str_from(group, at)));
	uint64_t id;
	int code = directory_resolve(env->directory, a, owner, &targets, &n);

	if (code)
		return code == ERR_NOT_FOUND ? 0 : code;         /* nobody is there to be told */
	struct queue_submission s = { .envelope = { .arrived = clock_now(), .flags = flags & KEPT_FLAGS }, .pieces = &message, .n_pieces = 1, .n_recipients = n,
								  .recipients = group_recipients(a, targets, n, QUEUE_NOTIFY_NEVER) };
	return s.recipients ? queue_submit(env->queue, &s, &id, e) : ERR_NO_MEMORY;
}

int group_deliver(const struct group_env *env, const struct directory_target *t, const struct group_mail *m, struct err *e)
{
	struct arena a = ARENA_INIT(0);
	struct group g;
	int code;

	if (t->role == DIRECTORY_GROUP_BOUNCES) {
		code = group_take_bounce(env, t, m, &a, e);
	} else {
		code = directory_group_find(env->directory, &a, t->address, &g);
		if (code == 0)
			code = check(&g, m, GROUP_TRACE_MAX, e);
		if (code == 0)
			code = post(env, &g, m, &a, e);
	}
	arena_fini(&a);
	return code && e && !e->code ? err_set(e, code, NULL, "group %.*s: %s", STR_ARG(t->address), err_text(code)) : code;
}
