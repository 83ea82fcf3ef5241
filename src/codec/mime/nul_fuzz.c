/* What comes out has no NUL, and the same parts with the same content. */
#include "codec/mime/nul.h"

#include "base/arena.h"
#include "codec/mime/message.h"
#include "codec/mime/transfer.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void compare(struct str before, struct str after)
{
	struct arena a = ARENA_INIT(0);
	struct mime_message m, o;
	if (mime_message_parse(before, &a, &m) || mime_message_parse(after, &a, &o) || m.part_count != o.part_count)
		abort();
	for (uint32_t i = 0; i < m.part_count; i++) {
		struct buf x = BUF_INIT(0), y = BUF_INIT(0);
		if (m.part[i].kind != o.part[i].kind)
			abort();
		mime_transfer_decode(m.part[i].encoding, mime_part_body(&m, &m.part[i]), &x);
		mime_transfer_decode(o.part[i].encoding, mime_part_body(&o, &o.part[i]), &y);
		if (m.part[i].kind == MIME_LEAF && !str_eq(buf_str(&x), buf_str(&y)))
			abort();
		buf_fini(&x);
		buf_fini(&y);
	}
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf out = BUF_INIT(0);
	const char *why;
	if (mime_nul_encode(str_make(p, n), &out, &why) == 0) {
		if (str_chr(buf_str(&out), '\0') != STR_NPOS)
			abort();
		compare(str_make(p, n), buf_str(&out));
	}
	buf_fini(&out);
	return 0;
}
