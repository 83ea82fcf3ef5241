#include "outbound/relay.h"

#include "base/clock.h"
#include "outbound/report.h"
#include "outbound/source.h"

void relay_init(struct relay *r, struct outbound *o, const struct setup *s, const struct route *route, const struct queue_job *j, struct arena *a)
{
	*r = (struct relay){ .o = o, .setup = s, .route = route, .job = j, .arena = a };
	r->domain = route->host.n ? route->host : j->destination;
}

/* ---- the hosts, once ---- */

static int find_policy_domain(struct relay *r)
{
	struct sts_question q = { .dns = &r->o->env.dns, .ca_file = r->setup->config.ca_file, .now = clock_now() };

	if (r->literal || r->route->path || r->setup->config.no_sts || r->route->kind != ROUTE_SMTP || r->route->tls != ROUTE_TLS_POLICY)
		return 0;
	return sts_find(r->o->sts, &q, r->arena, r->domain, &r->sts);
}

static int start(struct relay *r)
{
	struct net_addr addr;

	r->started = true;
	if (r->route->path)
		return 0;
	r->literal = mx_literal(r->domain, &addr) || net_addr_parse(r->domain, 0, &addr);
	if (r->literal) {
		r->addresses = (struct mx_addresses){ .addr = { addr }, .n = 1, .canonical = r->domain };
		r->resolved = true;
		return 0;
	}
	if (r->route->mx) {
		r->list = arena_new(r->arena, struct mx_list);
		if (!r->list)
			return ERR_NO_MEMORY;
		int code = mx_find(&r->o->env.dns, r->arena, r->domain, &r->setup->self, r->list, &r->trouble);
		if (code)
			return ERR_NOT_FOUND;
	}
	return find_policy_domain(r);
}

static size_t hosts_left(const struct relay *r)
{
	size_t n = r->list ? r->list->n : 1;
	return n > r->host_at ? n - r->host_at : 0;
}

static struct str current_host(const struct relay *r) { return r->list ? r->list->host[r->host_at].name : r->domain; }

static void next_host(struct relay *r)
{
	r->host_at++;
	r->address_at = 0;
	r->resolved = false;
}

/* The addresses of the host at hand. False: it has none, or it is ourselves, and r->host_at moved. */
static bool resolve(struct relay *r)
{
	struct trouble t;

	if (r->resolved)
		return true;
	int code = mx_resolve(&r->o->env.dns, r->arena, current_host(r), r->route->port, r->setup->config.ip, &r->setup->self, &r->addresses, &t);
	r->resolved = code == 0;
	if (code == 0)
		return true;
	trouble_merge(&r->trouble, &t);
	if (code == ERR_CONFLICT && r->list)
		mx_cut(r->list, r->host_at);          /* RFC 5321 5.1: ourselves and whatever is no better, perhaps tried before us */
	else
		next_host(r);
	return false;
}

/* ---- one address ---- */

static void close_opening(struct relay *r, const struct client_setup *s, const struct client_opening *o, int code)
{
	/* Refused by policy or by a handshake: the host is well. Without an answer, or with "not now", it is left alone for a while. */
	bool ill = code == ERR_CLOSED || code == ERR_TIMEOUT || code == ERR_IO;
	if (r->o->cancel || o->stage == CLIENT_HANDSHAKE)
		ill = false;
	if (o->stage == CLIENT_GREETING)
		ill = true;
	if (!s->path)
		hosts_leave(r->o->hosts, &s->peer, ill ? &o->trouble : NULL);
}

static int64_t last_tried(const struct queue_job *j)
{
	int64_t last = 0;

	for (size_t i = 0; i < j->n_recipients; i++)
		last = j->recipients[i].last_attempt > last ? j->recipients[i].last_attempt : last;
	return last;
}

/* A place among the connections to it; a session that rests there makes room. */
static int enter_host(struct relay *r, const struct net_endpoint *peer, struct trouble *t)
{
	uint64_t until = clock_mono_ms() + HOST_WAIT_MS;
	struct client *resting;
	int code;

	while ((code = hosts_enter(r->o->hosts, peer, r->setup->config.host_connections, HOST_POLL_MS, last_tried(r->job), t)) == ERR_TIMEOUT) {
		if (r->o->cancel || clock_mono_ms() >= until)
			break;
		resting = idle_take_peer(r->o->idle, peer);
		if (resting)
			outbound_close_client(r->o, &resting);
	}
	return code;
}

/* One connection to it. */
static int open_once(struct relay *r, const struct client_setup *s, const struct policy *p, struct client **out, struct client_opening *o)
{
	struct err e = { 0 };

	if (!s->path) {
		int code = enter_host(r, &s->peer, &o->trouble);
		r->reached |= code == ERR_TIMEOUT;            /* our own limit: no fault of the destination's */
		if (code)
			return code;
	}
	int code = client_open(s, out, o, &e);
	r->o->counters.connections++;
	r->o->counters.tls += o->tls_tried && o->stage != CLIENT_HANDSHAKE;
	r->o->counters.tls_failed += o->stage == CLIENT_HANDSHAKE;
	if (p && o->stage > CLIENT_EHLO)
		report_session(r->o, r->domain, current_host(r), &s->peer.addr, p, o);
	if (code)
		close_opening(r, s, o, code);
	else
		r->reached = true;
	if (code == 0 && !s->path)
		hosts_answered(r->o->hosts, &s->peer);
	r->reached |= o->stage > CLIENT_GREETING;
	return code;
}

/* RFC 7435: with nothing promised, TLS that fails is followed by TLS unverified, and that by none. */
static bool weaken(struct client_setup *s, struct policy *p, const struct client_opening *o)
{
	if (o->stage != CLIENT_HANDSHAKE || s->tls != CLIENT_TLS_TRY)
		return false;
	if (p->testing && s->tls_policy.trust == TLS_TRUST_PKIX) {
		s->tls_policy.trust = TLS_TRUST_ANY;          /* RFC 8461 5, testing */
		return true;
	}
	s->tls = CLIENT_TLS_NEVER;
	return true;
}

/* RFC 8689 4.2.1: who does not offer TLS or is not who the policy names will not be better tomorrow; the sender is told when no host is left. A refusal "for
 * now" and a connection that was lost may be. */
static bool refuses_tls(const struct client_opening *o, int code)
{
	bool not_offered = o->stage == CLIENT_STARTTLS && code == ERR_DENIED && !o->trouble.remote[0];
	return not_offered || (o->stage == CLIENT_HANDSHAKE && o->tls.failure && str_starts(str_from_c(o->tls.failure), STR("certificate-")));
}

static int open_address(struct relay *r, const struct net_addr *addr, struct policy *p, struct client **out, bool *share_out)
{
	const struct route *route = r->route;
	const struct outbound_config *config = &r->setup->config;
	struct client_opening opening = { 0 };
	struct client_setup s = { .host = route->path ? str_from_c(route->path) : current_host(r), .helo = route->helo.n ? route->helo : config->helo,
							  .lmtp = route->kind == ROUTE_LMTP, .no_chunking = route->no_chunking, .user = route->user, .password = route->password,
							  .path = route->path, .tls = p->tls, .tls_policy = p->client, .cancel = &r->o->cancel };
	bool first = true;
	int code = 0;

	if (addr) {
		s.peer = (struct net_endpoint){ *addr, route->port };
		code = source_choose(r->o, r->setup, route, addr, &s.source, &opening.trouble);
		r->reached |= code != 0;                      /* nor what our sources may send */
	}
	if (code == 0) {
		do {
			code = open_once(r, &s, first ? p : NULL, out, &opening);
			first = false;                            /* a second try tells a report nothing new */
		} while (code && !r->o->cancel && weaken(&s, p, &opening));
	}
	if (code && p->require && refuses_tls(&opening, code))
		str_copy_c(opening.trouble.status, sizeof opening.trouble.status, STR("5.7.10"));
	if (code) {
		/* A greeting of 5yz speaks for this host only (RFC 5321 3.1, 4.5.4.2), and other hosts may think otherwise: merged, not final. */
		trouble_merge(&r->trouble, &opening.trouble);
		return code;
	}
	*share_out = !p->relaxed && !(p->testing && s.tls_policy.trust != p->client.trust);
	return 0;
}

/* RFC 8689 4.2.1 (5): the server must say that it will go on as the sender wants. */
static bool meets_requiretls(struct relay *r, struct client **c, const struct policy *p)
{
	struct trouble t;

	if (!p->require || (client_is_verified(*c) && (client_ehlo(*c)->extensions & SMTP_EXT_REQUIRETLS)))
		return true;
	trouble_set(&t, "5.7.30", "REQUIRETLS support required, and %.*s does not offer it", STR_ARG(client_host(*c)));
	trouble_merge(&r->trouble, &t);
	outbound_close_client(r->o, c);
	return false;
}

static int try_address(struct relay *r, const struct net_addr *addr, struct client **out, bool *share_out)
{
	struct policy *p = arena_new(r->arena, struct policy);
	struct trouble t = { 0 };
	struct policy_question q = { .dns = &r->o->env.dns, .route = r->route, .domain = r->domain, .literal = r->literal || r->route->path, .list = r->list,
								 .host = r->route->path ? STR_NONE : current_host(r), .addresses = addr ? &r->addresses : NULL, .sts = &r->sts,
								 .no_dane = r->setup->config.no_dane || r->route->kind != ROUTE_SMTP, .flags = r->job->envelope.flags,
								 .null_sender = r->job->envelope.sender.n == 0,
								 .ca_file = r->route->ca_file ? r->route->ca_file : r->setup->config.ca_file };

	int code = p ? policy_find(&q, r->arena, p, &t) : ERR_NO_MEMORY;
	if (code == ERR_DENIED) {
		r->reached = true;                            /* not for want of an answer */
		report_refusal(r->o, r->domain, q.host, p, &t);
		trouble_merge(&r->trouble, &t);
	}
	if (code == 0)
		code = open_address(r, addr, p, out, share_out);
	if (code == 0 && !meets_requiretls(r, out, p))
		code = ERR_DENIED;
	return code;
}

/* ---- the walk ---- */

bool relay_has_more(const struct relay *r)
{
	return !r->started || (r->connects < RELAY_ADDRESSES_MAX && r->sessions < RELAY_SESSIONS_MAX && hosts_left(r) > 0 && !r->o->cancel);
}

static int next_by_path(struct relay *r, struct client **out, bool *share_out)
{
	r->host_at = 1;                                   /* there is no other */
	return try_address(r, NULL, out, share_out);
}

int relay_next(struct relay *r, struct client **out, bool *share_out)
{
	int code = r->started ? 0 : start(r);

	*out = NULL;
	if (code == ERR_NO_MEMORY)
		trouble_set(&r->trouble, "4.3.0", "out of memory");
	if (code) {
		r->host_at = r->list ? r->list->n : 1;        /* nobody to ask */
		return code;
	}
	while (relay_has_more(r)) {
		if (r->route->path) {
			code = next_by_path(r, out, share_out);
		} else {
			if (!resolve(r))
				continue;
			if (r->address_at >= r->addresses.n || r->address_at >= RELAY_ADDRESSES_PER_HOST) {
				next_host(r);
				continue;
			}
			r->connects++;
			code = try_address(r, &r->addresses.addr[r->address_at++], out, share_out);
		}
		if (code == ERR_NO_MEMORY)
			return code;
		if (code == 0) {
			r->sessions++;
			return 0;
		}
	}
	return ERR_NOT_FOUND;
}
