#include "model/tomb.h"

#include "base/bytes.h"
#include "model/acl_record.h"
#include "model/annotation_record.h"
#include "model/bin_inside.h"
#include "model/keys.h"
#include "model/limits.h"
#include "model/subscription.h"

#define FLAG_SUBSCRIBED 1u
#define FIXED_BYTES (RECORD_HEADER + 24u)

int tomb_decode(struct str value, uint32_t mailbox, struct tomb *out)
{
	*out = (struct tomb){ .mailbox = mailbox };
	int rc = record_check(value, FIXED_BYTES);
	if (rc)
		return rc;
	struct cursor c = cursor_make(str_from(value, RECORD_HEADER));
	out->subscribed = record_own0(value) & FLAG_SUBSCRIBED;
	out->deleted = (int64_t)cursor_le64(&c);
	out->use = cursor_le32(&c);
	out->restored = cursor_le32(&c);
	out->from = cursor_le32(&c);
	uint32_t n = cursor_le32(&c);
	struct str name = cursor_bytes(&c, n);
	if (c.bad || cursor_left(&c) || n == 0 || n > MAILBOX_NAME_MAX)
		return ERR_CORRUPT;
	memcpy(out->name, name.p, name.n);
	out->name_n = n;
	return 0;
}

int tomb_load(struct source s, uint32_t mailbox, struct tomb *out)
{
	struct key key = key_tomb(mailbox);
	struct str value;
	int rc = source_get(s, key_str(&key), &value);
	return rc ? rc : tomb_decode(value, mailbox, out);
}

int tomb_next(struct source s, uint32_t after, struct tomb *out)
{
	struct key at = key_tomb(after), from = key_next(&at), to = key_after(KEY_TOMB);
	struct str key, value;
	*out = (struct tomb){ .mailbox = 0 };
	int rc = source_find(s, key_str(&from), key_str(&to), false, &key, &value);
	if (rc <= 0)
		return rc;
	uint32_t mailbox;
	if (!key_read_u32(key, KEY_TOMB, &mailbox))
		return ERR_CORRUPT;
	rc = tomb_decode(value, mailbox, out);
	return rc ? rc : 1;
}

int tomb_save(struct change *c, const struct tomb *t)
{
	char p[FIXED_BYTES + MAILBOX_NAME_MAX];
	store_le64(p + 8, (uint64_t)t->deleted);
	store_le32(p + 16, t->use);
	store_le32(p + 20, t->restored);
	store_le32(p + 24, t->from);
	store_le32(p + 28, t->name_n);
	memcpy(p + FIXED_BYTES, t->name, t->name_n);
	record_seal(p, FIXED_BYTES + t->name_n, t->subscribed ? FLAG_SUBSCRIBED : 0, 0);
	struct key key = key_tomb(t->mailbox);
	c->dirty = true;
	return store_put(c->w, key_str(&key), str_make(p, FIXED_BYTES + t->name_n));
}

/* ---- what goes with it ---- */

/* Annotations that fill over half of an account's room are not kept, or there would be none left for others. */
static int take_along(struct change *c, uint32_t mailbox)
{
	if (mailbox & KEY_KEPT || store_write_level(c->w) < LEVEL_KEEPS_LISTS)
		return 0;
	int rc = acl_move(c, mailbox, key_kept(mailbox));
	return rc || c->state.annotation_bytes > ANNOTATION_BYTES_MAX / 2 ? rc : annotation_move_mailbox(c, mailbox, key_kept(mailbox));
}

int tomb_give_back(struct change *c, const struct tomb *t, uint32_t to)
{
	int rc = acl_move(c, key_kept(t->mailbox), to);
	if (!rc)
		rc = annotation_move_mailbox(c, key_kept(t->mailbox), to);
	changelog_add_plain(&c->log, LOG_ACL, to);
	changelog_add_plain(&c->log, LOG_METADATA, to);
	return rc;
}

int tomb_drop_kept(struct change *c, uint32_t mailbox)
{
	int rc = acl_remove(c, key_kept(mailbox));
	return rc ? rc : annotation_remove_mailbox(c, key_kept(mailbox));
}

/* ---- */

int tomb_remove(struct change *c, uint32_t mailbox)
{
	struct key key = key_tomb(mailbox);
	struct str value;
	int rc = store_wget(c->w, key_str(&key), &value);
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	c->state.tombs -= c->state.tombs > 0;
	c->dirty = true;
	rc = tomb_drop_kept(c, mailbox);
	return rc ? rc : store_del(c->w, key_str(&key));
}

static int drop_oldest(struct change *c)
{
	struct tomb t = { .mailbox = 0 };
	int64_t least = INT64_MAX;
	uint32_t oldest = 0;
	int rc;
	while ((rc = tomb_next(change_source(c), t.mailbox, &t)) == 1 || (rc == ERR_CORRUPT && t.mailbox))
		if (rc == 1 && t.deleted < least) {
			least = t.deleted;
			oldest = t.mailbox;
		}
	return rc ? rc : oldest ? tomb_remove(c, oldest) : 0;
}

int tomb_add(struct change *c, const struct mailbox_record *mailbox)
{
	struct str name = mailbox_record_name(mailbox);
	struct tomb t = { .mailbox = mailbox->id, .deleted = c->now, .use = mailbox->use, .name_n = mailbox->name_n };
	memcpy(t.name, name.p, name.n);
	struct mailbox_record bin;
	int rc = bin_load(c, &bin);
	/* Of a damaged bin nobody knows: then rather too much comes back with the mailbox than too little. */
	t.from = rc ? 1 : bin.uidnext;
	if (rc && rc != ERR_NOT_FOUND && rc != ERR_CORRUPT)
		return rc;
	rc = c->state.tombs >= TOMBS_MAX ? drop_oldest(c) : 0;
	if (!rc)
		rc = tomb_remove(c, mailbox->id);         /* a level that is there no more than a name was a mailbox before */
	if (!rc)
		rc = subscription_has(change_source(c), name, &t.subscribed);
	if (!rc)
		rc = take_along(c, mailbox->id);
	if (rc)
		return rc;
	c->state.tombs++;
	return tomb_save(c, &t);
}

int tomb_expire(struct change *c, int64_t until)
{
	struct tomb t = { .mailbox = 0 };
	int rc;
	while ((rc = tomb_next(change_source(c), t.mailbox, &t)) == 1 || (rc == ERR_CORRUPT && t.mailbox))
		if (rc == 1 && t.deleted <= until && (rc = tomb_remove(c, t.mailbox)) != 0)
			return rc;
	return rc;
}
