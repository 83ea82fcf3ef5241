#include "codec/imap/id.h"

static bool pair(struct imap_cursor *c, struct imap_id_pair *out)
{
	if (!imap_string(c, &out->name) || !imap_sp(c) || !imap_nstring(c, &out->value))
		return false;
	/* RFC 2971 3.3: field names of 30 octets, values of 1024, 30 pairs. */
	if (out->name.n > IMAP_ID_NAME_MAX || out->value.n > IMAP_ID_VALUE_MAX)
		return imap_fail(c, "An ID field or value is too long");
	return true;
}

bool imap_id_args(struct imap_cursor *c, struct imap_id_pair **out, size_t *count_out)
{
	*out = NULL;
	*count_out = 0;
	if (imap_take_word(c, "NIL"))
		return imap_end(c);
	if (!imap_expect(c, '(', "ID wants NIL or a list"))
		return false;
	if (imap_take(c, ')'))
		return imap_end(c);
	struct imap_id_pair *v = arena_array(c->arena, IMAP_ID_PAIRS_MAX, sizeof(*v));
	if (!v)
		return imap_fail(c, "Out of memory");
	size_t n = 0;
	do {
		if (n == IMAP_ID_PAIRS_MAX)
			return imap_fail(c, "Too many ID fields");
		if (!pair(c, &v[n++]))
			return false;
	} while (imap_take(c, ' '));
	*out = v;
	*count_out = n;
	return imap_expect(c, ')', "An ID list must end with a parenthesis") && imap_end(c);
}
