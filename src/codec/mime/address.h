/* Addresses of header fields: RFC 5322 3.4 with groups, and the obsolete forms of 4.4 (routes, comments and blanks
 * between all tokens, empty list members), and what is found in the wild (missing domain, commentary names). Any
 * thread.
 *
 * The list is in the terms of the IMAP envelope (RFC 9051 7.5.2): a group is opened by an entry of kind GROUP_START
 * that holds its name and closed by one of kind GROUP_END; addresses in between are members. */
#ifndef CODEC_MIME_ADDRESS_H
#define CODEC_MIME_ADDRESS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum mime_address_kind { MIME_ADDRESS, MIME_GROUP_START, MIME_GROUP_END };

struct mime_address {
	enum mime_address_kind kind;
	struct str name;     /* display name, quoting removed, encoded words left as they are; of a group: its name */
	struct str route;    /* "@a,@b" or empty */
	struct str local;    /* quoting removed; "" when missing */
	struct str domain;   /* or domain literal with its brackets; "" when missing */
};

/* Parses an address list (or a single mailbox). Strings are slices of body or arena copies. Never fails on bad input:
 * what cannot be understood is resynchronised at the next comma, and *defects gets MIME_BAD_ADDRESS or
 * MIME_TOO_MANY_ADDRESSES. Groups are always closed. defects may be NULL. 0 or ERR_NO_MEMORY. */
int mime_addresses_parse(struct str body, struct arena *a, struct mime_address **out, size_t *count_out,
                         uint32_t *defects);

/* local@domain in RFC 5321 form, quoting the local part when it needs it (for keys, logs and comparisons). */
void mime_address_format(const struct mime_address *address, struct buf *out);

#endif
