/* The summary of a message: an immutable, compact, position-independent record that is made once, at delivery, and
 * from which ENVELOPE, BODYSTRUCTURE, section offsets, sort keys, previews and threading are answered without touching
 * the message. Typically 500 to 900 bytes. The layout stands at the top of summary.c.
 *
 * Reading: any thread, no allocation; every slice points into the record and lives as long as it does. Any bytes may be
 * read: what is no summary yields ERR_CORRUPT, never an overrun, and never a tree deeper than MIME_DEPTH_MAX. */
#ifndef CODEC_MIME_SUMMARY_H
#define CODEC_MIME_SUMMARY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "codec/mime/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- making ---- */

/* Appends the summary of m to out. `message` are the bytes m was parsed from. 0, or ERR_NO_MEMORY. */
int mime_summary_encode(const struct mime_message *m, struct str message, struct buf *out);

/* ---- strings ---- */

/* How a string may be written in IMAP, so that a formatter copies without looking at the bytes (RFC 9051 4.3).
 * No string holds CR, LF or NUL: they became spaces when it was unfolded. */
enum mime_text_class {
	MIME_TEXT_NIL,         /* absent */
	MIME_TEXT_PLAIN,       /* 7-bit, no quote, no backslash: "..." as it is */
	MIME_TEXT_ESCAPED,     /* 7-bit with quotes or backslashes: "..." with those escaped */
	MIME_TEXT_LITERAL,     /* 8-bit: a literal, or a quoted string for a client that enabled UTF-8 if it is UTF-8 */
};
struct mime_text {
	const char *p;
	uint32_t n;
	enum mime_text_class class;
};
static inline struct str mime_text_str(struct mime_text t) { return (struct str){ t.p, t.n }; }

/* ---- the record ---- */

struct mime_summary {
	uint32_t size;              /* octets of the message: RFC822.SIZE */
	uint32_t part_count;
	uint32_t defects;           /* enum mime_defect of the whole message */
	bool has_date;              /* the Date field could be read */
	int64_t sent;               /* Date as seconds since 1970; 0 without */
	int zone_minutes;           /* its zone, for SENTON and DATE sorting which look at the local date */
	struct str preview;         /* UTF-8, white space collapsed; may be empty */
	struct str envelope;        /* private from here: blocks of the record */
	struct str references;
	struct str parts;
};

/* 0, ERR_CORRUPT, or ERR_VERSION (made by a newer program). */
int mime_summary_open(struct mime_summary *s, struct str record);

/* ---- the envelope, RFC 9051 7.5.2 ---- */

struct mime_envelope {
	struct mime_text date, subject, in_reply_to, message_id;   /* raw, unfolded */
	struct str from, sender, reply_to, to, cc, bcc;            /* lists for mime_envelope_address; empty: absent */
};
/* One entry as IMAP writes it. Group start: local is the group's name and all else NIL. Group end: all NIL.
 * Else local and domain are never NIL: what the message lacks is the empty string. */
struct mime_envelope_address {
	struct mime_text name, route, local, domain;
};

/* The envelope of the message itself. 0 or ERR_CORRUPT. */
int mime_summary_envelope(const struct mime_summary *s, struct mime_envelope *out);
/* Takes the next address from a list (begin with a copy of envelope.from and so on). False at the end. */
bool mime_envelope_address(struct str *list, struct mime_envelope_address *out);
/* RFC 9051 7.5.2: an absent or empty Sender or Reply-To is answered with From. */
static inline struct str mime_envelope_or_from(const struct mime_envelope *e, struct str list)
{
	return list.n ? list : e->from;
}

/* The message-ids of References, oldest first, without angle brackets: at most MIME_REFERENCES_KEPT. False at the end;
 * begin with *rest = s->references. */
bool mime_summary_reference(struct str *rest, struct str *id_out);

/* ---- the parts, in preorder ---- */

struct mime_summary_part {
	uint8_t kind;                       /* enum mime_kind */
	uint8_t depth;                      /* of the message itself: 0 */
	bool extended;                      /* any of md5, disposition, language, location is there */
	uint32_t index;                     /* 0 is the message itself */
	uint32_t children;
	uint32_t header_at, header_n, body_at, body_n;    /* octets from the start of the message */
	uint32_t lines;
	struct mime_text type, subtype;     /* never NIL */
	struct str params;                  /* for mime_summary_param; empty: NIL */
	struct mime_text id, description;
	struct mime_text encoding;          /* never NIL: 7bit is filled in */
	struct mime_text md5;
	struct mime_text disposition;
	struct str disposition_params;
	struct str languages;               /* for mime_summary_text */
	struct mime_text location;
	struct str envelope;                /* of the message inside, for kind MIME_EMBEDDED: mime_summary_envelope_read */
};

/* A walk over the parts. Copyable: a copy goes on from the same place. */
struct mime_summary_walk {
	struct str rest;
	uint32_t size;                           /* of the message */
	uint32_t index, count;
	uint32_t depth;
	uint32_t pending[MIME_DEPTH_MAX + 1];    /* parts still to come, by depth */
};

void mime_summary_walk(const struct mime_summary *s, struct mime_summary_walk *w);
/* 0: *out is the next part. ERR_NOT_FOUND: that was all. ERR_CORRUPT. What comes back is one consistent tree: part 0,
 * then for every part as many subtrees as it has children. */
int mime_summary_next(struct mime_summary_walk *w, struct mime_summary_part *out);

/* Next attribute and value; a name ends in "*" when the value is extended by RFC 2231. False at the end. */
bool mime_summary_param(struct str *rest, struct mime_text *name_out, struct mime_text *value_out);
bool mime_summary_text(struct str *rest, struct mime_text *out);
int mime_summary_envelope_read(struct str envelope, struct mime_envelope *out);

#endif
