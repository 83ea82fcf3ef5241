#include "migrate/dial.h"

#include "migrate/limits.h"

#include <netdb.h>

/* The addresses of the host, by the system's own resolver: an operator's tool should see what `ping` sees, hosts file and all. */
static int resolve(const struct place *p, struct addrinfo **out, struct err *e)
{
	char port[8];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV };

	snprintf(port, sizeof port, "%u", p->port);
	int r = getaddrinfo(p->host, port, &hints, out);
	if (r == EAI_NONAME) {
		hints.ai_flags = AI_NUMERICSERV;      /* a machine with loopback only has no configured family */
		r = getaddrinfo(p->host, port, &hints, out);
	}
	if (r == 0)
		return 0;
	return err_set(e, r == EAI_AGAIN ? ERR_IO : ERR_NOT_FOUND, NULL, "%s: %s", p->host, gai_strerror(r));
}

static int connect_any(const struct dial *d, const struct place *p, struct stream **out, struct err *e)
{
	struct addrinfo *list = NULL;
	int r = resolve(p, &list, e);

	if (r)
		return r;
	r = err_set(e, ERR_NOT_FOUND, NULL, "%s has no address", p->host);
	for (const struct addrinfo *a = list; a && r; a = a->ai_next) {
		struct stream_target t = { .cancel = d->cancel };
		struct sockaddr_storage address = { 0 };
		if (a->ai_addrlen > sizeof address)
			continue;
		memcpy(&address, a->ai_addr, a->ai_addrlen);
		if (net_endpoint_from_sockaddr(&address, &t.peer))
			r = stream_connect(&t, out, e);
		if (r == ERR_CLOSED && d->cancel && *d->cancel)
			break;
	}
	freeaddrinfo(list);
	return r;
}

int dial_start_tls(const struct dial *d, const struct place *p, struct stream *s, struct err *e)
{
	struct str name = str_from_c(p->host);
	struct dns_record pin = { .tlsa = { .usage = 3, .selector = 0, .matching = 1, .data = d->fingerprint } };
	struct tls_client_policy policy = { .trust = TLS_TRUST_PKIX, .sni = name, .names = &name, .n_names = 1, .ca_file = d->ca_file };
	struct tls_client_result result;
	struct err why = { 0 };

	if (d->insecure)
		policy.trust = TLS_TRUST_ANY;
	if (d->fingerprint.n) {
		/* What DANE says of one certificate is what a fingerprint says: RFC 6698 2.1.1, usage 3. */
		policy.trust = TLS_TRUST_DANE;
		policy.tlsa = &pin;
		policy.n_tlsa = 1;
	}
	int r = stream_start_tls(s, &policy, &result, &why);
	if (r == 0)
		return 0;
	return err_set(e, r, NULL, "TLS with %s failed: %s: %s%s", p->host, result.failure ? result.failure : err_text(r), result.detail,
				   r == ERR_DENIED && !d->fingerprint.n ? " (see --ca-file, --fingerprint, --insecure)" : "");
}

int dial_open(const struct dial *d, const struct place *p, size_t pipe, struct stream **out, struct err *e)
{
	int fd, r;

	*out = NULL;
	if (place_is_pipe(p)) {
		if (!d->spawner)
			return err_set(e, ERR_BUG, NULL, "nobody starts the command of the pipe");
		r = spawner_start(d->spawner, pipe, &fd, e);
		if (r == 0)
			r = stream_adopt(fd, d->cancel, out, e);
	} else {
		r = connect_any(d, p, out, e);
		if (r == 0)
			stream_set_timeout(*out, d->timeout_ms ? d->timeout_ms : MIGRATE_TIMEOUT_MS);
		if (r == 0 && p->implicit_tls)
			r = dial_start_tls(d, p, *out, e);
	}
	if (r)
		stream_close(out);
	else
		stream_set_timeout(*out, d->timeout_ms ? d->timeout_ms : MIGRATE_TIMEOUT_MS);
	return r;
}
