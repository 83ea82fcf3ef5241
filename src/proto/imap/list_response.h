/* The untagged LIST response: RFC 3501 7.2.2, RFC 5258 3.3 to 3.5, RFC 9051 7.3.1. Threads: as session.h. */
#ifndef PROTO_IMAP_LIST_RESPONSE_H
#define PROTO_IMAP_LIST_RESPONSE_H

#include "proto/imap/list_names.h"

enum imap_list_told {
	IMAP_TELL_SUBSCRIBED = 1,        /* \Subscribed; listed->subscribed is known */
	IMAP_TELL_CHILDREN = 2,          /* \HasChildren or \HasNoChildren also of what does not exist */
	IMAP_TELL_STATUS = 4,            /* a STATUS response is due: \NoSelect when the user may not read it (RFC 5819 2) */
	IMAP_TELL_NONEXISTENT = 8,       /* the client knows \NonExistent (RFC 5258, RFC 9051); else it is told \Noselect */
};

/* "* LIST (attributes) "/" name", without the line end. */
void imap_list_begin(struct imap_session *s, const struct imap_listed *listed, unsigned told);
/* The CHILDINFO extended item (RFC 5258 3.5) for these enum imap_list_select bits; behind imap_list_begin. */
void imap_list_childinfo(struct imap_session *s, unsigned select);
/* The OLDNAME extended item (RFC 9051 6.3.9.7). */
void imap_list_oldname(struct imap_session *s, struct str old);
void imap_list_end(struct imap_session *s);
/* A whole line with \NoAccess (RFC 5465 3.1): it may be listed, and not be watched. */
void imap_list_no_access(struct imap_session *s, const struct imap_listed *listed);

/* The LIST response of one mailbox that SELECT and others tell to clients of IMAP4rev2 (RFC 9051 6.3.2, 6.3.4, 6.3.6). name: canonical.
 * supplied: what the client called it; when that is another, it goes along as OLDNAME (6.3.9.7). Nothing when the mailbox is
 * not there. 0, or an error of the model. */
int imap_list_tell(struct imap_request *r, struct str name, struct str supplied);

/* After a mailbox got a name from the client: to a client of IMAP4rev2, when the name it gave, or the one given before, is not what the mailbox
 * is called now because of normalization (RFC 9051 6.3.4, 6.3.6): its LIST response with `supplied` as OLDNAME. */
void imap_list_tell_normalized(struct imap_request *r, struct str name, struct str supplied);

/* Can it be selected by the user? */
bool imap_list_selectable(const struct imap_listed *listed);

#endif
