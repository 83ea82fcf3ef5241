/* Packets of the milter protocol, version 6, as Sendmail 8.14 and later speak it (libmilter/mfdef.h): a length of four octets, big-endian,
 * which counts what follows; a command or reply octet; data. Pure, any thread; nothing here knows a socket. */
#ifndef MILTER_PACKET_H
#define MILTER_PACKET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "rt/net.h"

#include <stdbool.h>
#include <stdint.h>

#define MILTER_VERSION 6
#define MILTER_VERSION_LEAST 2

enum milter_command {
	MILTER_CMD_ABORT = 'A', MILTER_CMD_BODY = 'B', MILTER_CMD_CONNECT = 'C', MILTER_CMD_MACRO = 'D', MILTER_CMD_EOM = 'E', MILTER_CMD_HELO = 'H',
	MILTER_CMD_QUIT_NC = 'K', MILTER_CMD_HEADER = 'L', MILTER_CMD_MAIL = 'M', MILTER_CMD_EOH = 'N', MILTER_CMD_OPTIONS = 'O', MILTER_CMD_QUIT = 'Q',
	MILTER_CMD_RCPT = 'R', MILTER_CMD_DATA = 'T', MILTER_CMD_UNKNOWN = 'U',
};

enum milter_reply_kind {
	/* verdicts */
	MILTER_REPLY_ACCEPT = 'a', MILTER_REPLY_CONTINUE = 'c', MILTER_REPLY_DISCARD = 'd', MILTER_REPLY_REJECT = 'r', MILTER_REPLY_TEMPFAIL = 't',
	MILTER_REPLY_CODE = 'y', MILTER_REPLY_SHUTDOWN = '4', MILTER_REPLY_CONN_FAIL = 'f', MILTER_REPLY_SKIP = 's',
	/* not a verdict yet */
	MILTER_REPLY_PROGRESS = 'p', MILTER_REPLY_OPTIONS = 'O', MILTER_REPLY_SYMBOLS = 'l',
	/* modifications, at the end of the message only */
	MILTER_REPLY_ADD_HEADER = 'h', MILTER_REPLY_INSERT_HEADER = 'i', MILTER_REPLY_CHANGE_HEADER = 'm', MILTER_REPLY_CHANGE_FROM = 'e',
	MILTER_REPLY_ADD_RCPT = '+', MILTER_REPLY_ADD_RCPT_PAR = '2', MILTER_REPLY_DEL_RCPT = '-', MILTER_REPLY_BODY = 'b', MILTER_REPLY_QUARANTINE = 'q',
};

/* Actions that a filter may ask for: SMFIF_ */
enum milter_act {
	MILTER_ACT_ADD_HEADERS = 0x001, MILTER_ACT_CHANGE_BODY = 0x002, MILTER_ACT_ADD_RCPT = 0x004, MILTER_ACT_DEL_RCPT = 0x008,
	MILTER_ACT_CHANGE_HEADERS = 0x010, MILTER_ACT_QUARANTINE = 0x020, MILTER_ACT_CHANGE_FROM = 0x040, MILTER_ACT_ADD_RCPT_PAR = 0x080,
	MILTER_ACT_SYMBOLS = 0x100, MILTER_ACT_ALL = 0x1ff,
};

/* Steps that a filter does without, replies that it does not send: SMFIP_ */
enum milter_step {
	MILTER_NO_CONNECT = 0x000001, MILTER_NO_HELO = 0x000002, MILTER_NO_MAIL = 0x000004, MILTER_NO_RCPT = 0x000008, MILTER_NO_BODY = 0x000010,
	MILTER_NO_HEADERS = 0x000020, MILTER_NO_EOH = 0x000040, MILTER_NO_REPLY_HEADER = 0x000080, MILTER_NO_UNKNOWN = 0x000100, MILTER_NO_DATA = 0x000200,
	MILTER_CAN_SKIP = 0x000400, MILTER_RCPT_REJECTED = 0x000800, MILTER_NO_REPLY_CONNECT = 0x001000, MILTER_NO_REPLY_HELO = 0x002000,
	MILTER_NO_REPLY_MAIL = 0x004000, MILTER_NO_REPLY_RCPT = 0x008000, MILTER_NO_REPLY_DATA = 0x010000, MILTER_NO_REPLY_UNKNOWN = 0x020000,
	MILTER_NO_REPLY_EOH = 0x040000, MILTER_NO_REPLY_BODY = 0x080000, MILTER_LEADING_SPACE = 0x100000, MILTER_STEPS_ALL = 0x1fffff,
};

/* Stages that have macros of their own: SMFIM_ */
enum milter_stage {
	MILTER_AT_CONNECT, MILTER_AT_HELO, MILTER_AT_MAIL, MILTER_AT_RCPT, MILTER_AT_DATA, MILTER_AT_EOM, MILTER_AT_EOH, MILTER_STAGE_COUNT,
};

struct milter_options {
	uint32_t version, actions, steps;
};
struct milter_macro {
	struct str name, value;       /* the name without braces */
};

/* ---- to the filter: each appends one packet. Strings end at NUL on the wire, so NULs in them are left out. ---- */

void milter_put_bare(struct buf *b, enum milter_command c);
void milter_put_options(struct buf *b, const struct milter_options *o);
/* For the command that comes next. */
void milter_put_macros(struct buf *b, enum milter_command next, const struct milter_macro *macros, size_t n);
/* A peer that is no IP address: NULL. */
void milter_put_connect(struct buf *b, struct str hostname, const struct net_endpoint *peer);
void milter_put_text(struct buf *b, enum milter_command c, struct str text);
/* MAIL and RCPT: the address gets its brackets here. */
void milter_put_address(struct buf *b, enum milter_command c, struct str address, const struct str *arguments, size_t n);
/* The body of the field as in the message, behind the colon and without the final line end. Lines end with LF in this packet. Without
 * leading_space one SP after the colon is left out. What exceeds MILTER_CHUNK_MAX is cut. */
void milter_put_header(struct buf *b, struct str name, struct str body, bool leading_space);
/* At most MILTER_CHUNK_MAX octets. */
void milter_put_body(struct buf *b, struct str chunk);

/* ---- from the filter ---- */

struct milter_reply {
	enum milter_reply_kind kind;
	uint32_t index;               /* INSERT_HEADER, CHANGE_HEADER */
	struct str name;              /* of the field; or the address, brackets as the filter gave them */
	struct str value;             /* of the field; ESMTP arguments; reason of QUARANTINE; octets of BODY; lines of CODE */
	struct milter_options options;
	struct str symbols[MILTER_STAGE_COUNT];       /* OPTIONS, SYMBOLS: names, separated by blanks; p == NULL: nothing said about the stage */
};
/* What stands behind the length: one kind octet and its data. Slices of the packet. 0, or ERR_INVALID: not of the protocol's form. */
int milter_reply_parse(struct str packet, struct milter_reply *out);

/* "550 5.7.1 text", or more lines with "550-5.7.1 text" before the last, as a filter sends it, with %% for %. Lines end with CRLF or LF.
 * Appends the text to `text`, lines separated by LF, without codes and control characters; *enhanced_out is empty when there is none.
 * 0; ERR_INVALID: no 4xx or 5xx reply, the lines differ in code, or the classes of both codes differ. */
#define MILTER_ENHANCED_MAX 12
int milter_code_parse(struct str value, unsigned *code_out, char enhanced_out[MILTER_ENHANCED_MAX], struct buf *text);

#endif
