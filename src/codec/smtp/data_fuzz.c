/* However the input is cut, the decoder gives the same octets, faults and end. */
#include "codec/smtp/data.h"

#include "base/buf.h"

#include <stdint.h>
#include <stdlib.h>

static void gather(void *arg, const char *p, size_t n) { buf_add(arg, p, n); }

static size_t decode(struct str in, size_t step, struct buf *out, unsigned *faults)
{
	struct smtp_data d;
	size_t at = 0, used;
	bool end = false;

	smtp_data_init(&d, 100);
	while (at < in.n && !end) {
		end = smtp_data_feed(&d, str_sub(in, at, step), gather, out, &used);
		at += used;
	}
	*faults = d.faults;
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < 2)
		return 0;
	struct str in = str_make(p + 1, n - 1);
	struct buf whole = BUF_INIT(0), cut = BUF_INIT(0);
	unsigned faults_whole, faults_cut;
	size_t end_whole = decode(in, in.n, &whole, &faults_whole), end_cut = decode(in, 1 + p[0] % 7, &cut, &faults_cut);

	if (faults_whole != faults_cut || end_whole != end_cut)
		abort();
	if (!(faults_whole & SMTP_DATA_FALSE_END) && !str_eq(buf_str(&whole), buf_str(&cut)))
		abort();
	buf_fini(&whole);
	buf_fini(&cut);
	return 0;
}
