#include "codec/imap/status_att.h"

bool imap_status_list(struct imap_cursor *c, uint32_t *items_out)
{
	static const struct { const char *name; enum imap_status_item item; } known[] = {
		{ "MESSAGES", IMAP_STATUS_MESSAGES }, { "RECENT", IMAP_STATUS_RECENT },
		{ "UIDNEXT", IMAP_STATUS_UIDNEXT }, { "UIDVALIDITY", IMAP_STATUS_UIDVALIDITY },
		{ "UNSEEN", IMAP_STATUS_UNSEEN }, { "DELETED", IMAP_STATUS_DELETED },
		{ "SIZE", IMAP_STATUS_SIZE }, { "HIGHESTMODSEQ", IMAP_STATUS_HIGHESTMODSEQ },
		{ "DELETED-STORAGE", IMAP_STATUS_DELETED_STORAGE },
		{ "MAILBOXID", IMAP_STATUS_MAILBOXID },
		{ "APPENDLIMIT", IMAP_STATUS_APPENDLIMIT },
	};
	*items_out = 0;
	if (!imap_expect(c, '(', "A list of status items must begin with a parenthesis"))
		return false;
	do {
		size_t i = 0;
		while (i < sizeof(known) / sizeof(known[0]) && !imap_take_word(c, known[i].name))
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return imap_fail(c, "Unknown status item");
		*items_out |= known[i].item;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "A list of status items must end with a parenthesis");
}

bool imap_status_args(struct imap_cursor *c, uint32_t *items_out)
{
	return imap_status_list(c, items_out) && imap_end(c);
}
