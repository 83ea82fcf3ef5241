/* Mending the tree of mailboxes, in one commit: records that are lost, names that are not found, levels that are
 * missing. */
#include "model/audit.h"

#include "base/clock.h"
#include "model/bin.h"
#include "model/name.h"
#include "model/tree.h"

static bool is_free(struct change *c, struct str name, int *rc)
{
	struct mailbox_record other;
	*rc = name_lookup(change_source(c), name, &other);
	return *rc == ERR_NOT_FOUND;
}

/* "Recovered-12", or with more behind it, whatever is free; INBOX and the bin get their own names back. */
static int find_name(struct change *c, uint32_t id, char *text, size_t size, struct str *out)
{
	int rc = 0;
	for (unsigned i = 0; i < 1000; i++) {
		int n = id == MAILBOX_INBOX && i == 0	 ? snprintf(text, size, "INBOX")
				: id == c->state.bin && i == 0 ? snprintf(text, size, BIN_NAME)
											   : snprintf(text, size, i ? "Recovered-%u-%u" : "Recovered-%u", id, i);
		*out = str_make(text, (size_t)n);
		if (is_free(c, *out, &rc))
			return 0;
		if (rc)
			return rc;
	}
	return ERR_EXISTS;
}

/* A new record for messages that have none. Its counts come with the recount. */
static int make_record(struct change *c, uint32_t id)
{
	struct key key = key_mailbox(id);
	struct mailbox_record m;
	char text[64];
	struct str name;
	int rc = audit_set_aside(c, &key);
	if (!rc)
		rc = find_name(c, id, text, sizeof(text), &name);
	if (rc)
		return rc;
	mailbox_record_init(&m, id, name);
	m.modseq = c->modseq;
	m.bin = id == c->state.bin;
	rc = tree_take_uidvalidity(c, clock_now(), &m.uidvalidity);
	if (!rc)
		rc = mailbox_record_save(c->w, &m);
	if (!rc)
		rc = name_index_add(c->w, name, id);
	changelog_add_plain(&c->log, LOG_MAILBOX_CREATED, id);
	return rc;
}

/* The next id, after `after`, that has a mailbox key. 1, 0, or an error. */
static int next_record(struct change *c, uint32_t after, uint32_t *id_out, int *damage_out)
{
	struct key at = key_mailbox(after), from = key_next(&at), to = key_after(KEY_MAILBOX);
	struct str key, value;
	int rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &key, &value);
	if (rc <= 0)
		return rc;
	struct mailbox_record m;
	if (!key_read_u32(key, KEY_MAILBOX, id_out))
		return ERR_CORRUPT;
	*damage_out = mailbox_record_decode(value, *id_out, &m);
	return 1;
}

/* All names of records that can be read; one that is taken or not allowed gives way to a new one. */
static int index_names(struct change *c)
{
	struct key first = key_first(KEY_NAME), after = key_after(KEY_NAME);
	int damage, rc = store_del_range(c->w, key_str(&first), key_str(&after), NULL);
	for (uint32_t id = 0; !rc && (rc = next_record(c, id, &id, &damage)) == 1;) {
		struct mailbox_record m;
		rc = 0;
		if (damage)
			continue;
		rc = mailbox_record_load(change_source(c), id, &m);
		char text[MAILBOX_NAME_MAX], fresh[64];
		struct str name = mailbox_record_name(&m), canonical;
		bool usable = !rc && name_canonical(name, text, &canonical, NULL) == 0 && is_free(c, canonical, &rc);
		bool right = usable && str_eq(name, canonical);
		if (!right && (rc == 0 || rc == ERR_NOT_FOUND)) {
			name = canonical;
			rc = usable ? 0 : find_name(c, id, fresh, sizeof(fresh), &name);
			if (!rc) {
				mailbox_record_set_name(&m, name);
				changelog_add_plain(&c->log, LOG_MAILBOX_RENAMED, id);
				rc = mailbox_record_save(c->w, &m);
			}
		}
		if (rc == ERR_NOT_FOUND)
			rc = 0;
		if (!rc)
			rc = name_index_add(c->w, mailbox_record_name(&m), id);
	}
	return rc;
}

static int replace_damaged(struct change *c)
{
	int damage, rc = 0;
	for (uint32_t id = 0; !rc && (rc = next_record(c, id, &id, &damage)) == 1;)
		rc = damage == ERR_CORRUPT ? make_record(c, id) : damage;
	return rc;
}

/* Index pages whose mailbox is not there. */
static int adopt_pages(struct change *c)
{
	struct key from = key_first(KEY_PAGE), to = key_after(KEY_PAGE);
	struct str key, value;
	int rc;
	while ((rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		uint32_t id, start;
		if (!key_read_page(key, &id, &start))
			return ERR_CORRUPT;
		struct mailbox_record m;
		rc = mailbox_record_load(change_source(c), id, &m);
		if (rc == ERR_NOT_FOUND)
			rc = make_record(c, id);
		if (rc)
			return rc;
		from = key_pages_after(id);
	}
	return rc;
}

/* The state may be older than the records: no new one may take the place of another. */
static int make_superiors(struct change *c)
{
	struct mailbox_record m = { .id = 0 };
	int rc;
	while ((rc = tree_next(change_source(c), m.id, &m)) == 1)
		if (c->state.mailbox_next <= m.id)
			c->state.mailbox_next = m.id + 1;
	m.id = 0;
	while (!rc && (rc = tree_next(change_source(c), m.id, &m)) == 1) {
		rc = tree_add_superiors(c, mailbox_record_name(&m), clock_now());
		if (rc)
			return rc;
	}
	return rc;
}

int audit_mend_tree(struct change *c, void *arg)
{
	(void)arg;
	int rc = index_names(c);
	if (!rc)
		rc = replace_damaged(c);
	if (!rc)
		rc = adopt_pages(c);
	struct mailbox_record inbox;
	if (!rc)
		rc = mailbox_record_load(change_source(c), MAILBOX_INBOX, &inbox);
	if (rc == ERR_NOT_FOUND)
		rc = make_record(c, MAILBOX_INBOX);
	if (!rc)
		rc = make_superiors(c);
	c->state.tree_modseq = c->modseq;
	c->dirty = true;
	return rc;
}
