/* Which mailboxes ESEARCH searches: RFC 7377 2.2 and 4, RFC 5465 6. For one thread. */
#ifndef CODEC_IMAP_SEARCH_SCOPES_H
#define CODEC_IMAP_SEARCH_SCOPES_H

#include "codec/imap/cursor.h"

#include <stdbool.h>
#include <stddef.h>

enum imap_scope_kind {
	IMAP_SCOPE_SELECTED,
	IMAP_SCOPE_INBOXES,
	IMAP_SCOPE_PERSONAL,
	IMAP_SCOPE_SUBSCRIBED,
	IMAP_SCOPE_SUBTREE,              /* name, and all below */
	IMAP_SCOPE_SUBTREE_ONE,          /* name, and what is directly below */
	IMAP_SCOPE_MAILBOXES,            /* name */
};
struct imap_scope {
	enum imap_scope_kind kind;
	struct str *name;                /* in the arena */
	size_t name_count;
};
struct imap_scopes {
	bool given;                      /* IN (...) was there */
	struct imap_scope *v;            /* in the arena */
	size_t n;
};

/* ["IN" SP "(" filter-mailboxes *(SP filter-mailboxes) [SP "(" scope-options ")"] ")" SP]; no scope option is defined. */
bool imap_search_scopes(struct imap_cursor *c, struct imap_scopes *out);

#endif
