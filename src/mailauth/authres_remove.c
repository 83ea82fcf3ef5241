/* Removing Authentication-Results that somebody else has written in our name: RFC 8601 5. */
#include "base/ascii.h"
#include "base/arena.h"
#include "codec/mime/header.h"
#include "codec/mime/lex.h"
#include "mailauth/check.h"
#include "mailauth/domain.h"

/* 2.2: authserv-id is a value: token or quoted string. False: there is none that could be read. */
static bool read_id(struct mime_lex *l, struct arena *a, struct str *out)
{
	struct str inside;
	mime_lex_skip(l, NULL);
	if (!mime_lex_quoted(l, &inside)) {
		*out = mime_lex_until(l, "()<>@,;:\\\"/[]?=");
		return out->n > 0;
	}
	char *plain = arena_alloc(a, inside.n + 1);
	if (!plain)
		return false;
	*out = str_trim(str_make(plain, mime_lex_unquote(inside, plain)));
	return out->n > 0;
}

/* 2.2: [ CFWS authres-version ], a number; none means 1. */
static bool is_other_version(struct mime_lex *l)
{
	mime_lex_skip(l, NULL);
	struct str version = mime_lex_until(l, "()<>@,;:\\\"/[]?=");
	bool number = version.n > 0;
	for (size_t i = 0; i < version.n; i++)
		number = number && ascii_is_digit((unsigned char)version.p[i]);
	return number && !str_eq(version, STR("1"));
}

/* "this test is done after converting A-labels into U-labels": the other way round it is the same. */
static bool is_same_id(struct arena *a, struct str id, struct str authserv)
{
	struct str x, y;
	if (str_ieq(id, authserv))
		return true;
	return domain_to_ascii(a, id, &x) == 0 && domain_to_ascii(a, authserv, &y) == 0 && str_eq(x, y);
}

static bool claims_to_be_ours(struct str body, struct str authserv)
{
	struct arena a = ARENA_INIT(0);
	struct mime_lex l = mime_lex_make(body);
	struct str id;
	bool ours = !read_id(&l, &a, &id) || is_same_id(&a, id, authserv) || is_other_version(&l);
	arena_fini(&a);
	return ours;
}

unsigned authres_remove_ours(struct str message, struct str authserv, struct buf *out, size_t *header_length_out)
{
	struct mime_header_walk walk = mime_header_walk(message);
	struct mime_header_field field;
	unsigned removed = 0;
	size_t copied = 0;
	while (mime_header_next(&walk, &field)) {
		if (!str_ieq(field.name, STR("Authentication-Results")) || !claims_to_be_ours(field.body, authserv))
			continue;
		buf_add_str(out, str_sub(message, copied, field.at - copied));
		copied = field.at + field.raw.n;
		removed++;
	}
	*header_length_out = walk.at;
	if (removed > 0)
		buf_add_str(out, str_sub(message, copied, walk.at - copied));
	return removed;
}
