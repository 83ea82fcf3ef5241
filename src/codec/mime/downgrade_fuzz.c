/* What comes out is 7bit, and has the same leaves with the same content; and it is left alone the second time. */
#include "codec/mime/downgrade.h"

#include "base/arena.h"
#include "codec/mime/message.h"
#include "codec/mime/transfer.h"

#include <stdint.h>
#include <stdlib.h>

static void decoded(const struct mime_message *m, const struct mime_part *p, struct buf *out)
{
	mime_transfer_decode(p->encoding, mime_part_body(m, p), out);
	while (str_ends(buf_str(out), STR("\r\n")))
		out->n -= 2;                  /* a line end at the end of the whole message may be added */
}

static void compare(struct str before, struct str after)
{
	struct arena a = ARENA_INIT(0);
	struct mime_message m, n;

	if (mime_message_parse(before, &a, &m) || mime_message_parse(after, &a, &n) || m.part_count != n.part_count)
		abort();
	for (uint32_t i = 0; i < m.part_count; i++) {
		struct buf x = BUF_INIT(0), y = BUF_INIT(0);
		if (m.part[i].kind != n.part[i].kind)
			abort();
		if (m.part[i].kind == MIME_LEAF) {
			decoded(&m, &m.part[i], &x);
			decoded(&n, &n.part[i], &y);
			if (!str_eq(buf_str(&x), buf_str(&y)))
				abort();
		}
		buf_fini(&x);
		buf_fini(&y);
	}
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = str_make(p, n);
	struct buf once = BUF_INIT(0), twice = BUF_INIT(0);
	const char *why;

	if (mime_downgrade(in, &once, &why) == 0) {
		for (size_t i = 0; i < once.n; i++)
			if ((unsigned char)once.p[i] > 127)
				abort();
		compare(in, buf_str(&once));
		if (mime_downgrade(buf_str(&once), &twice, &why) || !str_eq(buf_str(&once), buf_str(&twice)))
			abort();
	}
	buf_fini(&once);
	buf_fini(&twice);
	return 0;
}
