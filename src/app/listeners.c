#include "app/listeners.h"

#include "rt/net.h"

static const struct app_listen standard[] = {
	{ APP_SMTP, "*", 25 }, { APP_SUBMISSION, "*", 587 }, { APP_SUBMISSIONS, "*", 465 }, { APP_POP3, "*", 110 },
	{ APP_POP3S, "*", 995 }, { APP_IMAP, "*", 143 }, { APP_IMAPS, "*", 993 },
	/* the last two only where certificates or policies need them */
	{ APP_HTTP, "*", 80 }, { APP_HTTPS, "*", 443 },
};
#define STANDARD_MAX (sizeof standard / sizeof *standard)

const struct app_listen *app_listeners(const struct app_config *c, unsigned *n_out)
{
	bool needs_http = c->acme.agree || c->sts.mode != STS_NONE;

	*n_out = c->n_listen ? c->n_listen : (unsigned)STANDARD_MAX - (needs_http ? 0 : 2);
	return c->n_listen ? c->listen : standard;
}

static uint16_t standard_port(enum app_proto p)
{
	for (size_t i = 0; i < STANDARD_MAX; i++)
		if (standard[i].proto == p)
			return standard[i].port;
	return 0;
}

static bool is_loopback(const struct app_listen *l)
{
	struct net_addr a;
	return net_addr_parse(str_from_c(l->address), 0, &a) && net_addr_is_loopback(&a);
}

uint16_t app_offered_port(const struct app_config *c, enum app_proto p)
{
	unsigned n;
	const struct app_listen *l = app_listeners(c, &n);
	uint16_t usual = standard_port(p), found = 0;

	for (unsigned i = 0; i < n; i++) {
		if (l[i].proto != p || (is_loopback(&l[i]) && !c->n_proxy_from))
			continue;
		uint16_t port = is_loopback(&l[i]) ? usual : l[i].port;
		found = found == 0 || port == usual ? port : found;
	}
	return found;
}
