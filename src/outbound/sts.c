#include "outbound/sts.h"

#include "base/map.h"
#include "outbound/limits.h"
#include "outbound/sts_record.h"
#include "rt/fetch.h"
#include "rt/log.h"

#include <pthread.h>

#define WEEK_S ((int64_t)7 * 86400)
#define REFRESH_USED_S ((int64_t)30 * 86400)   /* a policy that nobody needed for so long is left to expire */
#define REFRESH_BATCH 200             /* policies looked after in one round */

struct sts {
	struct store *store;
	pthread_mutex_t lock;             /* the two maps; never held on the network or in the store */
	pthread_cond_t fetched;
	struct map *busy;                 /* domain -> anything: somebody fetches its policy */
	struct map *failed;               /* domain -> struct failure */
};
struct failure {
	int64_t when;
	char id[STS_ID_MAX + 1];
};

static const struct store_scope scope = { STORE_SYSTEM, 0 };

int sts_create(struct store *s, struct sts **out)
{
	struct sts *sts = calloc(1, sizeof *sts);

	*out = NULL;
	if (!sts)
		return ERR_NO_MEMORY;
	sts->store = s;
	pthread_mutex_init(&sts->lock, NULL);
	pthread_cond_init(&sts->fetched, NULL);
	int r = map_create(&sts->busy);
	if (r == 0)
		r = map_create(&sts->failed);
	if (r)
		sts_destroy(&sts);
	*out = sts;
	return r;
}

static void forget_failures(struct sts *s)
{
	struct str key;
	void *value;

	for (size_t at = 0; s->failed && map_next(s->failed, &at, &key, &value);) {
		map_remove(s->failed, key);
		free(value);
	}
}

void sts_destroy(struct sts **s)
{
	if (!*s)
		return;
	forget_failures(*s);
	map_destroy(&(*s)->busy);
	map_destroy(&(*s)->failed);
	pthread_mutex_destroy(&(*s)->lock);
	pthread_cond_destroy(&(*s)->fetched);
	free(*s);
	*s = NULL;
}

/* ---- what is kept ---- */

struct change {
	struct str key, value;            /* an empty value: delete */
};

static int write_change(struct store_write *w, void *arg)
{
	const struct change *c = arg;
	return c->value.n ? store_put(w, c->key, c->value) : store_del(w, c->key);
}

static struct str domain_key(struct arena *a, struct str domain)
{
	return arena_printf(a, "%.*s%.*s", STR_ARG(STS_KEY_PREFIX), STR_ARG(domain));
}

/* A failure costs a fetch next time, nothing else. */
static void keep(struct sts *s, struct arena *a, struct str domain, const struct sts_record *r)
{
	struct buf value = BUF_INIT(0);
	struct change c = { .key = domain_key(a, domain) };

	if (r)
		sts_record_encode(r, &value);
	c.value = buf_str(&value);
	int code = value.failed || !c.key.p ? ERR_NO_MEMORY : store_commit(s->store, scope, write_change, &c);
	if (code)
		log_event(LOG_WARN, "outbound.sts-not-kept", LOG_LIST(LOG_S("domain", domain), LOG_C("error", err_text(code))));
	buf_fini(&value);
}

/* Copies into the arena. False: there is none (or it cannot be read now, which comes to the same). */
static bool load(struct sts *s, struct arena *a, struct str domain, struct sts_record *out)
{
	struct store_read *r;
	struct str key = domain_key(a, domain), value;
	bool found = false;

	for (int tries = 0; key.p && tries < 3; tries++) {
		if (store_begin(s->store, scope, &r))
			return false;
		int code = store_get(r, key, &value);
		if (code == 0) {
			value = arena_dup(a, value);
			found = sts_record_decode(value, out);
		}
		store_end(&r);
		if (code != ERR_RETRY)
			break;
	}
	return found;
}

/* ---- asking ---- */

/* RFC 8461 3.1: exactly one record that is one, or none counts. */
static struct str published_id(const struct sts_question *q, struct arena *a, struct str domain)
{
	struct str name = arena_printf(a, "_mta-sts.%.*s", STR_ARG(domain)), id = STR_NONE, one;
	struct dns_answer answer;
	unsigned n = 0;
	bool is_sts;

	if (!name.p || dns_query(q->dns, a, name, DNS_TXT, &answer) || answer.status != DNS_OK)
		return STR_NONE;
	for (size_t i = 0; i < answer.n; i++) {
		if (sts_record_parse(answer.records[i].text, &one, &is_sts))
			id = one;
		n += is_sts;
	}
	return n == 1 ? id : STR_NONE;
}

/* "mta-sts.example.org:443:192.0.2.1,[2001:db8::1]": the fetch sees the same DNS as everything else. */
static const char *resolve_host(const struct sts_question *q, struct arena *a, struct str host)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA };
	struct str list = STR("");
	struct dns_answer answer;
	char ip[NET_TEXT_MAX];

	for (size_t t = 0; t < 2; t++) {
		if (dns_query(q->dns, a, host, types[t], &answer) || answer.status != DNS_OK)
			continue;
		for (size_t i = 0; i < answer.n && i < 4; i++) {
			bool four = net_addr_is_v4(&answer.records[i].addr);
			net_addr_format(&answer.records[i].addr, ip);
			list = arena_printf(a, "%.*s%s%s%s%s", STR_ARG(list), list.n ? "," : "", four ? "" : "[", ip, four ? "" : "]");
		}
	}
	return list.n ? arena_printf(a, "%.*s:443:%.*s", STR_ARG(host), STR_ARG(list)).p : NULL;
}

/* NULL when text_out is a policy that can be understood; else why not. */
static const char *fetch_policy(const struct sts_question *q, struct arena *a, struct str domain, struct str *text_out)
{
	struct str host = arena_printf(a, "mta-sts.%.*s", STR_ARG(domain)), url = arena_printf(a, "https://%.*s/.well-known/mta-sts.txt", STR_ARG(host));
	struct fetch_request request = { .url = url.p, .ca_file = q->ca_file, .timeout_ms = STS_FETCH_MS, .max = STS_POLICY_MAX, .resolve = resolve_host(q, a, host) };
	struct fetch_answer answer = { 0 };
	struct sts_policy policy;
	const char *wrong;

	if (a->failed)
		return "no memory";
	if (!request.resolve)
		return "its host has no address";
	int r = fetch(&request, &answer, NULL);
	/* RFC 8461 3.3: 200 and nothing else; 3.2: text/plain. */
	if (r)
		wrong = err_text(r);
	else if (answer.status != 200)
		wrong = "the answer is not 200";
	else if (!str_istarts(str_trim(fetch_header_of(&answer, STR("Content-Type"))), STR("text/plain")))
		wrong = "the answer is not text/plain";
	else if (!(*text_out = arena_dup(a, buf_str(&answer.body))).p)
		wrong = "an empty policy";
	else
		wrong = sts_policy_parse(*text_out, a, &policy);
	fetch_answer_fini(&answer);
	return wrong;
}

/* ---- one fetch at a time for a domain, and not again right after a failure ---- */

/* True: the caller fetches, and calls end_fetch. False: another thread just did (look again), or it failed a short while ago. */
static bool begin_fetch(struct sts *s, struct str domain, struct str id, int64_t now)
{
	bool waited = false, mine = false;

	pthread_mutex_lock(&s->lock);
	while (map_get(s->busy, domain)) {
		waited = true;
		pthread_cond_wait(&s->fetched, &s->lock);
	}
	const struct failure *f = map_get(s->failed, domain);
	if (!waited && !(f && str_eq(str_from_c(f->id), id) && now - f->when < STS_FETCH_AGAIN_S))
		mine = map_put(s->busy, domain, s) == 0;
	pthread_mutex_unlock(&s->lock);
	return mine;
}

static void end_fetch(struct sts *s, struct str domain, struct str id, int64_t now, bool ok)
{
	struct failure *f = ok ? NULL : calloc(1, sizeof *f);

	if (f) {
		f->when = now;
		str_copy_c(f->id, sizeof f->id, id);
	}
	pthread_mutex_lock(&s->lock);
	map_remove(s->busy, domain);
	free(map_remove(s->failed, domain));
	if (map_count(s->failed) >= STS_FAILURES_MAX)
		forget_failures(s);
	if (f && map_put(s->failed, domain, f))
		free(f);
	pthread_cond_broadcast(&s->fetched);
	pthread_mutex_unlock(&s->lock);
}

static void fetch_once(struct sts *s, const struct sts_question *q, struct arena *a, struct str domain, struct str id, bool had_one)
{
	struct sts_record fresh = { .fetched = q->now, .used = q->now, .id = id };

	if (!begin_fetch(s, domain, id, q->now))
		return;
	const char *wrong = fetch_policy(q, a, domain, &fresh.text);
	if (!wrong)
		keep(s, a, domain, &fresh);
	else
		log_event(had_one ? LOG_WARN : LOG_NOTICE, "outbound.sts-not-fetched", LOG_LIST(LOG_S("domain", domain), LOG_C("why", wrong)));
	end_fetch(s, domain, id, q->now, !wrong);
}

/* ---- the answer ---- */

static bool understand(struct arena *a, const struct sts_record *r, struct sts_policy *out) { return !sts_policy_parse(r->text, a, out); }

static bool is_good(const struct sts_record *r, const struct sts_policy *p, int64_t now)
{
	/* A clock that went back must not keep a policy for ever. */
	return now <= r->fetched + (int64_t)p->max_age && now >= r->fetched - STS_REFRESH_S;
}

static int split_lines(struct arena *a, struct str text, struct sts_answer *out)
{
	struct str *lines = arena_array(a, text.n / 2 + 2, sizeof *lines), line;

	while (lines && text.n) {
		str_cut(text, '\n', &line, &text);
		if (str_trim(line).n)
			lines[out->n_lines++] = str_trim(line);
	}
	out->lines = lines;
	return lines ? 0 : ERR_NO_MEMORY;
}

int sts_find(struct sts *s, const struct sts_question *q, struct arena *a, struct str domain, struct sts_answer *out)
{
	struct sts_record r;
	struct sts_policy policy;

	*out = (struct sts_answer){ 0 };
	bool good = load(s, a, domain, &r) && understand(a, &r, &policy) && is_good(&r, &policy, q->now);
	struct str id = published_id(q, a, domain);
	if (id.n && (!good || !str_eq(id, r.id) || q->now - r.fetched > STS_REFRESH_S)) {
		fetch_once(s, q, a, domain, id, good && policy.mode != STS_NONE);
		good = load(s, a, domain, &r) && understand(a, &r, &policy) && is_good(&r, &policy, q->now);
	}
	if (a->failed)
		return ERR_NO_MEMORY;
	if (!good)
		return 0;
	if (q->now - r.used > WEEK_S) {
		r.used = q->now;
		keep(s, a, domain, &r);
	}
	out->found = true;
	out->policy = policy;
	return split_lines(a, r.text, out);
}

/* ---- looking after what is kept ---- */

struct due {
	struct str domain;
	bool over;
};

static size_t find_due(struct sts *s, struct arena *a, int64_t now, struct due *due)
{
	struct store_read *read;
	struct store_iter *it;
	struct str key, value;
	size_t n = 0;

	if (store_begin(s->store, scope, &read))
		return 0;
	if (store_range(read, STS_KEY_PREFIX, STR("Ot"), false, &it) == 0) {
		while (n < REFRESH_BATCH && store_next(it, &key, &value) == 1) {
			struct sts_record r;
			struct sts_policy p;
			struct arena scratch = ARENA_INIT(0);
			bool readable = sts_record_decode(value, &r) && understand(&scratch, &r, &p), good = readable && is_good(&r, &p, now);
			if (!good || (now - r.fetched > STS_REFRESH_S && now - r.used < REFRESH_USED_S))
				due[n++] = (struct due){ arena_dup(a, str_from(key, 2)), !good };
			arena_fini(&scratch);
		}
		store_iter_end(&it);
	}
	store_end(&read);
	return n;
}

void sts_refresh(struct sts *s, const struct sts_question *q, const _Atomic bool *stop)
{
	struct arena a = ARENA_INIT(0);
	struct due *due = arena_array(&a, REFRESH_BATCH, sizeof *due);
	size_t n = due ? find_due(s, &a, q->now, due) : 0;

	for (size_t i = 0; i < n && !*stop; i++) {
		struct arena scratch = ARENA_INIT(0);
		struct str id = due[i].over ? STR_NONE : published_id(q, &scratch, due[i].domain);
		if (due[i].over)
			keep(s, &scratch, due[i].domain, NULL);
		else if (id.n)
			fetch_once(s, q, &scratch, due[i].domain, id, true);
		arena_fini(&scratch);
	}
	arena_fini(&a);
}
