#include "codec/imap/store_args.h"

/* RFC 7162 7: "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")", the only modifier of RFC 4466 there is here. */
static bool modifiers(struct imap_cursor *c, struct imap_store *out)
{
	if (!imap_take(c, '('))
		return true;
	do {
		if (out->conditional || !imap_take_word(c, "UNCHANGEDSINCE"))
			return imap_fail(c, "Unknown STORE modifier");
		if (!imap_sp(c) || !imap_number64(c, &out->unchanged_since))
			return false;
		out->conditional = true;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "A modifier list must end with a parenthesis") && imap_sp(c);
}

bool imap_store_args(struct imap_cursor *c, struct imap_store *out)
{
	*out = (struct imap_store){ .op = IMAP_STORE_REPLACE };
	if (!modifiers(c, out))
		return false;
	if (imap_take(c, '+'))
		out->op = IMAP_STORE_ADD;
	else if (imap_take(c, '-'))
		out->op = IMAP_STORE_REMOVE;
	out->silent = imap_take_word(c, "FLAGS.SILENT");
	if (!out->silent && !imap_take_word(c, "FLAGS"))
		return imap_fail(c, "STORE wants FLAGS, +FLAGS or -FLAGS, with or without .SILENT");
	return imap_sp(c) && imap_store_flags(c, &out->flags) && imap_end(c);
}
