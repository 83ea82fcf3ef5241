#include "model/tree.h"

#include "model/acl_record.h"
#include "model/annotation_record.h"
#include "model/keys.h"
#include "model/name.h"
#include "model/quota.h"
#include "model/url_key.h"

int tree_take_uidvalidity(struct change *c, int64_t now, uint32_t *out)
{
	if (c->state.uidvalidity == UINT32_MAX)
		return ERR_TOO_BIG;
	uint32_t next = c->state.uidvalidity + 1;
	if (now > next && now <= UINT32_MAX)
		next = (uint32_t)now;
	c->state.uidvalidity = next;
	*out = next;
	return 0;
}

/* RFC 4314 section 4, CREATE: with the rights of the nearest mailbox above. */
static int inherit(struct change *c, const struct mailbox_record *mailbox)
{
	struct mailbox_record above = { .id = c->heir_of };
	struct str name = name_parent(mailbox_record_name(mailbox));
	for (; name.n; name = name_parent(name)) {
		int rc = name_lookup(change_source(c), name, &above);
		if (rc)
			return rc;
		if (!above.no_select)
			break;
		above.id = c->heir_of;
	}
	return above.id ? acl_inherit(c, above.id, mailbox->id) : 0;
}

static int add(struct change *c, struct mailbox_record *out, int64_t now)
{
	struct str name = mailbox_record_name(out);
	if (c->state.mailbox_next == UINT32_MAX)
		return ERR_TOO_BIG;
	out->modseq = c->modseq;
	int rc = tree_take_uidvalidity(c, now, &out->uidvalidity);
	if (!rc)
		rc = mailbox_record_save(c->w, out);
	if (!rc)
		rc = name_index_add(c->w, name, out->id);
	if (rc)
		return rc;
	c->state.mailbox_next++;
	c->state.mailboxes++;
	c->state.tree_modseq = c->modseq;
	changelog_add_plain(&c->log, LOG_MAILBOX_CREATED, out->id);
	return 0;
}

int tree_add(struct change *c, struct str name, uint32_t use, int64_t now, struct mailbox_record *out)
{
	if (c->state.mailboxes - (c->state.bin ? 1 : 0) >= MAILBOXES_MAX)
		return ERR_TOO_BIG;
	if (!quota_has_mailbox_room(&c->state))
		return ERR_QUOTA;
	mailbox_record_init(out, c->state.mailbox_next, name);
	out->use = use;
	int rc = add(c, out, now);
	return rc ? rc : inherit(c, out);
}

int tree_add_bin(struct change *c, struct str name, int64_t now, struct mailbox_record *out)
{
	mailbox_record_init(out, c->state.mailbox_next, name);
	out->bin = true;
	int rc = add(c, out, now);
	if (!rc)
		c->state.bin = out->id;
	return rc;
}

int tree_add_superiors(struct change *c, struct str name, int64_t now)
{
	struct mailbox_record mailbox;
	/* From the top, so that an interrupted look at the log never shows a child without its parent. */
	for (size_t at = 0; at < name.n; at++) {
		if (name.p[at] != MAILBOX_SEPARATOR)
			continue;
		struct str level = str_sub(name, 0, at);
		int rc = name_lookup(change_source(c), level, &mailbox);
		if (rc == ERR_NOT_FOUND)
			rc = tree_add(c, level, 0, now, &mailbox);
		if (rc)
			return rc;
	}
	return 0;
}

int tree_remove(struct change *c, const struct mailbox_record *mailbox)
{
	struct key key = key_mailbox(mailbox->id);
	int rc = name_index_remove(c->w, mailbox_record_name(mailbox), mailbox->id);
	if (!rc)
		rc = annotation_remove_mailbox(c, mailbox->id);
	if (!rc)
		rc = store_del(c->w, key_str(&key));
	if (!rc)
		rc = acl_remove(c, mailbox->id);
	if (!rc)
		rc = url_key_remove(c, mailbox->id);
	if (rc)
		return rc;
	c->state.mailboxes--;
	c->state.tree_modseq = c->modseq;
	changelog_add_plain(&c->log, LOG_MAILBOX_DELETED, mailbox->id);
	return 0;
}

int tree_next(struct source s, uint32_t after, struct mailbox_record *out) { return tree_next_but(s, 0, after, out); }

int tree_next_but(struct source s, uint32_t but, uint32_t after, struct mailbox_record *out)
{
	struct key at = key_mailbox(after), from = key_next(&at), to = key_after(KEY_MAILBOX);
	struct str key, value;
	int rc = source_find(s, key_str(&from), key_str(&to), false, &key, &value);
	if (rc <= 0)
		return rc;
	uint32_t id;
	if (!key_read_u32(key, KEY_MAILBOX, &id))
		return ERR_CORRUPT;
	if (but && id == but)
		return tree_next_but(s, 0, id, out);
	rc = mailbox_record_decode(value, id, out);
	return rc ? rc : 1;
}

int tree_has_children(struct change *c, struct str name, bool *out)
{
	struct mailbox_record mailbox = { .id = 0 };
	int rc;
	*out = false;
	while (!*out && (rc = tree_next_but(change_source(c), c->state.bin, mailbox.id, &mailbox)) == 1)
		*out = name_is_below(mailbox_record_name(&mailbox), name);
	return *out ? 0 : rc;
}
