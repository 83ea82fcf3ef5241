#include "model/record.h"

#include "base/bytes.h"
#include "base/hash.h"

static uint32_t checksum(const char *p, size_t n)
{
	return hash_crc32c(hash_crc32c(0, p, 4), p + RECORD_HEADER, n - RECORD_HEADER);
}

void record_seal_version(char *p, size_t n, uint8_t version, uint8_t own0, uint8_t own1)
{
	p[0] = (char)version;
	p[1] = (char)own0;
	p[2] = (char)own1;
	p[3] = 0;
	store_le32(p + 4, checksum(p, n));
}

void record_seal(char *p, size_t n, uint8_t own0, uint8_t own1)
{
	record_seal_version(p, n, RECORD_VERSION, own0, own1);
}

int record_check_version(struct str value, size_t n_min, uint8_t newest, uint8_t *version_out)
{
	if (value.n < RECORD_HEADER)
		return ERR_CORRUPT;
	if (load_le32(value.p + 4) != checksum(value.p, value.n))
		return ERR_CORRUPT;
	*version_out = (uint8_t)value.p[0];
	if (*version_out > newest)
		return ERR_VERSION;
	return *version_out > 0 && value.n >= n_min ? 0 : ERR_CORRUPT;
}

int record_check(struct str value, size_t n_min)
{
	uint8_t version;
	return record_check_version(value, n_min, RECORD_VERSION, &version);
}

bool record_is_damaged(struct str value) { return value.n < RECORD_HEADER || load_le32(value.p + 4) != checksum(value.p, value.n); }

bool record_mend(char *p, size_t n)
{
	if (n < RECORD_HEADER || !record_is_damaged(str_make(p, n)))
		return false;
	uint32_t stored = load_le32(p + 4), wrong = stored ^ checksum(p, n);
	/* a bit of the checksum itself */
	if ((wrong & (wrong - 1)) == 0) {
		store_le32(p + 4, stored ^ wrong);
		return true;
	}
	size_t bit = hash_crc32c_bit(wrong, n - sizeof(stored));
	if (bit == SIZE_MAX)
		return false;
	size_t at = bit / 8 < 4 ? bit / 8 : bit / 8 + sizeof(stored);
	p[at] ^= (char)(1u << bit % 8);
	return true;
}

int source_get(struct source s, struct str key, struct str *value_out)
{
	return s.read ? store_get(s.read, key, value_out) : store_wget(s.write, key, value_out);
}

int source_find(struct source s, struct str from, struct str to, bool reverse, struct str *key_out,
				struct str *value_out)
{
	if (s.write)
		return store_wfind(s.write, from, to, reverse, key_out, value_out);
	struct store_iter *it;
	int rc = store_range(s.read, from, to, reverse, &it);
	if (rc)
		return rc;
	rc = store_next(it, key_out, value_out);
	store_iter_end(&it);
	return rc;
}
