/* What srs_forward makes of anything, srs_reverse turns back; what it did not make is refused. */
#include "codec/smtp/srs.h"

#include "base/err.h"
#include "base/hash.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int mac(struct str key, struct str s, uint8_t out[SRS_MAC_SIZE])
{
	uint32_t h = hash_crc32c(hash_crc32c(0, key.p, key.n), s.p, s.n);

	for (size_t i = 0; i < SRS_MAC_SIZE; i++)
		out[i] = (uint8_t)(h >> 8 * (i % 4));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct srs s = { .domain = STR_INIT("ours.example"), .key = STR_INIT("key"), .mac = mac };
	struct buf b = BUF_INIT(0), back = BUF_INIT(0);
	int code = srs_reverse(&s, str_make(p, n), 1, &back);

	if (code && back.n)
		abort();
	buf_reset(&back);
	if (srs_forward(&s, str_make(p, n), 1, &b) == 0 && srs_reverse(&s, buf_str(&b), 1, &back))
		abort();
	buf_fini(&b);
	buf_fini(&back);
	return 0;
}
