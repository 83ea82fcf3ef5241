#include "app/signing.h"

#include "mailauth/dkim_record.h"
#include "rt/log.h"

#define DAY ((int64_t)86400)

/* The keys of one domain, and what becomes of them. */
struct rotation {
	struct directory *directory;
	const struct dns_source *dns;
	struct str domain;
	const struct signing_key *keys;
	size_t n;
	int64_t now;
	unsigned days;
	struct signing_change changes[SIGNING_KEYS_MAX];
	size_t n_changes;
};

static void change(struct rotation *r, const struct signing_key *k, enum signing_state state)
{
	int64_t until = state == SIGNING_RETIRED ? r->now + SIGNING_RETIRED_DAYS * DAY : 0;
	if (r->n_changes < SIGNING_KEYS_MAX)
		r->changes[r->n_changes++] = (struct signing_change){ k->domain, k->selector, state, until };
}

static int commit(struct rotation *r)
{
	static const char *const events[] = {
		[SIGNING_DELETED] = "dkim.deleted", [SIGNING_ACTIVE] = "dkim.active", [SIGNING_RETIRED] = "dkim.retired" };
	struct err e = { 0 };
	int code = r->n_changes > 0 ? directory_signing_change(r->directory, r->changes, r->n_changes, r->now, &e) : 0;
	if (code != 0)
		log_event(LOG_ERROR, "dkim.rotate-failed", LOG_LIST(LOG_S("domain", r->domain), LOG_C("error", e.log)));
	for (size_t i = 0; code == 0 && i < r->n_changes; i++)
		log_event(LOG_NOTICE, events[r->changes[i].state], LOG_LIST(LOG_S("domain", r->domain), LOG_S("selector", r->changes[i].selector)));
	return code;
}

/* ---- what DNS says ---- */

static enum dkim_algorithm algorithm_of(const struct signing_key *k)
{
	return k->algorithm == SIGNING_RSA ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
}

static bool same_key(struct str record, struct str ours, enum dkim_algorithm algorithm)
{
	struct dkim_record ignored;
	struct buf a = BUF_INIT(0), b = BUF_INIT(0);
	bool same = !dkim_record_parse(record, algorithm, &ignored, &a) && !dkim_record_parse(ours, algorithm, &ignored, &b) &&
				str_eq(buf_str(&a), buf_str(&b));
	buf_fini(&a);
	buf_fini(&b);
	return same;
}

/* Signing with a key that nobody can find would spoil all mail. */
static bool is_published(const struct rotation *r, const struct signing_key *k)
{
	struct arena a = ARENA_INIT(0);
	struct buf record = BUF_INIT(0);
	struct dns_answer answer = { 0 };
	struct str name = arena_printf(&a, "%.*s._domainkey.%.*s", STR_ARG(k->selector), STR_ARG(k->domain));
	bool found = false;
	if (signing_record(k, &record) == 0 && dns_query(r->dns, &a, name, DNS_TXT, &answer) == 0 && answer.status == DNS_OK)
		for (size_t i = 0; i < answer.n && !found; i++)
			found = same_key(answer.records[i].text, buf_str(&record), algorithm_of(k));
	if (!found)
		log_event(LOG_WARN, "dkim.not-published",
				  LOG_LIST(LOG_S("name", name), LOG_C("means", "the new key cannot sign yet"), LOG_C("cure", "publish what `troika dkim show` prints")));
	buf_fini(&record);
	arena_fini(&a);
	return found;
}

/* ---- one step ---- */

/* The one of this algorithm that came into this state first (or last). */
static const struct signing_key *find(const struct rotation *r, enum signing_algorithm algorithm, enum signing_state state, bool last)
{
	const struct signing_key *best = NULL;
	for (size_t i = 0; i < r->n; i++) {
		const struct signing_key *k = &r->keys[i];
		if (k->algorithm == algorithm && k->state == state && (!best || (last ? k->changed > best->changed : k->changed < best->changed)))
			best = k;
	}
	return best;
}

static void succeed(struct rotation *r, const struct signing_key *pending)
{
	if (r->now - pending->changed < SIGNING_PUBLISH_DAYS * DAY || !is_published(r, pending))
		return;
	change(r, pending, SIGNING_ACTIVE);
	for (size_t i = 0; i < r->n; i++)
		if (r->keys[i].algorithm == pending->algorithm && r->keys[i].state == SIGNING_ACTIVE)
			change(r, &r->keys[i], SIGNING_RETIRED);
}

static int rotate_algorithm(struct rotation *r, enum signing_algorithm algorithm)
{
	const struct signing_key *pending = find(r, algorithm, SIGNING_PENDING, false), *active = find(r, algorithm, SIGNING_ACTIVE, true);
	struct err e = { 0 };
	if (pending)
		succeed(r, pending);
	if (pending || !active || r->now - active->changed < r->days * DAY)
		return 0;
	int code = signing_make(r->directory, r->domain, algorithm == SIGNING_RSA ? SIGNING_KIND_RSA : SIGNING_KIND_ED25519, STR_NONE, SIGNING_PENDING,
							r->now, &e);
	log_event(code ? LOG_ERROR : LOG_NOTICE, "dkim.new-key",
			  LOG_LIST(LOG_S("domain", r->domain), LOG_C(code ? "error" : "todo", code ? e.log : "publish what `troika dkim show` prints")));
	return code;
}

static int rotate_domain(struct rotation *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->keys[i].state == SIGNING_RETIRED && r->now >= r->keys[i].until)
			change(r, &r->keys[i], SIGNING_DELETED);
	int rsa = rotate_algorithm(r, SIGNING_RSA), ed25519 = rotate_algorithm(r, SIGNING_ED25519), code = commit(r);
	return code ? code : rsa ? rsa : ed25519;
}

int signing_rotate_due(struct directory *d, unsigned days, const struct dns_source *dns, int64_t now)
{
	struct arena a = ARENA_INIT(0);
	struct signing_key *keys;
	size_t n, next;
	if (days == 0)
		return 0;
	int code = directory_signing_list(d, &a, STR_NONE, &keys, &n);
	for (size_t i = 0; i < n; i = next) {
		for (next = i; next < n && str_eq(keys[next].domain, keys[i].domain);)
			next++;
		struct rotation r = { .directory = d, .dns = dns, .domain = keys[i].domain, .keys = &keys[i], .n = next - i, .now = now, .days = days };
		int failed = rotate_domain(&r);
		code = failed ? failed : code;
	}
	directory_signing_wipe(keys, n);
	arena_fini(&a);
	return code;
}
