/* The configuration: a file (libConfuse syntax) over defaults, checked as a whole before anything uses it. One thread at a time may load.
 * Every option is in the table of config.c and documented in doc/admin/configuration.md, which is made from it. */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include "app/certificates.h"
#include "app/pages.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "directory/directory.h"
#include "guard/guard.h"
#include "model/bin.h"
#include "outbound/outbound.h"
#include "proto/common/services.h"
#include "rt/dns.h"
#include "rt/log.h"
#include "rt/server.h"
#include "rt/tls.h"

#include <stdbool.h>
#include <stdint.h>

enum app_proto {
	APP_SMTP, APP_SUBMISSION, APP_SUBMISSIONS, APP_LMTP, APP_POP3, APP_POP3S, APP_IMAP, APP_IMAPS, APP_HTTP, APP_HTTPS, APP_PROTO_COUNT,
};
/* "smtp" ...; NULL beyond the last. */
const char *app_proto_name(enum app_proto p);

struct app_listen {
	enum app_proto proto;
	char address[64];                    /* "127.0.0.1", "::1", "*" */
	uint16_t port;                       /* 0: any free one */
};
#define APP_LISTEN_MAX 64
#define APP_IDENTITIES_MAX 256

struct option_list {
	const struct str *v;
	size_t n;
};
struct queue_options {
	uint64_t retry_first_ms, retry_max_ms, expire_ms, expire_notices_ms, warn_ms;
	unsigned messages;
};
struct outbound_options {
	struct outbound_config config;       /* without the lists, and what stands below */
	struct option_list routes, sources, own_names;
	bool dane, mta_sts;
};

struct app_config {
	struct arena arena;                  /* owns all strings below */
	const char *user;                    /* to become after binding ports, or NULL */
	enum log_format log_format;
	enum log_level log_level;
	struct app_listen listen[APP_LISTEN_MAX];
	unsigned n_listen;
	struct tls_identity identities[APP_IDENTITIES_MAX];
	struct tls_options tls;              /* n_identities == 0: self-signed in the data directory */
	struct mail_config mail;
	struct directory_config directory;
	struct server_config server;
	struct dns_config dns;
	struct certificates_config acme;
	struct sts_config sts;
	unsigned dkim_rotate_days;           /* 0: keys are replaced by hand */
	struct report_options { bool dmarc, tls; struct str sender; const char *ca_file; } report;
	struct guard_config guard;           /* without the list */
	struct option_list guard_dnsbl, milter_filters, milter_submission_filters;
	struct queue_options queue;
	struct outbound_options outbound;
	struct search_options { bool enabled; unsigned threads; struct str converter; } search;
	struct sandbox_options { bool enabled, core_dumps; struct option_list read; } sandbox;
	unsigned audit_keep_days;            /* 0: for ever */
	struct metrics_options { struct str listen; struct app_listen place; /* address[0] == 0: none */ } metrics;
	unsigned slow_ms;
	uint64_t pop3_login_delay_ms;
	unsigned quota_grace_percent;        /* model_set_quota_grace */
	struct undelete_options { unsigned keep_days, quota_percent; uint64_t size; } undelete;      /* app_keep */
	struct str *proxy_from;
	size_t n_proxy_from;
};

/* file == NULL: DIR/troika.conf, if there is one, else the defaults alone. ERR_CONFIG names file, line and option. *out is always safe for fini. */
int app_config_load(const char *data_dir, const char *file, struct app_config *out, struct err *e);
void app_config_fini(struct app_config *c);
/* What becomes of deleted mail; without a configuration nothing that was deleted goes for good: the operator may have set more than the defaults say. */
struct model_keep app_keep(const struct app_config *c);
/* "imap=127.0.0.1:1143", "smtp=[::1]:25", "pop3=*:110". */
int app_listen_parse(struct str text, struct app_listen *out, struct err *e);
/* A commented sample of the file with every option at its default; what `troika init` writes. */
void app_config_sample(struct buf *b, struct str hostname);

#endif
