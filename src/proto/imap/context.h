/* Contexts that are kept up to date: SEARCH and SORT with RETURN (UPDATE), RFC 5267 section 4. A context keeps the parsed search and the UIDs it found,
 * in order. When the selected mailbox changed, sync.c asks here: each search is run again, and what differs is told by ADDTO and REMOVEFROM. Threads: as
 * session.h. */
#ifndef PROTO_IMAP_CONTEXT_H
#define PROTO_IMAP_CONTEXT_H

#include "codec/imap/search_return.h"
#include "proto/imap/command.h"
#include "proto/imap/search_run.h"

#include <stdbool.h>

struct imap_contexts;

/* Has no context this tag yet? False: BAD is set (4.3). */
bool imap_context_tag_is_new(struct imap_request *r);
/* After the answer was written: makes the context of r, whose criteria (of SORT), charset and keys are `args`. Where that cannot be, the untagged
 * NO [NOUPDATE] is written instead (4.3.1): too many of them, too much in them, message numbers or "$" in it, or order by relevancy. */
void imap_context_begin(struct imap_request *r, struct str args, bool sort, bool uid, const struct imap_hits *hits);
/* CANCELUPDATE of one. False: there is none. */
bool imap_context_cancel(struct imap_session *s, struct str tag);
/* Before the removal of these messages of `before` is told. */
void imap_contexts_removed(struct imap_session *s, const struct view *before, const struct rangeset *uids);
/* After the client was told of a new view. 0, or an error of the search: the next change tries again. */
int imap_contexts_changed(struct imap_session *s);
/* The mailbox is selected no more (4.3). */
void imap_contexts_end(struct imap_session *s);

#endif
