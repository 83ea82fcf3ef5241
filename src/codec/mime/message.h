/* The structure of one message: RFC 5322, RFC 2045, RFC 2046. One pass over bytes in memory, nothing copied but
 * parameter values that need it. Any thread; a parsed message may be read by many. Slices point into the bytes or into
 * the arena, and both must outlive the message. Never fails on bad input. */
#ifndef CODEC_MIME_MESSAGE_H
#define CODEC_MIME_MESSAGE_H

#include "base/arena.h"
#include "base/str.h"
#include "codec/mime/defect.h"
#include "codec/mime/limits.h"
#include "codec/mime/param.h"
#include "codec/mime/transfer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The fields that structure, envelope and threading need; all others are reached by codec/mime/header.h. */
enum mime_field {
	MIME_FIELD_DATE,
	MIME_FIELD_SUBJECT,
	MIME_FIELD_FROM,
	MIME_FIELD_SENDER,
	MIME_FIELD_REPLY_TO,
	MIME_FIELD_TO,
	MIME_FIELD_CC,
	MIME_FIELD_BCC,
	MIME_FIELD_IN_REPLY_TO,
	MIME_FIELD_MESSAGE_ID,
	MIME_FIELD_REFERENCES,
	MIME_FIELD_CONTENT_TYPE,
	MIME_FIELD_CONTENT_TRANSFER_ENCODING,
	MIME_FIELD_CONTENT_ID,
	MIME_FIELD_CONTENT_DESCRIPTION,
	MIME_FIELD_CONTENT_DISPOSITION,
	MIME_FIELD_CONTENT_LANGUAGE,
	MIME_FIELD_CONTENT_LOCATION,
	MIME_FIELD_CONTENT_MD5,
	MIME_FIELD_COUNT
};

enum mime_kind {
	MIME_LEAF,         /* no children */
	MIME_MULTIPART,    /* one child or more */
	MIME_EMBEDDED,     /* message/rfc822 or message/global: exactly one child, whose header is a message header */
};

/* An entity: a header and a body. The message itself is part 0. Parts stand in preorder: the first child of part i is
 * part i + 1, its next sibling is part[i].after. Bodies of multiparts include preamble and epilogue. The line end
 * before a boundary belongs to the boundary (RFC 2046 5.1.1) and so to no part but the parent; only the blank line of
 * a header stays with it even there. */
struct mime_part {
	enum mime_kind kind;
	enum mime_encoding encoding;
	uint32_t parent;               /* of part 0: itself */
	uint32_t after;                /* index after the last descendant */
	uint32_t children;
	uint32_t depth;                /* of part 0: 0 */
	uint32_t header_at, header_n;  /* octets from the start of the message; with the blank line */
	uint32_t body_at, body_n;      /* body_at == header_at + header_n */
	uint32_t lines;                /* line ends in the body: what IMAP calls its size in lines */
	uint32_t defects;              /* of this part alone */
	uint32_t repeated;             /* bit per enum mime_field: occurs more than once; field[] has the first */
	/* Never empty: defaults are filled in (text/plain, or message/rfc822 in multipart/digest, RFC 2046 5.1.5). What is
	 * not taken apart because of a limit is application/octet-stream. */
	struct mime_content type;
	struct str field[MIME_FIELD_COUNT];    /* raw bodies as in struct mime_header_field; p == NULL: absent */
};

struct mime_message {
	struct str bytes;
	struct mime_part *part;
	uint32_t part_count;           /* 1 or more */
	uint32_t defects;              /* of all parts together */
};

/* 0, ERR_TOO_BIG (over MIME_MESSAGE_MAX) or ERR_NO_MEMORY. */
int mime_message_parse(struct str bytes, struct arena *a, struct mime_message *out);

static inline struct str mime_part_header(const struct mime_message *m, const struct mime_part *p)
{
	return str_sub(m->bytes, p->header_at, p->header_n);
}
static inline struct str mime_part_body(const struct mime_message *m, const struct mime_part *p)
{
	return str_sub(m->bytes, p->body_at, p->body_n);
}
/* True for the message itself and for what stands in a message/rfc822: parts whose header is a message header. */
static inline bool mime_part_is_message(const struct mime_message *m, const struct mime_part *p)
{
	return p == m->part || m->part[p->parent].kind == MIME_EMBEDDED;
}
/* The whole destination field, repeated ones joined by a comma (RFC 5322 4.5.3), others the first one only. The result
 * is a slice of the message or an arena copy; empty when absent. */
struct str mime_part_addresses(const struct mime_message *m, const struct mime_part *p, enum mime_field field,
                               struct arena *a);

#endif
