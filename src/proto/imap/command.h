/* One IMAP command: its row in the table, and the request that runs it. How to add one: README.md.
 *
 * A command reads its arguments from r->args (codec/imap), checks, acts on the model, writes its untagged responses with
 * conn_printf or into conn_out(r->conn), and returns imap_ok, imap_no or imap_bad. The dispatcher has checked the state and
 * every flag of the row before; after run it tells the news of the selected mailbox (sync.h), then sends the tagged line. */
#ifndef PROTO_IMAP_COMMAND_H
#define PROTO_IMAP_COMMAND_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "codec/imap/cursor.h"
#include "proto/imap/session.h"

#include <stdbool.h>
#include <stdint.h>

/* What run and line return. */
enum imap_result {
	IMAP_REPLIED,            /* the tagged line stands in r->reply: imap_ok and its kin return this */
	IMAP_CONTINUES,           /* "+ ..." was written: the client's next lines go to row->line */
	IMAP_SENT,                /* the tagged line was written by the command itself (imap_send) */
};

struct imap_opened;

/* A command that is being run. Lives on the dispatcher's stack. */
struct imap_request {
	struct imap_session *s;
	struct conn *conn;                    /* s->conn */
	const struct imap_command *row;
	struct str tag;
	struct imap_cursor args;              /* behind the name and its SP; at the end when there are none. In a command that
	                                       * took a literal itself (row->octets): behind that literal */
	struct arena *arena;                  /* dropped when the request ends; args' own too */
	struct str reply;                     /* "OK [CODE] text", in the arena */
	uint64_t told_ms;                     /* clock_mono_ms of the last progress: progress.h */
	struct imap_opened *opened;           /* accounts of others, until the request ends: place.h */
	uint32_t limited_uid;                 /* only messages from this UID on were processed (message_limit.h); 0: all */
	bool numbers_used;                    /* a UID command had message numbers in its arguments: as IMAP_KEEPS_NUMBERS */
};

enum imap_command_flag {
	IMAP_NO_ARGS = 1,             /* the dispatcher checks that none are there */
	IMAP_SHOWS_PASSWORD = 2,      /* refused on a connection without TLS unless configuration allows it */
	IMAP_MESSAGES = 4,            /* reads messages of the selected mailbox: selected.view is not NULL, or NO */
	IMAP_WRITES = 8,              /* changes the selected mailbox: NO after EXAMINE */
	/* May use message sequence numbers while others are pipelined behind it, so no EXPUNGE may be sent before its tagged line
	 * (RFC 3501 5.5 and 7.4.1: FETCH, STORE and SEARCH; their UID forms do not have it). */
	IMAP_KEEPS_NUMBERS = 16,
	IMAP_NO_NEWS = 32,            /* tells no news of the selected mailbox at its end (SELECT has told all, LOGOUT need not) */
	IMAP_TELLS_NEWS = 64,         /* while it goes on, news are told as they happen (IDLE) */
	/* Its arguments or its answers are message numbers: BAD [UIDREQUIRED] after ENABLE UIDONLY (RFC 9586). */
	IMAP_NUMBERS = 128,
	/* It may make one commit and say so (imap_notify_made): what others did before it is told first. */
	IMAP_ONE_CHANGE = 256,
};

enum imap_literal {
	IMAP_LITERAL_GATHER,          /* into the command's text, as every string argument */
	IMAP_LITERAL_TAKE,            /* its octets go to row->octets as they arrive */
	IMAP_LITERAL_REFUSE,          /* r->reply is set; the command ends */
};

struct imap_command {
	const char *name;             /* "FETCH", "UID FETCH"; the table is sorted by it */
	unsigned states;              /* enum imap_state bits in which it is legal */
	unsigned flags;               /* enum imap_command_flag bits */
	enum imap_result (*run)(struct imap_request *r);
	/* After IMAP_CONTINUES: one line of the client's, without its end. NULL when run never returns that. */
	enum imap_result (*line)(struct imap_request *r, struct str line);
	/* A literal is announced at the end of what r->args holds (the announcement itself is not in it). NULL: gather. */
	enum imap_literal (*literal)(struct imap_request *r, const struct imap_announced *a);
	void (*octets)(struct imap_session *s, struct str bytes);
	const char *capability;       /* the extension that brings it, as advertised; NULL: RFC 3501 */
	const char *rfc;              /* "3501 6.4.5" */
	const char *transcript;       /* tests/wire/imap/NAME.txt shows it */
	const char *note;             /* for doc/protocol/imap.md: what was decided where the RFC leaves it open; may be NULL */
};

/* The row of a name, in any case; NULL when there is none. */
const struct imap_command *imap_command_find(struct str name);
/* The whole table, sorted by name. */
const struct imap_command *imap_command_table(size_t *n_out);

/* ---- the tagged line ---- */

/* Set the reply: "OK text" and so on; text may begin with a response code in brackets. Control bytes become "?".
 * All return IMAP_REPLIED. */
enum imap_result imap_ok(struct imap_request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum imap_result imap_no(struct imap_request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum imap_result imap_bad(struct imap_request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* After a reader of codec/imap returned false: BAD with the cursor's text (or NO when memory ran out). */
enum imap_result imap_bad_args(struct imap_request *r);
/* NO with the response code of RFC 5530 for an error code of the rooms below; e may be NULL. Logs what is not the
 * client's fault. */
enum imap_result imap_error(struct imap_request *r, int code, const struct err *e);
/* Writes the tagged line now; returns IMAP_SENT. */
enum imap_result imap_send(struct imap_request *r);

/* ---- what several commands need ---- */

/* The client did something that announces it knows CONDSTORE (RFC 7162 3.1). The first time, with a mailbox selected, writes
 * the untagged OK [HIGHESTMODSEQ] that is then due. */
void imap_enable_condstore(struct imap_request *r);

#endif
