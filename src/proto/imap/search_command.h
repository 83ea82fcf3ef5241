/* What the commands that search the selected mailbox do alike: SEARCH, SORT, THREAD. Threads: as session.h. */
#ifndef PROTO_IMAP_SEARCH_COMMAND_H
#define PROTO_IMAP_SEARCH_COMMAND_H

#include "proto/imap/esearch.h"

/* Reads charset and keys up to the end of the command, FILTER too (RFC 5466); criteria: as SORT has them. ret: the command's result options.
 * False with the reply set; where that is NO and SAVE was asked for, "$" is then empty (RFC 5182 2.1). */
bool imap_search_read(struct imap_request *r, const struct imap_search_return *ret, bool criteria, struct imap_search *out);
/* Tells the news, and finds the messages of the selected mailbox. False with the reply set, likewise. Not more than `most`, when that
 * is not 0. */
bool imap_search_selected_find(struct imap_request *r, const struct imap_search_return *ret, const struct imap_search *search,
							   size_t most, struct imap_hits *out);
/* How many messages a SEARCH has to find: one, when only the first is asked for; 0: all. */
size_t imap_search_most(const struct imap_search_return *ret);
/* Does what SAVE asks for, if it was asked for. False: *result_out is NO. */
bool imap_search_saved(struct imap_request *r, const struct imap_esearch *e, enum imap_result *result_out);
/* "* SEARCH 1 2 (MODSEQ 3)" under that name. */
void imap_search_write_plain(const struct imap_esearch *e, const char *name);
/* NO for an error; "$" is then empty, if SAVE was asked for. */
enum imap_result imap_search_failed(struct imap_request *r, const struct imap_search_return *ret, int err);
/* "OK ... completed". */
enum imap_result imap_search_completed(struct imap_request *r, const struct imap_esearch *e);

#endif
