/* What every protocol is given: the rooms below, and the configuration of the moment. Made by app/. Any thread. */
#ifndef PROTO_COMMON_SERVICES_H
#define PROTO_COMMON_SERVICES_H

#include "base/str.h"
#include "directory/directory.h"
#include "model/model.h"
#include "proto/common/email_facts.h"

#include <stdbool.h>
#include <stdint.h>

/* Whose address may stand in From of what a user submits. */
enum submission_from { SUBMISSION_FROM_ANY, SUBMISSION_FROM_OWN, SUBMISSION_FROM_ADD_SENDER };

/* An immutable snapshot, swapped on SIGHUP. A session takes a reference when it opens and drops it in fini. */
struct mail_config {
	struct str hostname;                     /* in greetings and Received */
	bool allow_plain_without_tls;            /* passwords on connections without TLS; loopback is no exception */
	/* Access tokens of OAuth 2.0; oauth.h */
	struct str oauth_keys;                   /* file or URL of the authority's key set: tokens are JWTs; empty: they are not */
	struct str oauth_introspection;          /* URL where it is asked about tokens; empty: it is not */
	struct str oauth_client_id, oauth_client_secret;      /* who asks there */
	struct str oauth_issuer, oauth_audience; /* what a token must name; empty: anything */
	struct str oauth_user_claim;             /* what in it names the user */
	bool oauth_allow_http;                   /* tests, and an authority on loopback */
	uint64_t message_size_max;               /* bytes; at most STORE_BLOB_MAX */
	uint64_t pop3_timeout_ms;                /* RFC 1939: at least 10 minutes */
	uint64_t pop3_login_delay_s;             /* 0: none */
	uint64_t imap_timeout_ms;                /* RFC 3501: at least 30 minutes */
	bool imap_acl_anyone;                    /* SETACL may name "anyone" */
	bool imap_append_8bit;                   /* APPEND takes 8-bit header fields from clients that enabled no UTF-8 (RFC 9755 3 says NO) */
	struct str imap_submit_users;            /* users, parted by spaces, that may fetch URLs with "submit+" */
	unsigned imap_message_limit;             /* messages one command may process, RFC 9738; 0: any number */
	unsigned imap_save_limit;                /* messages one COPY or APPEND may add, where there is no message_limit; 0: any number */
	struct str imap_admin_contact;           /* URI of METADATA's /shared/admin, RFC 5464 3.2.1.1; empty: none */
	unsigned imap_progress_ms;               /* how often a long command tells its progress (RFC 9585); 0: never */
	bool imap_unauthenticate;                /* take UNAUTHENTICATE (RFC 8437) */
	bool imap_show_deleted;                  /* the mailbox of deleted mail (model/bin.h) stands in every list */
	struct str imap_admins;                  /* users that may change quotas and what else is the server's, parted by spaces */
	uint64_t login_timeout_ms;               /* before authentication; all protocols */
	uint64_t smtp_timeout_ms;                /* RFC 5321 4.5.3.2.7: at least 5 minutes */
	unsigned smtp_recipients_max;            /* RFC 5321 4.5.3.1.8: at least 100 */
	unsigned smtp_errors_max;                /* bad commands before 421 */
	unsigned smtp_hops_max;                  /* Received fields, RFC 5321 6.3: at least 100 */
	bool smtp_vrfy;                          /* answer VRFY with the truth instead of 252 */
	/* lists of networks, as network_list_has reads them */
	struct str smtp_relay_from;              /* may send to other domains through port 25 */
	struct str smtp_relay_to;                /* domains, parted by spaces, that mail is taken for from anybody, to be sent on */
	struct str smtp_priority_from;           /* may raise a message's priority, RFC 6710 */
	struct str smtp_xclient_from;            /* may say XCLIENT */
	struct str smtp_xforward_from;           /* may say XFORWARD */
	struct str smtp_etrn_from;               /* may say ETRN */
	struct str smtp_expn_from;               /* may say EXPN */
	struct str smtp_etrn_domains;            /* what ETRN may be said of, parted by spaces; empty: anything */
	struct str smtp_admins;                  /* users that may say EXPN, parted by spaces */
	struct str smtp_unchecked_from;          /* mail from there is not asked for SPF, DKIM and DMARC */
	struct str smtp_arc_trusted;             /* domains, parted by spaces, whose ARC seals outweigh DMARC */
	int smtp_dmarc_enforce;                  /* enum dmarc_policy: the strictest that is obeyed */
	bool smtp_srs;                           /* rewrite the sender of what aliases send away */
	bool smtp_spf_enforce;                   /* refuse what SPF fails */
	enum submission_from submission_from;
	struct str submission_fetch;             /* who may say ATRN for which domains: "user=domain,domain user=domain" */
	bool submission_hide_client;             /* no name and address of the client in Received */
	struct str smtp_no_soliciting;           /* keywords of RFC 3865 that are not taken; empty: not offered */
	uint64_t smtp_deliver_by_min_ms;         /* least time for BY with mode R, RFC 2852 */
	uint64_t submission_hold_max_ms;         /* longest FUTURERELEASE */
	struct str spool_dir;                    /* for messages under way */
};

struct search;
struct services;
int services_create(struct model *m, struct directory *d, struct services **out);
void services_destroy(struct services **s);
struct model *services_model(struct services *s);
struct directory *services_directory(struct services *s);
/* The full-text index, or NULL: none. Set before there are other threads; outlives the services. */
void services_set_search(struct services *s, struct search *search);
struct search *services_search(struct services *s);
struct email_facts *services_facts(struct services *s);

/* Copies c, strings too (a new one needs a line in services.c). 0 or ERR_NO_MEMORY (the former one stays). */
int services_set_config(struct services *s, const struct mail_config *c);
/* The newest one with a reference; never NULL: without services_set_config the defaults. All references are dropped
 * before services_destroy. */
const struct mail_config *services_config(struct services *s);
void mail_config_unref(const struct mail_config **c);      /* nulls; accepts NULL */
/* Is the name one of the words, which are parted by spaces? Without case. */
bool mail_config_lists(struct str words, struct str name);
/* All defaults, for app/ and tests. */
struct mail_config mail_config_defaults(void);

#endif
