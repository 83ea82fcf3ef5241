/* What the DNS of a domain must say follows from these: gathered from the configuration, the directory and the certificate in use. Everything lives in
 * the arena that was given. One thread. */
#ifndef APP_DNS_FACTS_H
#define APP_DNS_FACTS_H

#include "app/config.h"
#include "app/house.h"
#include "base/arena.h"
#include "base/err.h"
#include "directory/signing.h"
#include "mailauth/dkim.h"

/* A key that signs, or did, or will: its public half. */
struct dns_key {
	struct str domain, selector;
	struct str record;                   /* "v=DKIM1; ..." */
	enum dkim_algorithm algorithm;
	enum signing_state state;
};

struct dns_facts {
	struct str domain, host;             /* A-labels in lower case */
	const struct dns_key *keys;          /* of the domain, or of the parent whose keys sign for it */
	size_t n_keys;
	const struct str *chain;             /* the certificate that the host shows under its name, and its authorities: DER; 0: none yet */
	size_t n_chain;
	bool key_is_renewed;                 /* the certificate's key changes without anybody's doing (ACME) */
	struct str sts_policy;               /* the text, or empty */
	struct str sts_id;
	struct str dmarc_address;            /* that takes reports; empty: none */
	struct str tls_address;
	uint16_t port[APP_PROTO_COUNT];      /* app_offered_port */
	bool validates;                      /* DNSSEC is looked at */
	struct directory *directory;         /* of addresses that reports are to go to; NULL: not asked */
};

/* The certificate that is shown under the host name, of a server over this directory: the caller may need to be root for it. No certificate at all is no
 * error. */
int dns_facts_certificate(const char *dir, const struct app_config *c, struct arena *a, struct dns_facts *out, struct err *e);
/* The rest. ERR_NOT_FOUND: not our domain; ERR_CONFIG: the host name is none that others could look up. */
int dns_facts_gather(const struct house *h, const struct app_config *c, struct str domain, struct arena *a, struct dns_facts *out, struct err *e);

#endif
