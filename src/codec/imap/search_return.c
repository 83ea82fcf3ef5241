#include "codec/imap/search_return.h"

static const struct {
	const char *name;
	unsigned bit;
} known[] = {
	{ "ALL", IMAP_RETURN_ALL }, { "CONTEXT", IMAP_RETURN_CONTEXT }, { "COUNT", IMAP_RETURN_COUNT },
	{ "MAX", IMAP_RETURN_MAX }, { "MIN", IMAP_RETURN_MIN }, { "PARTIAL", IMAP_RETURN_PARTIAL },
	{ "RELEVANCY", IMAP_RETURN_RELEVANCY }, { "SAVE", IMAP_RETURN_SAVE }, { "UPDATE", IMAP_RETURN_UPDATE },
};

static bool option(struct imap_cursor *c, struct imap_search_return *out)
{
	size_t i = 0;
	while (i < sizeof(known) / sizeof(known[0]) && !imap_take_word(c, known[i].name))
		i++;
	if (i == sizeof(known) / sizeof(known[0]))
		return imap_fail(c, "Unknown result option");
	unsigned before = out->options;
	out->options |= known[i].bit;
	if (known[i].bit == IMAP_RETURN_PARTIAL && !(imap_sp(c) && imap_partial(c, &out->partial)))
		return false;
	/* RFC 9394 3.1. */
	if ((known[i].bit & before & IMAP_RETURN_PARTIAL) || !(~out->options & (IMAP_RETURN_ALL | IMAP_RETURN_PARTIAL)))
		return imap_fail(c, "Only one PARTIAL or ALL");
	return true;
}

bool imap_search_return(struct imap_cursor *c, struct imap_search_return *out)
{
	*out = (struct imap_search_return){ .given = imap_take_word(c, "RETURN") };
	if (!out->given)
		return !c->error;
	if (!imap_sp(c) || !imap_expect(c, '(', "RETURN wants a list in parentheses"))
		return false;
	if (!imap_take(c, ')')) {
		do {
			if (!option(c, out))
				return false;
		} while (imap_take(c, ' '));
		if (!imap_expect(c, ')', "A list of result options must end with a parenthesis"))
			return false;
	}
	if (out->options == 0)
		out->options = IMAP_RETURN_ALL;
	return imap_sp(c);
}
