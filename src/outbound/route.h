/* Which way mail for a domain goes: by the operator's table, else to its mail exchangers. A table is immutable once parsed; any thread.
 * An entry is one line of text:
 *
 *   PATTERN TRANSPORT [KEY=VALUE]...
 *
 *   example.org          that domain        .example.org   domains below it       *   all others
 *
 *   smtp                 its MX hosts (what happens without any entry)
 *   smtp:example.net     the MX hosts of that domain
 *   smtp:[relay.example.net]:587   that host; an address may stand there as well: smtp:[192.0.2.1], smtp:[2001:db8::1]:25
 *   lmtp:[host]:24       lmtp:/path/of/socket
 *   maildir:/dir         one file each in dir/new       mbox:/file     appended
 *   discard              taken and forgotten
 *   error:5.1.2 text     refused; error:4.3.2 text: deferred. The text is the rest of the line.
 *
 *   tls=policy|none|may|encrypt|verify    policy: what the domain publishes (DANE, MTA-STS), else may
 *   user=NAME password=SECRET             or password-file=/path; only over TLS that was verified, or to loopback
 *   source=ADDRESS[,ADDRESS]  helo=NAME  port=N  concurrency=N  rate=N (a minute)  chunking=yes|no  ca=/file.pem
 *   warmup=2026-11-01/1:200,3:1000,10:5000    from that day on: messages a day that each source address sends from its 1st, 3rd, 10th day on
 */
#ifndef OUTBOUND_ROUTE_H
#define OUTBOUND_ROUTE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "outbound/limits.h"
#include "rt/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum route_kind { ROUTE_SMTP, ROUTE_LMTP, ROUTE_MAILDIR, ROUTE_MBOX, ROUTE_DISCARD, ROUTE_ERROR };
enum route_tls { ROUTE_TLS_POLICY, ROUTE_TLS_NONE, ROUTE_TLS_MAY, ROUTE_TLS_ENCRYPT, ROUTE_TLS_VERIFY };

struct warmup_step { uint32_t day /* 1 is the first */, messages; };
struct warmup {
	int64_t start;                    /* day number since 1970; 0 steps: no warm-up */
	size_t n;
	struct warmup_step step[WARMUP_STEPS_MAX];
};

struct route {
	struct str pattern;
	struct str transport;             /* as written: what a log shows, and what connections are shared by */
	enum route_kind kind;
	struct str host;                  /* ROUTE_SMTP, ROUTE_LMTP: name or address text; empty: the destination's own */
	bool mx;                          /* look for mail exchangers of the host */
	uint16_t port;
	const char *path;                 /* socket, directory or file */
	enum route_tls tls;
	struct str user, password;
	const char *password_file;
	const struct net_addr *sources;   /* none: the configured ones */
	size_t n_sources;
	struct str helo;                  /* empty: the configured one */
	unsigned concurrency, per_minute; /* 0: the configured ones */
	bool no_chunking;
	const char *ca_file;              /* NULL: the configured one */
	const struct warmup *warmup;
	struct str status, text;          /* ROUTE_ERROR */
};

struct routes;
/* One entry; everything in the arena. ERR_CONFIG says what is wrong. Opens no file. */
int route_parse(struct str text, struct arena *a, struct route *out, struct err *e);
/* A table; reads password files. ERR_CONFIG: also when a pattern occurs twice. Lives in the arena; routes_fini frees its index. */
int routes_create(const struct str *texts, size_t n, struct arena *a, struct routes **out, struct err *e);
void routes_destroy(struct routes **r);           /* accepts NULL */
/* The entry of a destination (a domain in lower case, or an address literal): its own, of the nearest domain above, of "*", else plain smtp.
 * Never NULL. */
const struct route *routes_find(const struct routes *r, struct str destination);

/* How many messages each source address may send on that day (days since 1970). 0 before the first step; the last one stays. */
uint32_t warmup_allowance(const struct warmup *w, int64_t day);

#endif
