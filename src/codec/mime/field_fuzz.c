/* Whatever stands in a header field, read in every way there is. The first byte chooses. */
#include "codec/mime/address.h"
#include "codec/mime/charset.h"
#include "codec/mime/date.h"
#include "codec/mime/defect.h"
#include "codec/mime/header.h"
#include "codec/mime/html.h"
#include "codec/mime/limits.h"
#include "codec/mime/msgid.h"
#include "codec/mime/param.h"
#include "codec/mime/transfer.h"
#include "codec/mime/words.h"

#include "base/utf8.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_address(struct str in, struct arena *arena, struct buf *out)
{
	struct mime_address *list;
	size_t count, pieces = 0;
	uint32_t defects = 0;
	bool in_group = false;
	assert(mime_addresses_parse(in, arena, &list, &count, &defects) == 0);
	for (size_t i = 0; i < count; i++) {
		assert((list[i].kind == MIME_GROUP_END) <= in_group && (list[i].kind == MIME_GROUP_START) <= !in_group);
		in_group = list[i].kind == MIME_GROUP_START || (in_group && list[i].kind != MIME_GROUP_END);
		pieces += list[i].name.n + list[i].route.n + list[i].local.n + list[i].domain.n;
		mime_address_format(&list[i], out);
	}
	assert(!in_group && pieces <= in.n);
}

/* What was formatted must be read back as it was. */
static void fuzz_address_again(struct str in, struct arena *arena, struct buf *out)
{
	struct mime_address address = { .local = in, .domain = STR("example.org") }, *list;
	size_t count;
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] == '\r' || in.p[i] == '\n' || in.p[i] == '\0')
			return;
	mime_address_format(&address, out);
	assert(mime_addresses_parse(buf_str(out), arena, &list, &count, NULL) == 0);
	assert(count == 1 && str_eq(list[0].local, in) && str_eq(list[0].domain, address.domain));
}

static void fuzz_param(struct str in, struct arena *arena, struct buf *out)
{
	struct mime_content c;
	struct str rest = in, tag;
	if (mime_content_type_parse(in, arena, &c, NULL) == 0 || mime_disposition_parse(in, arena, &c, NULL) == 0)
		for (size_t i = 0; i < c.param_count; i++) {
			assert(c.param[i].name.n > 0 && mime_param_find(&c, c.param[i].name));
			mime_param_decode(&c.param[i], out);
		}
	while (mime_language_next(&rest, &tag))
		assert(tag.n > 0);
	mime_token_parse(in);
	assert(utf8_is_valid(buf_str(out)));
}

static void fuzz_words(struct str in, struct buf *out)
{
	mime_words_decode(in, out);
	assert(utf8_is_valid(buf_str(out)));
	assert(str_chr(buf_str(out), '\n') == STR_NPOS && str_chr(buf_str(out), '\r') == STR_NPOS &&
	       str_chr(buf_str(out), '\0') == STR_NPOS);
}

static void fuzz_date(struct str in, struct buf *out)
{
	struct mime_date date, again;
	if (mime_date_parse(in, &date))
		return;
	assert(date.zone_minutes > -6000 && date.zone_minutes < 6000);
	mime_date_format(date.unix_seconds, date.zone_minutes, out);
	/* a zone may move the date out of the years that are read */
	if (mime_date_parse(buf_str(out), &again) == 0)
		assert(again.unix_seconds == date.unix_seconds);
}

static void fuzz_msgid(struct str in, struct arena *arena)
{
	struct str *ids;
	size_t count;
	assert(mime_msgids_parse(in, arena, &ids, &count) == 0 && count <= MIME_MSGIDS_MAX);
	for (size_t i = 0; i < count; i++)
		assert(ids[i].n <= in.n && str_chr(ids[i], '\n') == STR_NPOS);
}

static void fuzz_header(struct str in, struct buf *out)
{
	struct mime_header_walk w = mime_header_walk(in);
	struct mime_header_field field;
	struct str names[] = { STR("To"), STR("Subject") };
	size_t at = 0;
	while (mime_header_next(&w, &field)) {
		assert(field.at >= at && field.raw.p == in.p + field.at && field.name.n > 0);
		at = field.at + field.raw.n;
		mime_header_unfold(field.body, out);
	}
	assert(at <= w.at && w.at <= in.n);
	mime_header_select(in, names, 2, false, out);
	mime_header_select(in, names, 2, true, out);
}

/* Cut in two, the result is the same. */
static void fuzz_transfer(struct str in, struct buf *out)
{
	for (int encoding = MIME_BASE64; encoding <= MIME_QUOTED_PRINTABLE; encoding++) {
		struct mime_decoder d;
		size_t whole, start = out->n;
		bool clean = mime_transfer_decode((enum mime_encoding)encoding, in, out);
		whole = out->n - start;
		assert(whole <= in.n);
		mime_decoder_init(&d, (enum mime_encoding)encoding);
		mime_decoder_feed(&d, str_sub(in, 0, in.n / 3), out);
		mime_decoder_feed(&d, str_from(in, in.n / 3), out);
		mime_decoder_finish(&d, out);
		assert(out->n - start == 2 * whole && d.damaged == !clean);
		assert(whole == 0 || memcmp(out->p + start, out->p + start + whole, whole) == 0);
	}
}

static void fuzz_charset(struct str in, struct buf *out)
{
	struct str charset, bytes;
	str_cut(in, '\n', &charset, &bytes);
	if (mime_charset_convert(charset, bytes, out))
		assert(out->n == 0);
	mime_charset_guess(in, out);
	assert(utf8_is_valid(buf_str(out)));
}

static void fuzz_html(struct str in, struct buf *out)
{
	struct buf utf8 = BUF_INIT(0);
	mime_charset_guess(in, &utf8);
	mime_html_text(buf_str(&utf8), out);
	assert(utf8_is_valid(buf_str(out)));
	buf_fini(&utf8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct str in = str_make(data + 1, size - 1);
	struct arena arena = ARENA_INIT(0);
	struct buf out = BUF_INIT(0);
	switch (data[0]) {
	case 'a':
		fuzz_address(in, &arena, &out);
		break;
	case 'A':
		fuzz_address_again(in, &arena, &out);
		break;
	case 'p':
		fuzz_param(in, &arena, &out);
		break;
	case 'w':
		fuzz_words(in, &out);
		break;
	case 'd':
		fuzz_date(in, &out);
		break;
	case 'm':
		fuzz_msgid(in, &arena);
		break;
	case 'h':
		fuzz_header(in, &out);
		break;
	case 't':
		fuzz_transfer(in, &out);
		break;
	case 'c':
		fuzz_charset(in, &out);
		break;
	case 'x':
		fuzz_html(in, &out);
		break;
	default:
		break;
	}
	buf_fini(&out);
	arena_fini(&arena);
	return 0;
}
