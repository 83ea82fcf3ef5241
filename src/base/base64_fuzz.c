#include "base/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes has one encoding only (RFC 4648 section 3.5): encoding gives the input back. What does not leaves the
 * buffer alone. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make(data, size);
	struct buf plain = BUF_INIT(0), again = BUF_INIT(0);
	if (base64_decode(&plain, text) == 0) {
		base64_encode(&again, buf_str(&plain));
		if (!str_eq(buf_str(&again), text))
			abort();
	} else if (plain.n) {
		abort();
	}
	buf_reset(&plain);
	buf_reset(&again);
	if (hex_decode(&plain, text) == 0) {
		hex_encode(&again, buf_str(&plain));
		if (!str_ieq(buf_str(&again), text))
			abort();
	}
	buf_fini(&plain);
	buf_fini(&again);
	return 0;
}
