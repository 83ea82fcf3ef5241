#include "codec/imap/sort_args.h"

static bool criterion(struct imap_cursor *c, struct imap_sort *out)
{
	static const char *const names[] = { "ARRIVAL", "CC", "DATE", "DISPLAYFROM", "DISPLAYTO", "FROM", "RELEVANCY", "SIZE", "SUBJECT", "TO" };
	if (out->n == IMAP_SORT_CRITERIA_MAX)
		return imap_fail(c, "Too many sort criteria");
	bool reverse = imap_take_word(c, "REVERSE");
	if (reverse && !imap_sp(c))
		return false;
	unsigned i = 0;
	while (i < sizeof(names) / sizeof(names[0]) && !imap_take_word(c, names[i]))
		i++;
	if (i == sizeof(names) / sizeof(names[0]))
		return imap_fail(c, "Unknown sort criterion");
	out->by[out->n].key = (enum imap_sort_key)i;
	out->by[out->n++].reverse = reverse;
	return true;
}

bool imap_sort_has(const struct imap_sort *sort, enum imap_sort_key key)
{
	for (unsigned i = 0; i < sort->n; i++)
		if (sort->by[i].key == key)
			return true;
	return false;
}

bool imap_sort_args(struct imap_cursor *c, struct imap_sort *out)
{
	out->n = 0;
	if (!imap_expect(c, '(', "Sort criteria stand in parentheses"))
		return false;
	do {
		if (!criterion(c, out))
			return false;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "A list of sort criteria must end with a parenthesis");
}
