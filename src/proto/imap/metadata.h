/* Annotations as IMAP sees them (RFC 5464): what is stored, and what is computed: /private/specialuse of a mailbox (RFC 6154 4), and /shared/admin of
 * the server. Shared by GETMETADATA, SETMETADATA and LIST RETURN (METADATA ...). Threads: as session.h. */
#ifndef PROTO_IMAP_METADATA_H
#define PROTO_IMAP_METADATA_H

#include "codec/imap/metadata_args.h"
#include "model/annotation.h"
#include "proto/imap/command.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whose annotations. */
struct imap_annotated {
	struct account *account;         /* NULL: the server */
	const struct mailbox *mailbox;
	struct str name;                 /* as the client knows it; empty: the server */
	uint32_t rights;                 /* enum acl_right bits of the user */
};

/* May the user see and change them? (RFC 5464 3.3: the right to look it up, and one of those to read, write or post; the server's are for
 * everybody to see.) */
bool imap_metadata_allowed(const struct imap_annotated *of);

struct imap_metadata_wish {
	const struct str *entry;
	size_t count;
	enum imap_metadata_depth depth;
	bool has_maxsize;
	uint32_t maxsize;
};
/* Writes one METADATA response with what is there of that; an entry that is named and not there is told as NIL. *longest_out (may be NULL): the
 * size of the biggest value left out for maxsize, or 0. 0, or an error of the model (nothing is written then). */
int imap_metadata_write(struct imap_request *r, const struct imap_annotated *of, const struct imap_metadata_wish *wish, uint64_t *longest_out);

#endif
