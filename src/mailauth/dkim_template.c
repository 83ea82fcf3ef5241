#include "mailauth/dkim_template.h"

#include "base/base64.h"
#include "mailauth/limits.h"

/* Which fields are signed: RFC 6376 5.4.1, the MIME fields, and what RFC 8058 4 wants of List-Unsubscribe-Post. All that are there, and:
 * ALWAYS: named once more than there are, so that none can be added to a replayed message (8.15). Lists and gateways do not add these.
 * IF_THERE: once more only when there is one; Sender and the ids are added in good faith where they are missing. */
enum oversign { NEVER, IF_THERE, ALWAYS };
static const struct {
	struct str name;
	enum oversign oversign;
} signed_fields[] = {
	{ STR_INIT("from"), ALWAYS },
	{ STR_INIT("reply-to"), ALWAYS },
	{ STR_INIT("subject"), ALWAYS },
	{ STR_INIT("date"), ALWAYS },
	{ STR_INIT("to"), ALWAYS },
	{ STR_INIT("cc"), ALWAYS },
	{ STR_INIT("mime-version"), ALWAYS },
	{ STR_INIT("content-type"), ALWAYS },
	{ STR_INIT("content-transfer-encoding"), ALWAYS },
	{ STR_INIT("sender"), IF_THERE },
	{ STR_INIT("message-id"), IF_THERE },
	{ STR_INIT("in-reply-to"), IF_THERE },
	{ STR_INIT("references"), IF_THERE },
	{ STR_INIT("content-id"), NEVER },
	{ STR_INIT("content-description"), NEVER },
	{ STR_INIT("content-disposition"), NEVER },
	{ STR_INIT("resent-date"), NEVER },
	{ STR_INIT("resent-from"), NEVER },
	{ STR_INIT("resent-sender"), NEVER },
	{ STR_INIT("resent-to"), NEVER },
	{ STR_INIT("resent-cc"), NEVER },
	{ STR_INIT("resent-message-id"), NEVER },
	{ STR_INIT("auto-submitted"), NEVER },
	{ STR_INIT("list-id"), NEVER },
	{ STR_INIT("list-help"), NEVER },
	{ STR_INIT("list-unsubscribe"), NEVER },
	{ STR_INIT("list-unsubscribe-post"), NEVER },
	{ STR_INIT("list-subscribe"), NEVER },
	{ STR_INIT("list-post"), NEVER },
	{ STR_INIT("list-owner"), NEVER },
	{ STR_INIT("list-archive"), NEVER },
};

static void name_field(struct dkim_template *t, const struct dkim_message *m, struct str name, enum oversign oversign)
{
	size_t there = dkim_message_count(m, name);
	size_t times = there + (oversign == ALWAYS || (oversign == IF_THERE && there > 0));
	while (times-- > 0) {
		if (t->names.n > 0)
			buf_add_char(&t->names, ':');
		buf_add_str(&t->names, name);
	}
	/* of one name from the bottom up: 5.4.2 */
	size_t first = dkim_message_find(m, name);
	for (size_t i = 0; i < there; i++) {
		dkim_canon_field(DKIM_RELAXED, m->by_name[first + i]->raw, &t->header);
		if (!str_ends(buf_str(&t->header), STR("\r\n")))
			buf_add_lit(&t->header, "\r\n");
	}
}

static int hash_body(struct dkim_template *t, const struct dkim_message *m)
{
	struct dkim_body_hash body = { .how = DKIM_RELAXED, .limit = UINT64_MAX };
	int code = dkim_message_hash_body(m, &body, 1);
	if (code == 0)
		base64_encode(&t->body_hash, str_make(body.digest, sizeof(body.digest)));
	return code;
}

int dkim_template_init(struct dkim_template *t, const struct dkim_message *m, bool with_signatures, struct err *e)
{
	*t = (struct dkim_template){ 0 };
	if (m->cut)
		return err_set(e, ERR_TOO_BIG, NULL, "more than %d header fields", DKIM_FIELDS_MAX);
	if (dkim_message_count(m, STR("from")) == 0)
		return err_set(e, ERR_INVALID, NULL, "no From field to sign");
	for (size_t i = 0; i < sizeof(signed_fields) / sizeof(signed_fields[0]); i++)
		name_field(t, m, signed_fields[i].name, signed_fields[i].oversign);
	if (with_signatures)
		name_field(t, m, STR("dkim-signature"), NEVER);
	if (t->names.n > DKIM_NAMES_MAX)
		return err_set(e, ERR_TOO_BIG, NULL, "too many header fields to sign");
	int code = hash_body(t, m);
	return code == 0 && (t->names.failed || t->header.failed || t->body_hash.failed) ? ERR_NO_MEMORY : code;
}

void dkim_template_fini(struct dkim_template *t)
{
	buf_fini(&t->names);
	buf_fini(&t->header);
	buf_fini(&t->body_hash);
}
