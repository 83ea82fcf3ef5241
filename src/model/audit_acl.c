/* Access lists: damaged ones, and those of mailboxes that are not there. */
#include "model/audit.h"

#include "model/acl_record.h"
#include "model/tomb.h"

int audit_read_acl(struct audit *c, struct str key, struct str value)
{
	uint32_t mailbox;
	struct acl acl;
	if (!key_read_u32(key, KEY_ACL, &mailbox))
		return 0;
	struct arena arena = ARENA_INIT(0);
	int rc = acl_decode(value, &arena, &acl);
	arena_fini(&arena);
	if (rc == ERR_CORRUPT)
		audit_fault(c, AUDIT_ACLS, "mailbox %u: its access rights are damaged", mailbox);
	else if (!rc && mailbox & KEY_KEPT)
		rc = audit_add(&c->kept_acls, mailbox);
	else if (!rc && !audit_mailbox_find(c, mailbox))
		audit_fault(c, AUDIT_ACLS, "mailbox %u: it has access rights but no record", mailbox);
	return rc == ERR_CORRUPT ? 0 : rc;
}

/* What cannot be read is set aside, and then only the owner has rights there: nobody is let in by a guess. */
static int mend(struct change *c, uint32_t mailbox, struct str value)
{
	struct key key = key_acl(mailbox);
	struct arena arena = ARENA_INIT(0);
	struct mailbox_record record;
	struct tomb tomb;
	struct acl acl;
	int rc = acl_decode(value, &arena, &acl);
	arena_fini(&arena);
	if (rc == ERR_CORRUPT) {
		changelog_add_plain(&c->log, LOG_ACL, mailbox);
		return audit_set_aside(c, &key);
	}
	if (!rc && mailbox & KEY_KEPT)
		rc = tomb_load(change_source(c), mailbox & ~KEY_KEPT, &tomb);
	else if (!rc)
		rc = mailbox_record_load(change_source(c), mailbox, &record);
	return rc == ERR_NOT_FOUND ? acl_remove(c, mailbox) : rc;
}

int audit_mend_acls(struct change *c, void *arg)
{
	(void)arg;
	struct key from = key_first(KEY_ACL), to = key_after(KEY_ACL);
	struct str key, value;
	uint32_t mailbox;
	int rc;
	while ((rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		if (!key_read_u32(key, KEY_ACL, &mailbox))
			return ERR_CORRUPT;
		from = key_acl(mailbox);
		from = key_next(&from);
		rc = mend(c, mailbox, value);
		if (rc)
			return rc;
	}
	return rc;
}
