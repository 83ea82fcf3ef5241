/* Reading what an IMAP server says: RFC 3501 section 7, RFC 9051 section 7. For one thread; the bytes and the arena must outlive what was read.
 *
 * Input is one whole response as it was received: its lines with their literals in place, the last line end there or not. Strict where a mistake would make
 * one thing of another (literals, quotes, parentheses, numbers); tolerant where servers in use differ from the grammar: extra and missing spaces,
 * unknown items, atoms with odd characters, raw UTF-8 in quoted strings, dates with one digit, codes without an end. */
#ifndef CODEC_IMAP_RESPONSE_H
#define CODEC_IMAP_RESPONSE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum imap_response_kind {
	IMAP_RESPONSE_CONTINUE,      /* "+ text" */
	IMAP_RESPONSE_TAGGED,        /* status: OK, NO or BAD */
	IMAP_RESPONSE_STATUS,        /* "* OK", NO, BAD, PREAUTH, BYE */
	IMAP_RESPONSE_CAPABILITY,    /* rest: the words */
	IMAP_RESPONSE_LIST,          /* LIST and XLIST; rest for imap_response_list */
	IMAP_RESPONSE_LSUB,          /* likewise */
	IMAP_RESPONSE_NAMESPACE,     /* rest for imap_response_namespace */
	IMAP_RESPONSE_MAILBOX_STATUS,/* "* STATUS"; rest for imap_response_mailbox_status */
	IMAP_RESPONSE_EXISTS,        /* number */
	IMAP_RESPONSE_EXPUNGE,       /* number */
	IMAP_RESPONSE_FETCH,         /* number; rest for imap_response_fetch */
	IMAP_RESPONSE_OTHER,         /* something else that may be passed over */
};
enum imap_status { IMAP_OK, IMAP_NO, IMAP_BAD, IMAP_PREAUTH, IMAP_BYE };

struct imap_response {
	enum imap_response_kind kind;
	enum imap_status status;
	uint32_t number;
	struct str tag;              /* of a tagged one */
	struct str code;             /* "UIDVALIDITY" of "[UIDVALIDITY 7]"; empty: none */
	struct str code_args;        /* "7" */
	struct str text;             /* what stands behind; for people */
	struct str rest;
};
/* False: it is no response at all. */
bool imap_response_parse(struct str response, struct imap_response *out);

/* Does the line end in "{5}", "{5+}" or "~{5}"? Then the literal's bytes follow the line end, which is not part of `line`. */
bool imap_response_literal(struct str line, uint64_t *size_out);

/* ---- capabilities ---- */

enum imap_capability {
	IMAP_CAP_STARTTLS = 1 << 0, IMAP_CAP_LOGINDISABLED = 1 << 1, IMAP_CAP_PLAIN = 1 << 2, IMAP_CAP_XOAUTH2 = 1 << 3, IMAP_CAP_SASL_IR = 1 << 4,
	IMAP_CAP_SPECIAL_USE = 1 << 5, IMAP_CAP_LIST_EXTENDED = 1 << 6, IMAP_CAP_XLIST = 1 << 7, IMAP_CAP_NAMESPACE = 1 << 8, IMAP_CAP_ID = 1 << 9,
	IMAP_CAP_CONDSTORE = 1 << 10, IMAP_CAP_OBJECTID = 1 << 11, IMAP_CAP_GMAIL = 1 << 12, IMAP_CAP_OAUTHBEARER = 1 << 13,
};
/* Of words parted by spaces. QRESYNC counts as CONDSTORE (RFC 7162 3.2.3), IMAP4rev2 as what is part of it (RFC 9051 appendix E). */
unsigned imap_capabilities(struct str words);

/* ---- mailboxes ---- */

/* The uses of RFC 6154 2 have the bits of enum mailbox_use in model/model.h (migrate asserts it); XLIST's names mean the same. */
enum imap_list_attribute {
	IMAP_LIST_USE_ALL = 1, IMAP_LIST_USE_ARCHIVE = 2, IMAP_LIST_USE_DRAFTS = 4, IMAP_LIST_USE_FLAGGED = 8, IMAP_LIST_USE_JUNK = 16, IMAP_LIST_USE_SENT = 32,
	IMAP_LIST_USE_TRASH = 64, IMAP_LIST_USE_IMPORTANT = 128,
	IMAP_LIST_NOSELECT = 1 << 16,    /* \NonExistent too */
	IMAP_LIST_INBOX = 1 << 17,       /* XLIST calls the inbox by any name */
	IMAP_LIST_IS_SUBSCRIBED = 1 << 18,
};
#define IMAP_LIST_USES 0xffu
struct imap_listed {
	unsigned attributes;         /* enum imap_list_attribute bits */
	char separator;              /* 0: flat */
	struct str name;             /* as the server writes it, without quoting: what it wants to be sent again */
};
bool imap_response_list(struct str rest, struct arena *a, struct imap_listed *out);
/* The name as people read it: modified UTF-7 decoded; what is none is taken as UTF-8, and what is neither, with U+FFFD for the rest. Appends. */
void imap_response_name(struct str wire, struct buf *out);
/* A name as an argument: quoted, or as a literal that must be waited for (*literal_out; out then ends in "{n}" without a line end, and the bytes are the
 * name itself). */
void imap_response_argument(struct str name, struct buf *out, bool *literal_out);

#define IMAP_NAMESPACES_MAX 16
struct imap_namespace {
	struct str prefix;           /* wire form */
	char separator;
	unsigned char kind;          /* 0: personal, 1: of other users, 2: shared (RFC 2342 5) */
};
struct imap_namespaces {
	struct imap_namespace v[IMAP_NAMESPACES_MAX];
	size_t n;
};
bool imap_response_namespace(struct str rest, struct arena *a, struct imap_namespaces *out);
bool imap_response_mailbox_status(struct str rest, struct arena *a, struct str *name_out, uint32_t *messages_out);

/* ---- messages ---- */

#define IMAP_FETCHED_KEYWORDS_MAX 128
struct imap_fetched {
	uint32_t uid;                /* 0: not told */
	bool has_flags, has_size, has_date, has_body;
	unsigned flags;              /* enum imap_flag of cursor.h */
	struct str *keywords;        /* in the arena; atoms only, at most IMAP_FETCHED_KEYWORDS_MAX */
	size_t n_keywords;
	unsigned dropped;            /* flags that are no flags, or too many */
	uint64_t size;
	int64_t date;                /* unix seconds */
	uint64_t modseq;             /* 0: not told */
	struct str email;            /* EMAILID (RFC 8474) or X-GM-MSGID; empty: not told */
	struct str body;             /* of BODY[], BODY[]<0>, RFC822: p NULL for NIL */
};
bool imap_response_fetch(struct str rest, struct arena *a, struct imap_fetched *out);

/* "17-Jul-1996 02:44:25 -0700"; a single digit of the day may stand alone, and the zone may be missing. */
bool imap_response_date(struct str text, int64_t *unix_out);

#endif
