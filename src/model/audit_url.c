/* Mailbox access keys: damaged ones, and those of mailboxes that are not there. */
#include "model/audit.h"

#include "model/url_key.h"

int audit_read_url(struct audit *c, struct str key, struct str value)
{
	uint32_t mailbox;
	bool abroad;
	if (!key_read_url(key, &mailbox, &abroad))
		return 0;
	int rc = url_key_check(value);
	if (rc == ERR_CORRUPT)
		audit_fault(c, AUDIT_URLS, "mailbox %u: its key of authorised URLs is damaged", mailbox);
	else if (!rc && !abroad && !audit_mailbox_find(c, mailbox))
		audit_fault(c, AUDIT_URLS, "mailbox %u: it has a key of authorised URLs but no record", mailbox);
	return rc == ERR_CORRUPT ? 0 : rc;
}

/* What cannot be read opens nothing; without it a new one is made when somebody asks. */
static int is_bad(struct change *c, struct str key, struct str value, bool *out)
{
	uint32_t mailbox;
	bool abroad;
	struct mailbox_record record;
	*out = true;
	if (!key_read_url(key, &mailbox, &abroad))
		return 0;
	int rc = url_key_check(value);
	if (rc)
		return rc == ERR_CORRUPT ? 0 : rc;
	rc = abroad ? 0 : mailbox_record_load(change_source(c), mailbox, &record);
	*out = rc == ERR_NOT_FOUND;
	return *out ? 0 : rc;
}

int audit_mend_urls(struct change *c, void *arg)
{
	(void)arg;
	struct key from = key_first(KEY_URL), to = key_after(KEY_URL);
	struct str key, value;
	int rc;
	while ((rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		char copy[STORE_KEY_MAX];
		struct str at = { copy, key.n };
		bool bad;
		memcpy(copy, key.p, key.n);
		rc = is_bad(c, key, value, &bad);
		if (!rc && bad)
			rc = store_del(c->w, at);
		if (rc)
			return rc;
		c->dirty |= bad;
		if (!bad) {                      /* and so of a length that fits */
			memcpy(from.p, copy, at.n);
			from.n = at.n;
			from = key_next(&from);
		}
	}
	return rc;
}
