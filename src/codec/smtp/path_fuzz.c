#include "codec/smtp/path.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct smtp_path path;
	struct str s = str_make(p, n), key, value;
	struct buf b = BUF_INIT(0);
	size_t used;
	bool bad;

	if (!smtp_path_parse(s, &path, &used)) {
		if (used > n || path.wire.n > n || path.local_n > SMTP_LOCAL_MAX)
			abort();
		smtp_path_address(&path, &b);
	}
	struct str rest = str_from(s, used);
	while (smtp_param_next(&rest, &key, &value, &bad))
		smtp_xtext_decode(value, &b);
	smtp_helo_is_valid(s);
	buf_fini(&b);
	return 0;
}
