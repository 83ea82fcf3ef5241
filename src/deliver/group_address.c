#include "deliver/group_address.h"

#include "base/ascii.h"
#include "base/err.h"
#include "rt/crypto.h"

#define DAY_SECONDS 86400
#define DAYS 1024u                         /* two letters of base32 */
#define DAY_LETTERS 2
#define HASH_LETTERS 6                     /* 30 bits */
#define TAG_LETTERS (DAY_LETTERS + HASH_LETTERS)

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

static void format_day(unsigned day, char out[static DAY_LETTERS])
{
	out[0] = base32[day >> 5];
	out[1] = base32[day & 31];
}

static int make_hash(struct str list, struct str key, const char day[static DAY_LETTERS], char out[static HASH_LETTERS])
{
	uint8_t mac[CRYPTO_SHA256_SIZE];
	struct buf text = BUF_INIT(0);

	buf_add_lit(&text, "bounces ");
	buf_add(&text, day, DAY_LETTERS);
	buf_add_char(&text, ' ');
	buf_add_str(&text, list);
	int code = text.failed ? ERR_NO_MEMORY : crypto_hmac_sha256(key, buf_str(&text), mac);
	buf_fini(&text);
	for (size_t i = 0; code == 0 && i < HASH_LETTERS; i++)
		out[i] = base32[mac[i] & 31];
	return code;
}

int group_bounce_address(struct str list, struct str key, int64_t now, struct buf *out)
{
	char tag[TAG_LETTERS];
	struct str local, domain;

	format_day((unsigned)(now / DAY_SECONDS) % DAYS, tag);
	int code = make_hash(list, key, tag, tag + DAY_LETTERS);
	if (code)
		return code;
	str_cut(list, '@', &local, &domain);
	buf_add_str(out, local);
	buf_add_lit(out, "-bounces-");
	buf_add(out, tag, sizeof tag);
	buf_add_char(out, '@');
	buf_add_str(out, domain);
	return out->failed ? ERR_NO_MEMORY : 0;
}

/* A day ahead is a clock beside ours. */
static bool day_is_fresh(const char text[static DAY_LETTERS], int64_t now)
{
	const char *high = memchr(base32, text[0], sizeof base32 - 1), *low = memchr(base32, text[1], sizeof base32 - 1);

	if (!high || !low)
		return false;
	unsigned then = (unsigned)(high - base32) << 5 | (unsigned)(low - base32), today = (unsigned)(now / DAY_SECONDS) % DAYS;
	return (today + 1 + DAYS - then) % DAYS <= GROUP_BOUNCE_DAYS + 1;
}

int group_bounce_read(struct str list, struct str key, int64_t now, struct str detail, struct group_bounce_detail *out)
{
	char tag[TAG_LETTERS], right[HASH_LETTERS];
	struct str first, member;

	*out = (struct group_bounce_detail){ .authentic = false };
	str_cut(detail, '+', &first, &member);
	size_t equals = str_rchr(member, '=');
	if (equals != STR_NPOS) {
		out->user = str_sub(member, 0, equals);
		out->host = str_from(member, equals + 1);
	}
	if (first.n != 1 + TAG_LETTERS || first.p[0] != '-')
		return 0;
	for (size_t i = 0; i < TAG_LETTERS; i++)
		tag[i] = (char)ascii_lower((unsigned char)first.p[1 + i]);
	int code = make_hash(list, key, tag, right);
	out->authentic = code == 0 && day_is_fresh(tag, now) && str_eq_secret(str_make(tag + DAY_LETTERS, HASH_LETTERS), str_make(right, HASH_LETTERS));
	return code;
}
