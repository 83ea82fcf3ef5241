#include "proto/imap/use.h"

#include "model/model.h"

static const struct {
	const char *name;
	enum mailbox_use bit;
} uses[] = {
	{ "All", MAILBOX_USE_ALL },
	{ "Archive", MAILBOX_USE_ARCHIVE },
	{ "Drafts", MAILBOX_USE_DRAFTS },
	{ "Flagged", MAILBOX_USE_FLAGGED },
	{ "Important", MAILBOX_USE_IMPORTANT },          /* RFC 8457 */
	{ "Junk", MAILBOX_USE_JUNK },
	{ "Sent", MAILBOX_USE_SENT },
	{ "Trash", MAILBOX_USE_TRASH },
};

uint32_t imap_use_find(struct str name)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (str_ieq(name, str_from_c(uses[i].name)))
			return uses[i].bit;
	return MAILBOX_USE_NONE;
}

void imap_use_format(struct buf *out, uint32_t use)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (use & uses[i].bit) {
			buf_add_lit(out, " \\");
			buf_add_c(out, uses[i].name);
		}
	}
}
