/* Where others have a say: each gate is asked at each stage, in order, and the first that does not let pass decides. A gate may block (it runs on the
 * session's worker). Guard and milters plug in here; app/ lists them in struct smtp_service. */
#ifndef PROTO_SMTP_GATE_H
#define PROTO_SMTP_GATE_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct smtp_call;
struct smtp_findings;

#define SMTP_GATES_MAX 8
#define SMTP_GATE_TEXT_MAX 480           /* octets of a reply's text: RFC 5321 4.5.3.1.5 less code and line end */

enum smtp_stage {
	SMTP_STAGE_CONNECT,                  /* before the greeting; a refusal closes */
	SMTP_STAGE_HELO,                     /* EHLO, HELO, LHLO */
	SMTP_STAGE_MAIL,
	SMTP_STAGE_RCPT,                     /* a recipient that would be accepted */
	SMTP_STAGE_DATA,                     /* before 354, or before the first chunk */
	SMTP_STAGE_MESSAGE,                  /* it is whole; nothing of it is accepted yet */
	SMTP_STAGE_REFUSED_RCPT,             /* a recipient that is refused; a gate's own refusal is told instead */
	SMTP_STAGE_UNKNOWN,                  /* a command that is none; likewise */
};

/* What the question is about. */
struct smtp_matter {
	struct str argument;                 /* HELO: the name; MAIL, RCPT: the address without brackets, empty for <>; UNKNOWN: the line */
	struct str params;                   /* MAIL, RCPT: the parameters as given */
	int code;                            /* REFUSED_RCPT: why, by base/err.h */
	struct str message;                  /* MESSAGE: as it came, or as the gates before have left it */
	const struct smtp_findings *findings;                /* MESSAGE: what SPF, DKIM and the others said */
};

enum smtp_decision {
	SMTP_GO,
	SMTP_REFUSE,                         /* with the code, 4xx or 5xx; 421 closes */
	SMTP_DISCARD,                        /* accepted in words, then forgotten (MAIL to MESSAGE) */
	SMTP_QUARANTINE,                     /* goes on; to Junk at the end (MAIL to MESSAGE) */
	SMTP_HOLD,                           /* goes on; then waits in the queue until the operator releases it (MAIL to MESSAGE) */
};

/* What a gate makes of the message (only MESSAGE). All of it lives until the gate is asked again. */
struct smtp_changes {
	struct str front;                    /* whole header fields to stand in front */
	const struct str *pieces;            /* not NULL: instead of the message, perhaps with slices of it */
	size_t n_pieces;
	bool new_sender;
	struct str sender;                   /* without brackets */
	const struct str *add, *remove;      /* recipients, without brackets */
	size_t n_add, n_remove;
};

struct smtp_answer {
	enum smtp_decision decision;
	unsigned code;                       /* SMTP_REFUSE */
	char enhanced[12];                   /* "5.7.1"; empty: "4.7.1" or "5.7.1" by the code */
	char text[SMTP_GATE_TEXT_MAX];
	uint64_t delay_ms;                   /* what the peer is told waits for so long (SMTP_DELAY_MS_MAX at most); no thread does */
	struct smtp_changes changes;
};

struct smtp_gate {
	const char *name;                    /* for the log */
	void *ctx;
	/* *state is the gate's own, NULL at first, one for each session. *out is zeroed: SMTP_GO. c: proto/smtp/session.h, to be read only. */
	void (*ask)(void *ctx, void **state, const struct smtp_call *c, enum smtp_stage stage, const struct smtp_matter *m, struct smtp_answer *out);
	void (*end)(void *ctx, void *state); /* the session is over; only where state is not NULL; may be NULL */
};

/* Asks all. True: go on (t->junk and t->discard may be set; changes are made). False: an answer was given. */
bool smtp_gates_pass(struct smtp_call *c, enum smtp_stage stage, const struct smtp_matter *m);
/* The session ends. */
void smtp_gates_end(struct smtp_call *c);

#endif
