/* What the commands that search the selected mailbox do alike: SEARCH, SORT, THREAD. Threads: as session.h. */
#ifndef PROTO_IMAP_SEARCH_COMMAND_H
#define PROTO_IMAP_SEARCH_COMMAND_H

#include "proto/imap/esearch.h"

/* Reads charset and keys with imap_search_args or imap_search_criteria, up to the end of the command. ret: the command's result options.
 * False with the reply set; where that is NO and SAVE was asked for, "$" is then empty (RFC 5182 2.1). */
bool imap_search_read(struct imap_request *r, const struct imap_search_return *ret,
					  int (*read)(struct imap_cursor *c, struct imap_search *out), struct imap_search *out);
/* Tells the news, and finds the messages of the selected mailbox. False with the reply set, likewise. */
bool imap_search_selected_find(struct imap_request *r, const struct imap_search_return *ret, const struct imap_search *search,
							   struct imap_hits *out);
/* Does what SAVE asks for, if it was asked for. False: *result_out is NO. */
bool imap_search_saved(struct imap_request *r, const struct imap_esearch *e, enum imap_result *result_out);
/* "OK ... completed". */
enum imap_result imap_search_completed(struct imap_request *r, const struct imap_esearch *e);

#endif
