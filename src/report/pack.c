#include "report/pack.h"

#include "base/bytes.h"
#include "base/err.h"
#include "report/limits.h"

#include <zlib.h>

#define STEP ((size_t)64 << 10)
#define GZIP_WINDOW (15 + 16)
#define RAW_WINDOW (-15)

int pack_gzip(struct str in, struct buf *out)
{
	z_stream z = { 0 };
	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return ERR_NO_MEMORY;
	z.next_in = (unsigned char *)(uintptr_t)in.p;        /* zlib reads it only */
	z.avail_in = (unsigned)in.n;
	int rc = Z_OK;
	while (rc == Z_OK) {
		char *place = buf_reserve(out, STEP);
		if (!place)
			break;
		z.next_out = (unsigned char *)place;
		z.avail_out = STEP;
		rc = deflate(&z, Z_FINISH);
		out->n += STEP - z.avail_out;
	}
	deflateEnd(&z);
	return rc == Z_STREAM_END && !out->failed ? 0 : ERR_NO_MEMORY;
}

static int inflate_all(struct str in, int window, size_t max, struct buf *out)
{
	z_stream z = { 0 };
	size_t bound = in.n > max / REPORT_UNPACK_RATIO ? max : in.n * REPORT_UNPACK_RATIO;
	if (inflateInit2(&z, window) != Z_OK)
		return ERR_NO_MEMORY;
	z.next_in = (unsigned char *)(uintptr_t)in.p;
	z.avail_in = (unsigned)in.n;
	int rc = Z_OK;
	size_t total = 0;
	while (rc == Z_OK && total <= bound) {
		char *place = buf_reserve(out, STEP);
		if (!place)
			break;
		z.next_out = (unsigned char *)place;
		z.avail_out = STEP;
		rc = inflate(&z, Z_NO_FLUSH);
		out->n += STEP - z.avail_out;
		total += STEP - z.avail_out;
		if (rc == Z_BUF_ERROR || (rc == Z_OK && z.avail_in == 0 && z.avail_out))
			rc = Z_DATA_ERROR;                           /* cut off */
	}
	inflateEnd(&z);
	if (out->failed)
		return ERR_NO_MEMORY;
	return total > bound ? ERR_TOO_BIG : rc == Z_STREAM_END ? 0 : ERR_INVALID;
}

static unsigned le16(const char *p) { return (unsigned char)p[0] | (unsigned)(unsigned char)p[1] << 8; }

/* APPNOTE.TXT 4.3.7: the first local file. Where its sizes follow the data (bit 3), the deflate stream ends itself. */
static int open_zip(struct str in, size_t max, struct buf *out)
{
	enum { HEAD = 30, STORED = 0, DEFLATED = 8 };
	if (in.n < HEAD)
		return ERR_INVALID;
	unsigned flags = le16(in.p + 6), method = le16(in.p + 8);
	size_t size = load_le32(in.p + 18), skip = HEAD + le16(in.p + 26) + le16(in.p + 28);
	if (flags & 1 || skip > in.n)
		return ERR_INVALID;                              /* encrypted, or cut off */
	struct str data = str_from(in, skip);
	if (method == DEFLATED)
		return inflate_all(data, RAW_WINDOW, max, out);
	if (method != STORED || flags & 8 || size > data.n)
		return ERR_INVALID;
	if (size > max)
		return ERR_TOO_BIG;
	buf_add(out, data.p, size);
	return out->failed ? ERR_NO_MEMORY : 0;
}

int pack_open(struct str in, size_t max, struct buf *out)
{
	if (in.n > max)
		return ERR_TOO_BIG;
	if (str_starts(in, STR("\x1f\x8b")))
		return inflate_all(in, GZIP_WINDOW, max, out);
	if (str_starts(in, STR("PK\x03\x04")))
		return open_zip(in, max, out);
	buf_add_str(out, in);
	return out->failed ? ERR_NO_MEMORY : 0;
}
