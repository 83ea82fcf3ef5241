#include "model/email_record.h"

#include "base/bytes.h"
#include "model/keys.h"

#define EMAIL_HEADER 32u
#define EMAIL_HEADER_1 24u                         /* version 1, which had no thread */

int email_record_decode(struct str value, struct email *out)
{
	*out = (struct email){ .blob = 0 };
	uint8_t version;
	int rc = record_check_version(value, EMAIL_HEADER_1, EMAIL_VERSION, &version);
	if (rc)
		return rc;
	bool has_thread = version > 1;
	if (has_thread && value.n < EMAIL_HEADER)
		return ERR_CORRUPT;
	out->blob = load_le64(value.p + 8);
	out->size = load_le32(value.p + 16);
	out->thread = has_thread ? load_le64(value.p + 24) : 0;
	out->summary = str_from(value, has_thread ? EMAIL_HEADER : EMAIL_HEADER_1);
	return 0;
}

int email_record_load(struct source s, uint64_t id, struct email *out)
{
	struct key key = key_email(id);
	struct str value;
	*out = (struct email){ .blob = 0 };
	int rc = source_get(s, key_str(&key), &value);
	if (!rc)
		rc = email_record_decode(value, out);
	/* Nobody noted the ids of one of version 1: it is alone. */
	if (!rc && out->thread == 0)
		out->thread = id;
	return rc;
}

int email_record_save(struct store_write *w, uint64_t id, const struct email *email)
{
	struct key key = key_email(id);
	size_t n = EMAIL_HEADER + email->summary.n;
	char *p;
	int rc = store_put_reserve(w, key_str(&key), n, &p);
	if (rc)
		return rc;
	store_le64(p + 8, email->blob);
	store_le32(p + 16, email->size);
	store_le32(p + 20, 0);
	store_le64(p + 24, email->thread);
	if (email->summary.n)
		memcpy(p + EMAIL_HEADER, email->summary.p, email->summary.n);
	record_seal_version(p, n, EMAIL_VERSION, 0, 0);
	return 0;
}

int email_record_del(struct store_write *w, uint64_t id)
{
	struct key key = key_email(id);
	return store_del(w, key_str(&key));
}
