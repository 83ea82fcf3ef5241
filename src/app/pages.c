#include "app/pages.h"

#include "app/autoconfig.h"
#include "app/config.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/map.h"
#include "rt/crypto.h"

#include <pthread.h>

#define CHALLENGES_MAX 1000
#define POLICY_MAX ((size_t)64 << 10)          /* RFC 8461 3.2 */
#define SERVERS_MAX ((size_t)16 << 10)
#define POLICY_ID_OCTETS 8

struct pages {
	struct directory *directory;
	pthread_mutex_t lock;            /* a leaf */
	struct map *challenges;          /* token -> malloc'ed text */
	struct buf policy;               /* empty: none */
	struct buf servers;              /* of autoconfig_page; empty: none */
	struct http_route routes[4];
	struct http_service service;
};

static unsigned challenge_page(void *ctx, const struct http_request *r, bool tls, struct http_page *out)
{
	struct pages *p = ctx;

	(void)tls;
	pthread_mutex_lock(&p->lock);
	const char *value = map_get(p->challenges, str_from(r->path, p->routes[0].prefix.n));
	buf_add_c(&out->body, value ? value : "");
	pthread_mutex_unlock(&p->lock);
	out->type = "application/octet-stream";          /* RFC 8555 8.3 */
	return value ? 200 : 404;
}

/* RFC 8461 3.3: at mta-sts.DOMAIN, over HTTPS only. */
static unsigned policy_page(void *ctx, const struct http_request *r, bool tls, struct http_page *out)
{
	struct pages *p = ctx;

	if (!tls || !str_eq(r->path, p->routes[1].prefix) || !str_istarts(r->host, STR("mta-sts.")) ||
		!directory_domain_is_local(p->directory, str_from(r->host, 8)))
		return 404;
	pthread_mutex_lock(&p->lock);
	buf_add_str(&out->body, buf_str(&p->policy));
	pthread_mutex_unlock(&p->lock);
	return out->body.n ? 200 : 404;
}

/* At autoconfig.DOMAIN, or at the domain itself; at other names of ours the query may say which. */
static struct str autoconfig_domain(const struct pages *p, const struct http_request *r, struct buf *decoded)
{
	struct str named = str_istarts(r->host, STR("autoconfig.")) ? str_from(r->host, sizeof "autoconfig." - 1) : r->host;

	if (!directory_domain_is_local(p->directory, named))
		named = autoconfig_query_domain(r->query, decoded);
	return named.n && directory_domain_is_local(p->directory, named) ? named : STR_NONE;
}

static unsigned autoconfig(void *ctx, const struct http_request *r, bool tls, struct http_page *out)
{
	struct pages *p = ctx;
	struct buf decoded = BUF_INIT(DIRECTORY_NAME_MAX);
	struct str domain = autoconfig_domain(p, r, &decoded);
	bool is_page = str_eq(r->path, p->routes[2].prefix) || str_eq(r->path, p->routes[3].prefix);

	(void)tls;
	pthread_mutex_lock(&p->lock);
	bool found = is_page && domain.n && p->servers.n;
	if (found)
		autoconfig_page(domain, buf_str(&p->servers), &out->body);
	pthread_mutex_unlock(&p->lock);
	buf_fini(&decoded);
	out->type = "text/xml";
	return found ? 200 : 404;
}

int pages_create(struct directory *d, struct pages **out)
{
	struct pages *p = calloc(1, sizeof *p);

	if (!p || map_create(&p->challenges)) {
		free(p);
		return ERR_NO_MEMORY;
	}
	p->directory = d;
	pthread_mutex_init(&p->lock, NULL);
	buf_init(&p->policy, POLICY_MAX);
	buf_init(&p->servers, SERVERS_MAX);
	p->routes[0] = (struct http_route){ STR("/.well-known/acme-challenge/"), challenge_page, p };
	p->routes[1] = (struct http_route){ STR("/.well-known/mta-sts.txt"), policy_page, p };
	p->routes[2] = (struct http_route){ STR("/mail/config-v1.1.xml"), autoconfig, p };
	p->routes[3] = (struct http_route){ STR("/.well-known/autoconfig/mail/config-v1.1.xml"), autoconfig, p };
	p->service = (struct http_service){ .routes = p->routes, .n_routes = sizeof p->routes / sizeof *p->routes };
	*out = p;
	return 0;
}

void pages_destroy(struct pages **p)
{
	size_t pos = 0;
	struct str key;
	void *value;

	if (!*p)
		return;
	while (map_next((*p)->challenges, &pos, &key, &value))
		free(value);
	map_destroy(&(*p)->challenges);
	buf_fini(&(*p)->policy);
	buf_fini(&(*p)->servers);
	pthread_mutex_destroy(&(*p)->lock);
	free(*p);
	*p = NULL;
}

struct http_service *pages_service(struct pages *p)
{
	return &p->service;
}

int pages_set_config(struct pages *p, const struct app_config *c)
{
	struct buf policy = BUF_INIT(POLICY_MAX), servers = BUF_INIT(SERVERS_MAX);

	if (c->sts.mode != STS_NONE)
		sts_policy_format(&c->sts, c->mail.hostname, &policy);
	autoconfig_servers(c, &servers);
	if (policy.failed || servers.failed) {
		buf_fini(&policy);
		buf_fini(&servers);
		return ERR_NO_MEMORY;
	}
	pthread_mutex_lock(&p->lock);
	struct buf old_policy = p->policy, old_servers = p->servers;
	p->policy = policy;
	p->servers = servers;
	pthread_mutex_unlock(&p->lock);
	buf_fini(&old_policy);
	buf_fini(&old_servers);
	return 0;
}

int pages_challenge_set(struct pages *p, struct str token, struct str value)
{
	char *copy = str_dup_c(value);

	if (!copy)
		return ERR_NO_MEMORY;
	pthread_mutex_lock(&p->lock);
	char *old = map_remove(p->challenges, token);
	int r = map_count(p->challenges) < CHALLENGES_MAX ? map_put(p->challenges, token, copy) : ERR_BUSY;
	pthread_mutex_unlock(&p->lock);
	free(old);
	if (r)
		free(copy);
	return r;
}

void pages_challenge_remove(struct pages *p, struct str token)
{
	pthread_mutex_lock(&p->lock);
	char *old = map_remove(p->challenges, token);
	pthread_mutex_unlock(&p->lock);
	free(old);
}

void sts_policy_format(const struct sts_config *c, struct str hostname, struct buf *out)
{
	struct str rest = c->mx.n ? c->mx : hostname, name;

	buf_printf(out, "version: STSv1\r\nmode: %s\r\n", c->mode == STS_ENFORCE ? "enforce" : c->mode == STS_TESTING ? "testing" : "none");
	while (rest.n) {
		str_cut(rest, ' ', &name, &rest);
		if (name.n)
			buf_printf(out, "mx: %.*s\r\n", STR_ARG(name));
	}
	buf_printf(out, "max_age: %llu\r\n", (unsigned long long)(c->max_age_ms / 1000));
}

int sts_policy_id(struct str policy, struct buf *out)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	int r = crypto_sha256(policy, digest);

	if (r == 0)
		hex_encode(out, str_make(digest, POLICY_ID_OCTETS));
	return r;
}
