/* What is stuffed comes out of the receiver's decoder as it was, and ends where it should; scan and decoder agree about what is clean. */
#include "codec/smtp/stuff.h"

#include "base/buf.h"
#include "codec/smtp/data.h"

#include <stdint.h>
#include <stdlib.h>

static void gather(void *arg, const char *p, size_t n) { buf_add(arg, p, n); }

static void make_wire(struct str message, struct buf *wire)
{
	struct smtp_stuff s;
	struct str piece;

	smtp_stuff_init(&s, message);
	while ((piece = smtp_stuff_next(&s)).n)
		buf_add_str(wire, piece);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str message = str_make(p, n);
	struct buf wire = BUF_INIT(0), back = BUF_INIT(0);
	struct smtp_octets octets;
	struct smtp_data d;
	size_t used = 0;

	smtp_octets_scan(message, &octets);
	make_wire(message, &wire);
	smtp_data_init(&d, SMTP_TEXT_LINE_MAX);
	bool end = smtp_data_feed(&d, buf_str(&wire), gather, &back, &used);
	bool clean = !octets.bare && !octets.nul && !octets.long_line;
	if (clean != (d.faults == 0))
		abort();
	if (clean) {
		struct str got = buf_str(&back);
		if (!str_ends(message, STR("\r\n")))
			got.n -= 2;               /* the line end that was added */
		if (!end || used != wire.n || !str_eq(got, message))
			abort();
	}
	buf_fini(&wire);
	buf_fini(&back);
	return 0;
}
