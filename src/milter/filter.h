/* Where a filter is and how it is to be treated: one line of the configuration. Pure; any thread. */
#ifndef MILTER_FILTER_H
#define MILTER_FILTER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "rt/net.h"

#include <stdbool.h>
#include <stdint.h>

/* What happens to mail when the filter cannot be asked. */
enum milter_failure { MILTER_FAIL_TEMPFAIL, MILTER_FAIL_ACCEPT, MILTER_FAIL_REJECT };

struct milter_filter {
	struct str name;                     /* for the log; the target when none is given */
	const char *path;                    /* a local socket; NULL: */
	struct net_endpoint peer;
	uint64_t connect_ms, command_ms, message_ms;     /* to connect; for an answer; for the answer to the whole message */
	enum milter_failure on_failure;
	uint32_t actions;                    /* enum milter_act: what it may ask for */
	uint32_t steps_off;                  /* enum milter_step: MILTER_NO_ bits of stages that we leave out */
	bool reuse;                          /* its connections serve one SMTP session after the other (QUIT_NC) */
};
#define MILTER_CONNECT_MS_DEFAULT ((uint64_t)5 * 1000)
#define MILTER_COMMAND_MS_DEFAULT ((uint64_t)30 * 1000)
#define MILTER_MESSAGE_MS_DEFAULT ((uint64_t)5 * 60 * 1000)

/* "unix:/run/opendkim/opendkim.sock", "inet:127.0.0.1:11332", "inet:11332@127.0.0.1", "inet6:[::1]:11332" (localhost is known, other
 * names are not: a filter must not hang on a resolver), then in any order, separated by blanks:
 *     name=NAME  fail=tempfail|accept|reject  connect=5s  command=30s  message=5m  reuse=no|yes
 *     skip=helo,data,body,unknown       stages that it is not asked at; the others belong to every transaction (libmilter insists)
 *     allow=header,body,rcpt,sender,quarantine      what it may change; without this all
 * Strings live in the arena. 0; ERR_CONFIG: the log text says what is wrong. */
int milter_filter_parse(struct arena *a, struct str text, struct milter_filter *out, struct err *e);

#endif
