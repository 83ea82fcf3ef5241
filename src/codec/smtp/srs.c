#include "codec/smtp/srs.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/err.h"
#include "codec/mime/address.h"
#include "codec/smtp/path.h"

#define DAY_SECONDS 86400
#define DAYS 1024u                     /* two letters of base32 */
#define HASHED_MAX 1024                /* octets: a path and a day */

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* ---- addresses ---- */

/* Splits at the last @ and takes quoting away from the local part. */
static bool split(struct str address, char local[static SMTP_LOCAL_MAX], struct mime_address *out)
{
	size_t at = str_rchr(address, '@'), n = 0;

	if (at == STR_NPOS || at == 0 || at + 1 == address.n)
		return false;
	struct str raw = str_sub(address, 0, at);
	bool quoted = raw.n >= 2 && raw.p[0] == '"' && raw.p[raw.n - 1] == '"';
	if (quoted)
		raw = str_sub(raw, 1, raw.n - 2);
	for (size_t i = 0; i < raw.n; i++) {
		if (quoted && raw.p[i] == '\\' && i + 1 < raw.n)
			i++;
		if (n == SMTP_LOCAL_MAX)
			return false;
		local[n++] = raw.p[i];
	}
	*out = (struct mime_address){ .kind = MIME_ADDRESS, .local = str_make(local, n), .domain = str_from(address, at + 1) };
	return n > 0;
}

static int add_address(struct buf *local, struct str domain, struct buf *out)
{
	struct mime_address address = { .kind = MIME_ADDRESS, .local = buf_str(local), .domain = domain };

	if (local->failed)
		return ERR_NO_MEMORY;
	if (local->n > SMTP_LOCAL_MAX)
		return ERR_TOO_BIG;
	mime_address_format(&address, out);
	return out->failed ? ERR_NO_MEMORY : 0;
}

/* The separator after SRS0 or SRS1 may be any of three; it is kept in what follows. False: not of that kind. */
static bool strip_tag(struct str local, struct str tag, struct str *rest_out)
{
	if (local.n < 6 || !str_istarts(local, tag) || !memchr("=+-", local.p[4], 3))
		return false;
	*rest_out = str_from(local, 4);
	return true;
}

/* ---- hash and day ---- */

static void add_lower(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_add_char(b, (char)ascii_lower((unsigned char)s.p[i]));
}

static int hash(const struct srs *s, struct str day, struct str domain, struct str local, char out[static SRS_HASH_SIZE])
{
	struct buf hashed = BUF_INIT(HASHED_MAX), text = BUF_INIT(0);
	uint8_t mac[SRS_MAC_SIZE];

	add_lower(&hashed, day);
	add_lower(&hashed, domain);
	add_lower(&hashed, local);
	int code = hashed.failed ? buf_error(&hashed) : s->mac(s->key, buf_str(&hashed), mac);
	if (code == 0) {
		base64_encode(&text, str_make(mac, sizeof mac));
		code = text.failed ? ERR_NO_MEMORY : 0;
	}
	if (code == 0)
		memcpy(out, text.p, SRS_HASH_SIZE);
	buf_fini(&hashed);
	buf_fini(&text);
	return code;
}

/* Compares in the same time wherever they differ. */
static int check(const struct srs *s, struct str given, struct str day, struct str domain, struct str local)
{
	char right[SRS_HASH_SIZE], low[SRS_HASH_SIZE];
	int code = hash(s, day, domain, local, right);

	if (code)
		return code == ERR_TOO_BIG ? ERR_DENIED : code;
	if (given.n != SRS_HASH_SIZE)
		return ERR_DENIED;
	for (size_t i = 0; i < SRS_HASH_SIZE; i++) {
		right[i] = (char)ascii_lower((unsigned char)right[i]);
		low[i] = (char)ascii_lower((unsigned char)given.p[i]);
	}
	return str_eq_secret(str_make(right, sizeof right), str_make(low, sizeof low)) ? 0 : ERR_DENIED;
}

static void format_day(int64_t now, char out[static 2])
{
	unsigned day = (unsigned)(now / DAY_SECONDS) % DAYS;

	out[0] = base32[day >> 5];
	out[1] = base32[day & 31];
}

/* Days go round every 2.8 years. A day ahead is a clock beside ours. */
static bool day_is_fresh(struct str text, int64_t now)
{
	unsigned then = 0, today = (unsigned)(now / DAY_SECONDS) % DAYS;

	if (text.n != 2)
		return false;
	for (size_t i = 0; i < 2; i++) {
		const char *at = memchr(base32, ascii_upper((unsigned char)text.p[i]), sizeof base32 - 1);
		if (!at)
			return false;
		then = then << 5 | (unsigned)(at - base32);
	}
	return (today + 1 + DAYS - then) % DAYS <= SRS_DAYS_MAX + 1;
}

/* ---- there ---- */

static int add_srs1(const struct srs *s, struct str first, struct str rest, struct buf *local)
{
	char h[SRS_HASH_SIZE];
	int code = hash(s, STR_NONE, first, rest, h);

	buf_add_lit(local, "SRS1=");
	buf_add(local, h, sizeof h);
	buf_add_lit(local, "=");
	buf_add_str(local, first);
	buf_add_lit(local, "=");
	buf_add_str(local, rest);
	return code;
}

static int add_srs0(const struct srs *s, const struct mime_address *a, int64_t now, struct buf *local)
{
	char h[SRS_HASH_SIZE], day[2];

	format_day(now, day);
	int code = hash(s, str_make(day, 2), a->domain, a->local, h);
	buf_add_lit(local, "SRS0=");
	buf_add(local, h, sizeof h);
	buf_add_lit(local, "=");
	buf_add(local, day, sizeof day);
	buf_add_lit(local, "=");
	buf_add_str(local, a->domain);
	buf_add_lit(local, "=");
	buf_add_str(local, a->local);
	return code;
}

int srs_forward(const struct srs *s, struct str sender, int64_t now, struct buf *out)
{
	struct buf local = BUF_INIT(0);
	char bytes[SMTP_LOCAL_MAX];
	struct mime_address a;
	struct str rest, others_hash, first, opaque;
	int code;

	if (!split(sender, bytes, &a) || str_chr(a.domain, '=') != STR_NPOS)
		return ERR_INVALID;
	if (strip_tag(a.local, STR("SRS0"), &rest))
		code = add_srs1(s, a.domain, rest, &local);
	else if (strip_tag(a.local, STR("SRS1"), &rest) && str_cut(str_from(rest, 1), '=', &others_hash, &rest) && str_cut(rest, '=', &first, &opaque) &&
			 first.n && opaque.n)
		code = add_srs1(s, first, opaque, &local);       /* the second forwarder steps aside */
	else
		code = add_srs0(s, &a, now, &local);
	if (code == 0)
		code = add_address(&local, s->domain, out);
	buf_fini(&local);
	return code;
}

/* ---- and back ---- */

static int reverse_srs0(const struct srs *s, struct str rest, int64_t now, struct buf *out)
{
	struct str h, day, domain, local;

	if (!str_cut(str_from(rest, 1), '=', &h, &rest) || !str_cut(rest, '=', &day, &rest) || !str_cut(rest, '=', &domain, &local) || !domain.n || !local.n)
		return ERR_DENIED;
	int code = check(s, h, day, domain, local);
	if (code == 0 && !day_is_fresh(day, now))
		code = ERR_DENIED;
	struct mime_address a = { .kind = MIME_ADDRESS, .local = local, .domain = domain };
	if (code == 0)
		mime_address_format(&a, out);
	return code;
}

static int reverse_srs1(const struct srs *s, struct str rest, struct buf *out)
{
	struct buf local = BUF_INIT(0);
	struct str h, first, opaque;

	if (!str_cut(str_from(rest, 1), '=', &h, &rest) || !str_cut(rest, '=', &first, &opaque) || !first.n || !opaque.n)
		return ERR_DENIED;
	int code = check(s, h, STR_NONE, first, opaque);
	buf_add_lit(&local, "SRS0");
	buf_add_str(&local, opaque);                 /* begins with its separator */
	if (code == 0)
		code = add_address(&local, first, out);
	buf_fini(&local);
	return code;
}

int srs_reverse(const struct srs *s, struct str recipient, int64_t now, struct buf *out)
{
	char bytes[SMTP_LOCAL_MAX];
	struct mime_address a;
	struct str rest;

	if (!split(recipient, bytes, &a))
		return ERR_NOT_FOUND;
	if (strip_tag(a.local, STR("SRS0"), &rest))
		return reverse_srs0(s, rest, now, out);
	return strip_tag(a.local, STR("SRS1"), &rest) ? reverse_srs1(s, rest, out) : ERR_NOT_FOUND;
}
