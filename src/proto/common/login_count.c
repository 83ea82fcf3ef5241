#include "proto/common/login_count.h"

#include "base/err.h"
#include "rt/metric.h"

#include <stdatomic.h>
#include <string.h>

static const char *const protocols[] = { "imap", "pop3", "smtp" };
static const char *const mechanisms[] = { "password", "APOP", "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256",
	"SCRAM-SHA-256-PLUS", "EXTERNAL", "OAUTHBEARER", "XOAUTH2", "XCLIENT", "other" };
static const char *const results[] = { "ok", "wrong credentials", "throttled", "no TLS", "error" };
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static _Atomic uint64_t logins[COUNT(protocols)][COUNT(mechanisms)][COUNT(results)];

/* The place in a list whose last one stands for all others. */
static size_t place(const char *const *list, size_t n, const char *name)
{
	size_t i = 0;
	while (i < n - 1 && strcmp(list[i], name) != 0)
		i++;
	return i;
}

static size_t result_of(bool ok, const char *why)
{
	if (ok)
		return 0;
	if (strcmp(why, err_text(ERR_BUSY)) == 0)
		return 2;
	if (strcmp(why, "no TLS") == 0)
		return 3;
	for (int code = ERR_INVALID; code >= ERR_CONFLICT; code--)
		if (strcmp(why, err_text(code)) == 0)
			return 1;
	return 4;
}

void login_count(const char *protocol, const char *mechanism, bool ok, const char *why)
{
	logins[place(protocols, COUNT(protocols), protocol)][place(mechanisms, COUNT(mechanisms), mechanism)][result_of(ok, why ? why : "")]++;
}

/* Those that have happened, and passwords in any case. */
static void collect(struct buf *out)
{
	char labels[128];
	metric_print_head(out, "troika_logins_total", METRIC_KIND_COUNTER, "Logins by protocol, mechanism and result.");
	for (size_t p = 0; p < COUNT(protocols); p++) {
		for (size_t m = 0; m < COUNT(mechanisms); m++) {
			for (size_t r = 0; r < COUNT(results); r++) {
				uint64_t n = logins[p][m][r];
				if (n == 0 && m > 0)
					continue;
				snprintf(labels, sizeof labels, "proto=\"%s\",mechanism=\"%s\",result=\"%s\"", protocols[p], mechanisms[m], results[r]);
				metric_print_value(out, "troika_logins_total", labels, (int64_t)n);
			}
		}
	}
}
METRIC_COLLECT(collect);
