#include "model/email_record.h"

#include "base/bytes.h"
#include "model/keys.h"

#define EMAIL_HEADER 24u

int email_record_decode(struct str value, struct email *out)
{
	*out = (struct email){ .blob = 0 };
	int rc = record_check(value, EMAIL_HEADER);
	if (rc)
		return rc;
	out->blob = load_le64(value.p + 8);
	out->size = load_le32(value.p + 16);
	out->summary = str_from(value, EMAIL_HEADER);
	return 0;
}

int email_record_load(struct source s, uint64_t id, struct email *out)
{
	struct key key = key_email(id);
	struct str value;
	*out = (struct email){ .blob = 0 };
	int rc = source_get(s, key_str(&key), &value);
	return rc ? rc : email_record_decode(value, out);
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
	if (email->summary.n)
		memcpy(p + EMAIL_HEADER, email->summary.p, email->summary.n);
	record_seal(p, n, 0, 0);
	return 0;
}

int email_record_del(struct store_write *w, uint64_t id)
{
	struct key key = key_email(id);
	return store_del(w, key_str(&key));
}
