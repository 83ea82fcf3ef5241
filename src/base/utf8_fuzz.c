#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

/* Reading characters and writing them again gives the input back exactly when it was valid, and valid text always. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_make(data, size);
	struct buf again = BUF_INIT(0);
	for (size_t pos = 0; pos < s.n;) {
		size_t before = pos;
		utf8_add(&again, utf8_next(s, &pos));
		demand(pos > before && pos <= s.n);
	}
	demand(utf8_is_valid(buf_str(&again)));
	demand(str_eq(buf_str(&again), s) == utf8_is_valid(s));
	demand(!utf8_is_ascii(s) || utf8_is_valid(s));
	for (size_t max = 0; max <= size && max < 64; max++) {
		struct str clipped = utf8_clip(s, max);
		demand(clipped.n <= max && utf8_is_valid(clipped));
		demand(!utf8_is_valid(s) || clipped.n + 3 >= max);
	}
	buf_fini(&again);
	return 0;
}
