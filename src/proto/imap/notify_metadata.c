/* MailboxMetadataChange and ServerMetadataChange: RFC 5465 5.6 and 5.7. */
#include "base/hash.h"
#include "codec/imap/format.h"
#include "model/annotation.h"
#include "proto/imap/limits.h"
#include "proto/imap/metadata.h"
#include "proto/imap/notify_state.h"

/* RFC 5464 4.4.2: the names only; the client asks for what it wants to know. */
static void write_names(struct imap_session *s, struct str mailbox, const struct annotation *v, size_t n)
{
	struct buf *out = conn_out(s->conn);
	buf_add_lit(out, "* METADATA ");
	imap_format_mailbox(out, mailbox, imap_utf8(s));
	for (size_t i = 0; i < n; i++) {
		buf_add_char(out, ' ');
		imap_format_astring(out, v[i].name, imap_utf8(s));
	}
	buf_add_lit(out, "\r\n");
}

int notify_metadata_changed(struct notify_teller *t, const struct imap_annotated *of, uint64_t since, bool use)
{
	static const struct annotation special_use = { .name = STR_INIT("/private/specialuse") };
	struct imap_session *s = t->s;
	struct annotation *v;
	size_t n;
	if (use && !t->silent)
		write_names(s, of->name, &special_use, 1);
	int rc = annotation_changes(of->account, of->mailbox ? of->mailbox->id : 0, account_id(s->account), since, &t->arena, &v, &n);
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (!rc && n && !t->silent)
		write_names(s, of->name, v, n);
	return rc;
}

/* ---- the house's, which no change log tells of ---- */

static uint64_t hash_of(struct str value)
{
	static const uint8_t key[HASH_SIPHASH_KEY] = "annotations of t";
	return hash_siphash_keyed(key, value);
}

static const struct notify_annotation *find(const struct notify_house *house, struct str name)
{
	for (size_t i = 0; i < house->n; i++)
		if (str_ieq(house->v[i].name, name))
			return &house->v[i];
	return NULL;
}

static int take(const struct annotation *v, size_t n, struct notify_house *out)
{
	*out = (struct notify_house){ .n = n };
	arena_init(&out->arena, IMAP_NOTIFY_BYTES_MAX);
	out->v = arena_array(&out->arena, n + 1, sizeof(*out->v));
	bool ok = out->v;
	for (size_t i = 0; ok && i < n; i++) {
		out->v[i] = (struct notify_annotation){ arena_dup(&out->arena, v[i].name), hash_of(v[i].value) };
		ok = out->v[i].name.p;
	}
	if (ok)
		return 0;
	notify_house_fini(out);
	return ERR_NO_MEMORY;
}

void notify_house_fini(struct notify_house *house)
{
	arena_fini(&house->arena);
	*house = (struct notify_house){ .n = 0 };
}

int notify_house_look(struct notify_teller *t, bool tell)
{
	struct notify_house *was = &t->notify->house, is;
	struct annotation *v, *changed;
	size_t n, n_changed = 0;
	int rc = model_annotation_list(services_model(t->s->services), &t->arena, &v, &n);
	if (!rc)
		rc = take(v, n, &is);
	if (rc)
		return rc;
	changed = arena_array(&t->arena, n + was->n + 1, sizeof(*changed));
	for (size_t i = 0; changed && i < n; i++) {
		const struct notify_annotation *before = find(was, is.v[i].name);
		if (!before || before->hash != is.v[i].hash)
			changed[n_changed++] = (struct annotation){ .name = is.v[i].name };
	}
	for (size_t i = 0; changed && i < was->n; i++)
		if (!find(&is, was->v[i].name))
			changed[n_changed++] = (struct annotation){ .name = was->v[i].name };
	if (n_changed && tell)
		write_names(t->s, STR(""), changed, n_changed);
	notify_house_fini(was);
	*was = is;
	return 0;
}
