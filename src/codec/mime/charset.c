#include "codec/mime/charset.h"

#include "base/ascii.h"
#include "base/err.h"
#include "base/utf8.h"

#include <unicode/ucnv.h>

#define CHUNK 4096         /* bytes of UTF-8 made at a time */
#define PIVOT 1024         /* UTF-16 units in between */
#define SUPERSET "windows-1252"

void mime_charset_fini(struct mime_charset *c)
{
	if (c->from)
		ucnv_close(c->from);
	if (c->utf8)
		ucnv_close(c->utf8);
	*c = (struct mime_charset)MIME_CHARSET_INIT;
}

/* ICU would look for files of odd names, and takes options after a comma. */
static bool is_charset_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_alnum((unsigned char)name.p[i]) && !memchr("-_.:+", name.p[i], 5))
			return false;
	return name.n > 0 && name.n <= MIME_CHARSET_NAME_MAX;
}

static int use(struct mime_charset *c, struct str name)
{
	UErrorCode status = U_ZERO_ERROR;
	if (!is_charset_name(name))
		return ERR_UNSUPPORTED;
	if (!c->utf8)
		c->utf8 = ucnv_open("UTF-8", &status);
	if (U_FAILURE(status))
		return ERR_UNSUPPORTED;
	if (c->from && str_ieq(str_from_c(c->name), name)) {
		ucnv_resetToUnicode(c->from);
		return 0;
	}
	if (c->from)
		ucnv_close(c->from);
	str_copy_c(c->name, sizeof(c->name), name);
	c->from = ucnv_open(c->name, &status);
	return c->from ? 0 : ERR_UNSUPPORTED;
}

/* ICU's default is to put U+FFFD for what it cannot convert. */
static void convert(struct mime_charset *c, struct str bytes, struct buf *out)
{
	/* nothing may have no address, and ICU takes a limit of NULL for "up to a NUL" */
	if (!bytes.n)
		return;
	UChar pivot[PIVOT], *pivot_from = pivot, *pivot_to = pivot;
	const char *from = bytes.p, *end = bytes.p + bytes.n;
	UErrorCode status;
	UBool reset = true;
	do {
		char *start = buf_reserve(out, CHUNK), *to = start;
		if (!start)
			return;
		status = U_ZERO_ERROR;
		ucnv_convertEx(c->utf8, c->from, &to, start + CHUNK, &from, end, pivot, &pivot_from, &pivot_to, pivot + PIVOT,
		               reset, true, &status);
		reset = false;
		out->n += (size_t)(to - start);
	} while (status == U_BUFFER_OVERFLOW_ERROR);
}

static void add_utf8(struct str bytes, struct buf *out)
{
	if (utf8_is_valid(bytes)) {
		buf_add_str(out, bytes);
		return;
	}
	for (size_t i = 0; i < bytes.n;)
		utf8_add(out, utf8_next(bytes, &i));
}

static bool is_one_of(struct str name, const char *const *names)
{
	for (; *names; names++)
		if (str_ieq(name, str_from_c(*names)))
			return true;
	return false;
}

static int guess(struct mime_charset *c, struct str bytes, struct buf *out)
{
	if (utf8_is_valid(bytes)) {
		buf_add_str(out, bytes);
		return 0;
	}
	int error = use(c, STR(SUPERSET));
	if (!error)
		convert(c, bytes, out);
	return error;
}

int mime_charset_to_utf8(struct mime_charset *c, struct str charset, struct str bytes, struct buf *out)
{
	static const char *const utf8[] = { "utf-8", "utf8", NULL };
	static const char *const ascii[] = { "us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us", NULL };
	static const char *const latin1[] = { "iso-8859-1", "latin1", "iso8859-1", "iso_8859-1", NULL };
	if (is_one_of(charset, utf8)) {
		add_utf8(bytes, out);
		return 0;
	}
	if (!charset.n || is_one_of(charset, ascii))
		return guess(c, bytes, out);
	int error = use(c, is_one_of(charset, latin1) ? STR(SUPERSET) : charset);
	if (!error)
		convert(c, bytes, out);
	return error;
}

int mime_charset_convert(struct str charset, struct str bytes, struct buf *out)
{
	struct mime_charset c = MIME_CHARSET_INIT;
	int error = mime_charset_to_utf8(&c, charset, bytes, out);
	mime_charset_fini(&c);
	return error;
}

void mime_charset_guess(struct str bytes, struct buf *out)
{
	struct mime_charset c = MIME_CHARSET_INIT;
	if (guess(&c, bytes, out))
		add_utf8(bytes, out);
	mime_charset_fini(&c);
}
