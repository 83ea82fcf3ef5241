#include "proto/smtp/forward.h"

#include "base/clock.h"
#include "codec/smtp/srs.h"
#include "rt/crypto.h"

static struct srs scheme(const struct smtp_call *c, struct str domain)
{
	return (struct srs){ .domain = domain, .key = directory_address_key(services_directory(c->service->services)), .mac = crypto_hmac_sha1 };
}

static struct str domain_of(struct str address)
{
	return str_from(address, str_rchr(address, '@') + 1);
}

struct str smtp_forward_sender(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;
	const struct smtp_recipient *r = t->first;
	struct str sender = t->sender;
	struct buf b = BUF_INIT(0);

	while (r && (!r->n_away || r->relayed))
		r = r->next;
	if (!r || !c->s->config->smtp_srs || !sender.n || directory_domain_is_local(services_directory(c->service->services), domain_of(sender)))
		return sender;
	struct srs srs = scheme(c, domain_of(r->address));
	int code = srs_forward(&srs, sender, clock_now(), &b);
	if (code == 0 && !b.failed)
		sender = arena_dup(&t->arena, buf_str(&b));
	else
		conn_log(c->conn, LOG_NOTICE, "smtp.srs-failed", LOG_LIST(LOG_S("from", sender), LOG_C("why", err_text(code))));
	buf_fini(&b);
	return sender;
}

int smtp_forward_reverse(struct smtp_call *c, const struct smtp_path *path, struct str *out)
{
	struct str local = str_make(path->local, path->local_n);
	struct buf address = BUF_INIT(0), b = BUF_INIT(0);

	if (!str_istarts(local, STR("SRS")) || !directory_domain_is_local(services_directory(c->service->services), path->domain))
		return ERR_NOT_FOUND;
	struct srs srs = scheme(c, path->domain);
	smtp_path_address(path, &address);
	int code = address.failed ? ERR_NO_MEMORY : srs_reverse(&srs, buf_str(&address), clock_now(), &b);
	if (code == 0) {
		*out = arena_dup(&c->s->t.arena, buf_str(&b));
		code = out->p && !b.failed ? 0 : ERR_NO_MEMORY;
	}
	buf_fini(&address);
	buf_fini(&b);
	return code;
}
