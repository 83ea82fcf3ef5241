#include "codec/imap/quota_args.h"

static const char *const names[IMAP_QUOTA_RESOURCES] = {
	[IMAP_QUOTA_STORAGE] = "STORAGE", [IMAP_QUOTA_MESSAGE] = "MESSAGE", [IMAP_QUOTA_MAILBOX] = "MAILBOX",
};

const char *imap_quota_resource_name(enum imap_quota_resource resource) { return names[resource]; }

bool imap_get_quota_args(struct imap_cursor *c, struct str *root_out) { return imap_astring(c, root_out) && imap_end(c); }

static bool limit(struct imap_cursor *c, struct imap_set_quota *out)
{
	unsigned i = 0;
	uint64_t value;
	while (i < IMAP_QUOTA_RESOURCES && !imap_take_word(c, names[i]))
		i++;
	if (i == IMAP_QUOTA_RESOURCES && !imap_atom(c, &out->unknown))
		return false;
	if (!imap_sp(c) || !imap_number64(c, &value))
		return false;
	if (i == IMAP_QUOTA_RESOURCES)
		return true;
	if (out->has[i])
		return imap_fail(c, "A resource is named twice");
	out->has[i] = true;
	out->limit[i] = value;
	return true;
}

bool imap_set_quota_args(struct imap_cursor *c, struct imap_set_quota *out)
{
	*out = (struct imap_set_quota){ .unknown = STR_NONE };
	if (!imap_astring(c, &out->root) || !imap_sp(c) || !imap_expect(c, '(', "A list of limits must begin with a parenthesis"))
		return false;
	if (imap_take(c, ')'))
		return imap_end(c);
	do {
		if (!limit(c, out))
			return false;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "A list of limits must end with a parenthesis") && imap_end(c);
}
