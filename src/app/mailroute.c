#include "app/mailroute.h"

#include "app/listeners.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#define OWN_ENDPOINTS_MAX 256

/* ---- what outbound asks of others ---- */

static void limits(void *ctx, struct str destination, struct queue_limits *out)
{
	struct mailroute *m = ctx;
	struct outbound *o = m->outbound;

	if (o)
		outbound_limits(o, destination, out);
}

static void deliver_local(void *ctx, struct queue_job *j)
{
	struct mailroute *m = ctx;
	struct local_env env = m->local;

	env.srs = m->srs;
	local_deliver(&env, j);
}

static bool is_local(void *ctx, struct str domain)
{
	const struct mailroute *m = ctx;
	return directory_domain_is_local(m->house->directory, domain);
}

/* Lines parted by LF, as a report keeps them. */
static struct str join(struct arena *a, const struct str *lines, size_t n)
{
	struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&b, '\n');
		buf_add_str(&b, lines[i]);
	}
	struct str joined = arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return joined;
}

static struct str address_text(struct arena *a, const struct net_addr *addr)
{
	static const struct net_addr none = { { 0 } };
	char text[NET_TEXT_MAX];

	if (!memcmp(addr, &none, sizeof none))
		return STR_NONE;
	net_addr_format(addr, text);
	return arena_dup(a, str_from_c(text));
}

static void tls_report(void *ctx, const struct tls_report_event *e)
{
	static const enum tls_policy_kind kinds[] = { [TLS_REPORT_STS] = TLS_POLICY_STS, [TLS_REPORT_TLSA] = TLS_POLICY_TLSA, [TLS_REPORT_NONE] = TLS_POLICY_NONE };
	struct mailroute *m = ctx;
	struct arena a = ARENA_INIT(0);
	struct tls_row row = { .kind = kinds[e->kind], .policy = join(&a, e->strings, e->n_strings), .mx_patterns = join(&a, e->mx_patterns, e->n_mx_patterns) };

	if (!e->success) {
		row.result = str_from_c(e->result);
		row.sending_ip = address_text(&a, &e->sending);
		row.receiving_ip = address_text(&a, &e->receiving);
		row.receiving_host = e->mx_host;
		row.reason = e->detail;
	}
	report_tls(m->world->report, e->domain, &row);
	arena_fini(&a);
}

/* ---- configurations ---- */

void mailroute_queue_config(struct mailroute *m, const struct app_config *c, struct queue_config *out)
{
	*out = (struct queue_config){ .retry_first_s = c->queue.retry_first_ms / 1000, .retry_max_s = c->queue.retry_max_ms / 1000,
								  .expire_s = c->queue.expire_ms / 1000, .expire_null_s = c->queue.expire_notices_ms / 1000,
								  .warn_s = c->queue.warn_ms / 1000, .messages_max = c->queue.messages, .tell_null = c->outbound.config.tell_postmaster,
								  .limits = limits, .limits_ctx = m };
}

static void add_endpoint(struct net_endpoint *list, size_t *n, const struct net_addr *addr, uint16_t port)
{
	if (*n < OWN_ENDPOINTS_MAX)
		list[(*n)++] = (struct net_endpoint){ *addr, port };
}

/* Every address of this machine, and that it is every one. */
static void add_interfaces(struct net_endpoint *list, size_t *n, uint16_t port)
{
	struct ifaddrs *all = NULL;

	add_endpoint(list, n, &(struct net_addr){ 0 }, port);
	if (getifaddrs(&all))
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct sockaddr_storage s = { 0 };
		struct net_endpoint here;
		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&s, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		if (net_endpoint_from_sockaddr(&s, &here))
			add_endpoint(list, n, &here.addr, port);
	}
	freeifaddrs(all);
}

/* Where mail from the world comes in: an MX record that points there points at us. */
static size_t own_endpoints(const struct app_config *c, struct net_endpoint *list)
{
	unsigned n_listeners;
	const struct app_listen *l = app_listeners(c, &n_listeners);
	struct net_addr addr;
	size_t n = 0;

	for (unsigned i = 0; i < n_listeners; i++) {
		if (l[i].proto != APP_SMTP)
			continue;
		if (net_addr_parse(str_from_c(l[i].address), 0, &addr))
			add_endpoint(list, &n, &addr, l[i].port);
		else
			add_interfaces(list, &n, l[i].port);
	}
	return n;
}

/* Notices come from an address that is read, in a domain with keys. */
static struct str default_postmaster(struct mailroute *m, struct arena *a)
{
	struct str *domains;
	size_t n = 0;

	if (directory_domain_list(m->house->directory, a, &domains, &n) || n == 0)
		return STR_NONE;
	return arena_printf(a, "postmaster@%.*s", STR_ARG(domains[0]));
}

static struct outbound_config outbound_config_of(struct mailroute *m, const struct app_config *c, struct arena *a)
{
	struct outbound_config out = c->outbound.config;
	struct net_endpoint *endpoints = arena_array(a, OWN_ENDPOINTS_MAX, sizeof *endpoints);

	out.hostname = c->mail.hostname;
	out.routes = c->outbound.routes.v;
	out.n_routes = c->outbound.routes.n;
	out.sources = c->outbound.sources.v;
	out.n_sources = c->outbound.sources.n;
	out.own_names = c->outbound.own_names.v;
	out.n_own_names = c->outbound.own_names.n;
	out.own_endpoints = endpoints;
	out.n_own_endpoints = endpoints ? own_endpoints(c, endpoints) : 0;
	out.no_dane = !c->outbound.dane;
	out.no_sts = !c->outbound.mta_sts;
	if (!out.postmaster.n)
		out.postmaster = default_postmaster(m, a);
	return out;
}

int mailroute_open(struct mailroute *m, struct house *h, struct queue *q, struct world *w, const struct app_config *c, const struct dkim_keyring *keyring, struct err *e)
{
	struct arena a = ARENA_INIT(0);
	struct outbound *o = NULL;

	m->house = h;
	m->queue = q;
	m->world = w;
	m->srs = c->mail.smtp_srs;
	str_copy_c(m->hostname, sizeof m->hostname, c->mail.hostname);
	m->local = (struct local_env){ .store = h->store, .model = h->model, .groups = { .directory = h->directory, .queue = q, .hostname = str_from_c(m->hostname),
								   .keyring = keyring, .dns = &w->source } };
	struct outbound_env env = { .queue = q, .store = h->store, .dns = w->source, .deliver_local = deliver_local, .local_ctx = m, .is_local = is_local,
								.keyring = keyring, .tls_report = tls_report, .report_ctx = m };
	struct outbound_config config = outbound_config_of(m, c, &a);
	int r = a.failed ? ERR_NO_MEMORY : outbound_create(&config, &env, &o, e);
	m->outbound = o;
	arena_fini(&a);
	return r;
}

int mailroute_set_config(struct mailroute *m, const struct app_config *c, struct err *e)
{
	struct arena a = ARENA_INIT(0);
	struct outbound_config config = outbound_config_of(m, c, &a);
	struct queue_config queue;

	int r = a.failed ? ERR_NO_MEMORY : outbound_set_config(m->outbound, &config, e);
	if (r == 0) {
		mailroute_queue_config(m, c, &queue);
		queue_set_config(m->queue, &queue);
		m->srs = c->mail.smtp_srs;
	}
	arena_fini(&a);
	return r;
}

int mailroute_start(struct mailroute *m, struct err *e) { return outbound_start(m->outbound, e); }

void mailroute_stop(struct mailroute *m, uint64_t drain_ms)
{
	if (m->outbound)
		outbound_stop(m->outbound, drain_ms);
}

void mailroute_close(struct mailroute *m)
{
	struct outbound *o = m->outbound;

	m->outbound = NULL;
	outbound_destroy(&o);
}
