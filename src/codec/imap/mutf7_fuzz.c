/* A name that can be read must be written again the same way: one mailbox, one name. */
#include "base/utf8.h"
#include "codec/imap/mutf7.h"

#include <stdint.h>
#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	struct buf name = BUF_INIT(0), again = BUF_INIT(0);
	if (imap_mutf7_decode(in, &name) == 0) {
		MUST(utf8_is_valid(buf_str(&name)));
		imap_mutf7_encode(buf_str(&name), &again);
		MUST(str_eq(buf_str(&again), in));
	}
	if (utf8_is_valid(in)) {
		buf_reset(&name);
		buf_reset(&again);
		imap_mutf7_encode(in, &name);
		MUST(utf8_is_ascii(buf_str(&name)));
		MUST(imap_mutf7_decode(buf_str(&name), &again) == 0);
		MUST(str_eq(buf_str(&again), in));
	}
	buf_fini(&name);
	buf_fini(&again);
	return 0;
}
