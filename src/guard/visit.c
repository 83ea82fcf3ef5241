/* The decisions of a visit, stage by stage. */
#include "guard/inside.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "guard/helo.h"

#define HOUR_S 3600
#define DAY_S 86400

void guard_refuse(struct guard_verdict *out, unsigned code, const char *enhanced, const char *format, ...)
{
	va_list ap;

	out->decision = GUARD_REFUSE;
	out->code = code;
	out->enhanced = enhanced;
	va_start(ap, format);
	vsnprintf(out->text, sizeof out->text, format, ap);
	va_end(ap);
	for (char *p = out->text; *p; p++)
		if (!ascii_is_print(*p))
			*p = '?';
	if (!out->reason[0])
		str_copy_c(out->reason, sizeof out->reason, str_from_c(out->text));
}

/* False: nothing is asked. An exempt network is asked only what its users send: webmail lets everybody in from loopback. */
static bool begin(const struct guard_visit *v, struct str user, struct guard_verdict *out)
{
	*out = (struct guard_verdict){ .decision = GUARD_PASS, .delay_ms = v ? v->delay_ms : 0 };
	return v && (user.n || !v->exempt);
}

/* ---- counts ---- */

static uint32_t count_network(const struct guard_visit *v, enum guard_key k, uint32_t add)
{
	return rate_count(v->guard->networks, guard_hash_network(v->guard, k, &v->network), HOUR_S, clock_now(), add);
}

static uint64_t domain_key(const struct guard_visit *v, struct str sender)
{
	struct buf domain = BUF_INIT(1024);

	for (size_t i = str_rchr(sender, '@') + 1; i < sender.n; i++)
		buf_add_char(&domain, (char)ascii_lower(sender.p[i]));
	uint64_t hash = guard_hash(v->guard, KEY_DOMAIN, buf_str(&domain), STR_NONE, STR_NONE);
	buf_fini(&domain);
	return hash;
}

/* ---- limits ---- */

/* Of messages and recipients. */
struct limit {
	struct ledger *ledger;
	uint64_t key;
	uint32_t window_s;
	unsigned most;               /* 0: none */
};

static struct limit limit_of_network(const struct guard_visit *v, enum guard_key k, unsigned most)
{
	return (struct limit){ v->guard->networks, guard_hash_network(v->guard, k, &v->network), HOUR_S, most };
}

static struct limit limit_of_domain(const struct guard_visit *v, struct str sender)
{
	return (struct limit){ v->guard->networks, domain_key(v, sender), HOUR_S, sender.n ? v->snapshot->c.domain_messages_per_hour : 0 };
}

static struct limit limit_of_user(const struct guard_visit *v, struct str user, enum guard_key k, uint32_t window_s, unsigned most)
{
	return (struct limit){ v->guard->users, guard_hash(v->guard, k, user, STR_NONE, STR_NONE), window_s, most };
}

/* The first of two that leaves no room, or NULL. Counts only what is let through, by both, so that who tries on does not shut himself out for
 * longer; take false: only looks, which promises nothing: what comes at once sees the same room. */
static const struct limit *find_full(const struct limit both[static 2], bool take)
{
	int64_t now = clock_now();

	for (unsigned i = 0; i < 2; i++) {
		const struct limit *l = &both[i];
		if (!l->most)
			continue;
		if (take ? rate_take(l->ledger, l->key, l->window_s, now, l->most) : rate_count(l->ledger, l->key, l->window_s, now, 0) < l->most)
			continue;
		if (take && i == 1 && both[0].most)
			rate_give_back(both[0].ledger, both[0].key, both[0].window_s, now);
		return l;
	}
	return NULL;
}

/* True: refused. */
static bool user_is_over(const struct guard_visit *v, const struct limit both[static 2], bool take, const char *what, struct guard_verdict *out)
{
	const struct limit *full = find_full(both, take);

	if (!full)
		return false;
	atomic_fetch_add(&v->guard->rated, 1);
	guard_refuse(out, 450, "4.7.1", "You have sent to the limit of %u %s %s, try again later", full->most, what, full->window_s == HOUR_S ? "an hour" : "a day");
	return true;
}

/* One more message. True: refused. */
static bool is_over(const struct guard_visit *v, struct str sender, struct str user, bool take, struct guard_verdict *out)
{
	const struct guard_config *c = &v->snapshot->c;

	if (user.n)
		return user_is_over(v, (struct limit[]){ limit_of_user(v, user, KEY_USER_MESSAGE_HOUR, HOUR_S, c->user_messages_per_hour),
												 limit_of_user(v, user, KEY_USER_MESSAGE_DAY, DAY_S, c->user_messages_per_day) }, take, "messages", out);
	const struct limit both[] = { limit_of_network(v, KEY_MESSAGE, c->messages_per_hour), limit_of_domain(v, sender) };
	const struct limit *full = find_full(both, take);
	if (!full)
		return false;
	atomic_fetch_add(&v->guard->rated, 1);
	guard_refuse(out, 450, "4.7.1", "Too many messages from %s, try again later", full == both ? "your network" : "this sender's domain");
	return true;
}

/* ---- HELO and MAIL ---- */

void guard_helo(struct guard_visit *v, struct str name, struct guard_verdict *out)
{
	if (!begin(v, STR_NONE, out) || !v->snapshot->c.helo)
		return;
	/* the newest name counts: EHLO comes again after STARTTLS */
	v->points -= v->helo_points;
	v->helo_points = helo_points(name, v->snapshot->c.hostname, &v->helo_why);
	v->points += v->helo_points;
}

void guard_mail(struct guard_visit *v, struct str sender, struct str user, struct guard_verdict *out)
{
	if (begin(v, user, out))
		is_over(v, sender, user, false, out);
}

/* ---- recipients ---- */

/* RFC 5321 4.5.1, RFC 2142 section 2 and 4: who is refused must be able to ask why. */
static bool is_always_reached(struct str address)
{
	struct str local, domain;

	str_cut(address, '@', &local, &domain);
	return str_ieq(local, STR("postmaster")) || str_ieq(local, STR("abuse"));
}

static void ask_lists(struct guard_visit *v)
{
	const struct guard_config *c = &v->snapshot->c;
	struct arena a = ARENA_INIT(DNSBL_MEMORY_MAX);
	struct dnsbl_verdict d;

	if (v->asked || v->snapshot->n_zones == 0)
		return;
	v->asked = true;
	int missing = (int)c->reject_points - v->points;
	dnsbl_ask(v->guard->dns, &a, v->snapshot->zones, v->snapshot->n_zones, &v->peer, c->dnsbl_limit_ms, c->reject_points && missing > 0 ? missing : 0, &d);
	v->points += d.points;
	if (d.zone.n) {
		atomic_fetch_add(&v->guard->listed, 1);
		snprintf(v->listed, sizeof v->listed, "%.*s%s%.*s", STR_ARG(d.zone), d.text.n ? ": " : "", STR_ARG(d.text));
	}
	arena_fini(&a);
}

/* A network that has asked for many unknown recipients, and known few: slower, then not at all. True: refused. */
static bool is_prober(struct guard_visit *v, struct guard_verdict *out)
{
	const struct guard_config *c = &v->snapshot->c;
	unsigned least = c->unknown_slow && (!c->unknown_max || c->unknown_slow < c->unknown_max) ? c->unknown_slow : c->unknown_max;
	uint32_t unknown = least ? count_network(v, KEY_UNKNOWN, 0) : 0;

	if (!least || unknown < least || unknown <= PROBE_RATIO * (uint64_t)count_network(v, KEY_KNOWN, 0))
		return false;
	if (c->unknown_slow && unknown >= c->unknown_slow && out->delay_ms < c->tarpit_ms)
		out->delay_ms = c->tarpit_ms;
	if (!c->unknown_max || unknown < c->unknown_max)
		return false;
	atomic_fetch_add(&v->guard->probed, 1);
	snprintf(out->reason, sizeof out->reason, "%u unknown recipients from its network in an hour", (unsigned)unknown);
	guard_refuse(out, 421, "4.7.1", "Too many unknown recipients from your network, try again later");
	return true;
}

static uint32_t ask_greylist(const struct guard_visit *v, const struct guard_recipient *r)
{
	const struct guard *g = v->guard;
	struct buf sender = BUF_INIT(1024), address = BUF_INIT(1024);

	greylist_sender(r->sender, &sender);
	for (size_t i = 0; i < r->address.n; i++)
		buf_add_char(&address, (char)ascii_lower(r->address.p[i]));
	uint64_t triplet = guard_hash(g, KEY_TRIPLET, str_make(v->network.b, sizeof v->network.b), buf_str(&sender), buf_str(&address));
	buf_fini(&sender);
	buf_fini(&address);
	return greylist_ask(g->greylist, &v->snapshot->times, guard_hash_network(g, KEY_NETWORK, &v->network), triplet, clock_now());
}

/* True: refused for now. */
static bool is_greylisted(const struct guard_visit *v, const struct guard_recipient *r, struct guard_verdict *out)
{
	const struct guard_config *c = &v->snapshot->c;

	if (!c->greylist || v->points < (int)c->greylist_points)
		return false;
	uint32_t wait = ask_greylist(v, r);
	if (wait == 0 || (!c->greylist_spf && r->spf_passes && r->spf_passes(r->ctx)))
		return false;
	atomic_fetch_add(&v->guard->greylisted, 1);
	guard_refuse(out, 451, "4.7.1", "Greylisted, come again in %u seconds", (unsigned)wait);
	return true;
}

/* By points: late answers, or a refusal. True: refused. */
static bool is_bad(struct guard_visit *v, struct guard_verdict *out)
{
	const struct guard_config *c = &v->snapshot->c;

	ask_lists(v);
	if (c->tarpit_points && v->points >= (int)c->tarpit_points)
		v->delay_ms = c->tarpit_ms;
	if (out->delay_ms < v->delay_ms)
		out->delay_ms = v->delay_ms;
	if (!c->reject_points || v->points < (int)c->reject_points)
		return false;
	const char *why = v->listed[0] ? v->listed : v->helo_why ? v->helo_why : "its reputation";
	snprintf(out->reason, sizeof out->reason, "%d points, %s", v->points, why);
	guard_refuse(out, 550, "5.7.1", "Refused because of %s", why);
	return true;
}

static void check_stranger(struct guard_visit *v, const struct guard_recipient *r, struct guard_verdict *out)
{
	const struct guard_config *c = &v->snapshot->c;
	const struct limit both[2] = { limit_of_network(v, KEY_RECIPIENT, c->recipients_per_hour) };

	if (is_always_reached(r->address)) {
		if (c->recipients_per_hour)
			count_network(v, KEY_RECIPIENT, 1);
	} else if (is_prober(v, out) || is_bad(v, out) || is_greylisted(v, r, out)) {
		return;
	} else if (find_full(both, true)) {
		atomic_fetch_add(&v->guard->rated, 1);
		guard_refuse(out, 450, "4.7.1", "Too many recipients from your network, try again later");
		return;
	}
	if (c->unknown_slow || c->unknown_max)
		count_network(v, KEY_KNOWN, 1);
}

void guard_rcpt(struct guard_visit *v, const struct guard_recipient *r, struct guard_verdict *out)
{
	if (!begin(v, r->user, out))
		return;
	const struct guard_config *c = &v->snapshot->c;
	if (r->user.n)
		user_is_over(v, (struct limit[]){ limit_of_user(v, r->user, KEY_USER_RECIPIENT_HOUR, HOUR_S, c->user_recipients_per_hour),
										  limit_of_user(v, r->user, KEY_USER_RECIPIENT_DAY, DAY_S, c->user_recipients_per_day) }, true, "recipients", out);
	else
		check_stranger(v, r, out);
}

void guard_unknown_rcpt(struct guard_visit *v, struct guard_verdict *out)
{
	if (!begin(v, STR_NONE, out))
		return;
	const struct guard_config *c = &v->snapshot->c;
	if (!c->unknown_slow && !c->unknown_max)
		return;
	count_network(v, KEY_UNKNOWN, 1);
	is_prober(v, out);
}

/* ---- the message ---- */

void guard_message(struct guard_visit *v, struct str sender, struct str user, struct guard_verdict *out)
{
	if (!begin(v, user, out))
		return;
	const struct guard_config *c = &v->snapshot->c;
	/* others may have come in since MAIL was asked: by as many connections as one has, a limit would be passed by as many messages */
	if (is_over(v, sender, user, true, out) || user.n)
		return;
	if (c->junk_points && v->points >= (int)c->junk_points) {
		out->decision = GUARD_JUNK;
		snprintf(out->reason, sizeof out->reason, "%d points%s%s", v->points, v->listed[0] ? ", " : "", v->listed);
	}
}

int guard_points(const struct guard_visit *v) { return v ? v->points : 0; }
