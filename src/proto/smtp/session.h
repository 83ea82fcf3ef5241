/* One SMTP or LMTP session. Private to the room. One thread at a time (the worker that runs the connection). */
#ifndef PROTO_SMTP_SESSION_H
#define PROTO_SMTP_SESSION_H

#include "base/arena.h"
#include "codec/smtp/data.h"
#include "codec/smtp/params.h"
#include "proto/common/sasl.h"
#include "proto/smtp/gate.h"
#include "proto/smtp/limits.h"
#include "proto/smtp/smtp.h"
#include "rt/conn.h"
#include "rt/net.h"
#include "rt/spool.h"

#include <stdbool.h>
#include <stdint.h>

/* What the next octets from the peer are. */
enum smtp_phase { SMTP_COMMAND, SMTP_AUTH_EXCHANGE, SMTP_DATA, SMTP_BDAT, SMTP_TURNED /* replies: we are the client */ };

/* Where one copy of a message goes. */
struct smtp_target {
	uint64_t account;                    /* 0: none, the queue sees to it */
	bool away;                           /* not here at all */
	bool group;                          /* for the members of a group (directory/group.h) */
	struct str address, detail;
	struct str destination;              /* as the queue names it */
};

/* A recipient that got its 250, with the places it leads to. */
struct smtp_recipient {
	struct smtp_recipient *next;
	struct str address;                  /* as given, without brackets */
	unsigned notify;                     /* enum smtp_notify; 0: not given */
	struct str orcpt;                    /* decoded; empty: not given */
	struct smtp_target *targets;
	size_t n_targets, n_queued, n_away;  /* n_queued: without an account */
	bool relayed;                        /* not ours at all; otherwise an alias may lead away */
	bool closed;                         /* a group that this sender may not write to */
};

/* A mail transaction, from MAIL to the end of data or RSET. */
struct smtp_transaction {
	struct arena arena;                  /* everything below */
	bool open;                           /* MAIL was accepted */
	bool chunking;                       /* BDAT has begun */
	bool utf8;
	bool junk;                           /* goes to Junk where it is kept here */
	bool hold;                           /* waits in the queue for the operator */
	bool mistrusted;                     /* the sender is likely not the sender: it is told nothing, for it would be backscatter */
	bool discard;                        /* is taken in words only */
	bool tls_optional;                   /* RFC 8689 section 5: the header says so */
	bool too_big;                        /* over the size limit: the rest is read and thrown away */
	int spool_error;                     /* or over another one, or the disk's fault */
	enum smtp_body body;
	struct str sender;                   /* reverse-path without brackets; empty for <> */
	uint64_t size_declared;
	struct smtp_wishes {                 /* what the parameters of MAIL ask for beyond that */
		enum smtp_ret ret;
		struct str envid;                /* decoded; empty: not given */
		bool has_by, require_tls, has_priority;
		struct smtp_by by;
		int64_t hold_until;              /* unix seconds; 0: at once */
		int priority;                    /* as granted */
		int priority_asked;
		struct str solicit;
	} wishes;
	uint64_t params_seen;                /* one bit each, of the command at hand */
	struct smtp_recipient *first, **last;
	unsigned n_recipients, n_targets, n_queued, n_away;
	struct spool *spool;
	struct smtp_data data;
	uint64_t chunk_left;
	bool chunk_is_last;
	bool chunk_refused;                  /* no transaction: read and thrown away */
};

/* Who is at the other end. */
struct smtp_peer {
	struct net_addr addr;
	char ip[NET_TEXT_MAX];
	uint16_t port;
};

struct smtp_session {
	const struct mail_config *config;    /* a reference */
	struct smtp_peer peer;               /* whose mail it is: XCLIENT may have said */
	struct smtp_peer real;               /* who is connected */
	struct smtp_peer forwarded;          /* for show, of the next message: XFORWARD */
	enum smtp_phase phase;
	bool esmtp;
	bool greeted;                        /* HELO, EHLO or LHLO was accepted */
	bool closing;
	bool tls_started;
	unsigned errors;                     /* bad commands and refused recipients */
	unsigned told;                       /* refusals logged that are no errors */
	unsigned messages;                   /* accepted on this connection */
	char *helo;                          /* malloc'ed */
	struct sasl *sasl;                   /* during the exchange */
	bool sasl_proven;                    /* only the empty answer to the additional data is missing */
	char *user;                          /* malloc'ed canonical name, NULL before AUTH */
	char mechanism[24];                  /* by which it was proven */
	void *gate_state[SMTP_GATES_MAX];    /* the gates' own */
	uint64_t delay_ms;                   /* a gate wants the reply to what runs now to come so much later */
	char *held;                          /* that reply, malloc'ed, until its time has come; nothing is read meanwhile */
	size_t held_n;
	struct smtp_turn *turn;              /* behind ATRN */
	struct smtp_transaction t;
};

/* Everything a command sees. */
struct smtp_call {
	struct conn *conn;
	struct smtp_session *s;
	const struct smtp_service *service;
	struct str arg;                      /* behind the verb and one space */
	struct smtp_recipient *recipient;    /* RCPT: the one whose parameters are read */
	const char *gate;                    /* the name of the one whose refusal is being told; NULL: nobody's */
};

/* "CODE ENHANCED text" in one line; enhanced may be NULL (then none). Counts 5xx as errors. The texts hold no CR or LF. */
void smtp_reply(struct smtp_call *c, unsigned code, const char *enhanced, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Answers for an error code of base/err.h at the given verb's place: 4xx or 5xx by its class. */
void smtp_reply_error(struct smtp_call *c, int code, const char *what);

/* As when the connection was made: all is forgotten but who it is; asks the gates and greets. */
void smtp_session_begin(struct smtp_call *c);
/* How many replies a message gets: RFC 2033 4.2, with LMTP one for each recipient that got its 250. */
unsigned smtp_reply_count(const struct smtp_call *c);

/* May this session send to other domains? */
bool smtp_may_relay(const struct smtp_call *c);

/* Octets for the phases that are no commands. */
void smtp_input_data(struct smtp_call *c);
void smtp_input_bdat(struct smtp_call *c);
void smtp_input_auth(struct smtp_call *c, struct str line);

#endif
