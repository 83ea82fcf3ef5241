/* Any bytes as a Subject: nothing is left to take away, and what is left is UTF-8. */
#include "codec/imap/base_subject.h"

#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf one = BUF_INIT(0), two = BUF_INIT(0);
	bool reply;
	struct str base = imap_base_subject(str_make(data, size), &one, NULL);
	MUST(utf8_is_valid(base));
	/* What was decoded may look like an encoded word again. */
	if (str_find(base, STR("=?")) == STR_NPOS) {
		MUST(str_eq(imap_base_subject(base, &two, &reply), base));
		MUST(!reply);
	}
	buf_fini(&one);
	buf_fini(&two);
	return 0;
}
