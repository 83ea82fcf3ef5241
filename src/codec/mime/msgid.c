#include "codec/mime/msgid.h"

#include "base/err.h"
#include "codec/mime/lex.h"
#include "codec/mime/limits.h"

/* atext and dots: what needs no quoting in a message-id (RFC 5322 3.6.4). */
static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 32 || s.p[i] == 127 || strchr("()<>[]:;@\\,\"", s.p[i]))
			return false;
	return s.n > 0;
}

/* RFC 5322 4.5.4: inside an id there may be blanks, comments and quoted strings. Copies it in its shortest form. */
static struct str copy_id(struct str id, struct arena *a)
{
	struct mime_lex l = mime_lex_make(id);
	char *start = arena_alloc(a, id.n + 1), *to = start;
	if (!start)
		return STR_NONE;
	mime_lex_skip(&l, NULL);
	while (!mime_lex_at_end(&l)) {
		struct str inside;
		const char *from = l.p;
		if (mime_lex_quoted(&l, &inside)) {
			struct str text = is_plain(inside) ? inside : str_make(from, (size_t)(l.p - from));
			for (size_t i = 0; i < text.n; i++)
				if (text.p[i] != '\r' && text.p[i] != '\n')
					*to++ = text.p[i];
		} else {
			*to++ = *l.p++;
		}
		mime_lex_skip(&l, NULL);
	}
	return str_make(start, (size_t)(to - start));
}

static bool needs_copy(struct str id)
{
	for (size_t i = 0; i < id.n; i++)
		if (strchr(" \t\r\n(\"", id.p[i]) && id.p[i])
			return true;
	return false;
}

/* At '<': the inside of the id, or false when there is no '>' before the next '<'. */
static bool take_id(struct mime_lex *l, struct str *out)
{
	const char *start = ++l->p;
	while (!mime_lex_at_end(l) && *l->p != '>' && *l->p != '<') {
		struct str inside;
		if (!mime_lex_quoted(l, &inside))
			l->p++;
	}
	*out = str_make(start, (size_t)(l->p - start));
	return mime_lex_peek(l) == '>' && out->n > 0;
}

static size_t count_opens(struct str body)
{
	size_t n = 0;
	for (size_t i = 0; i < body.n && n < MIME_MSGIDS_MAX; i++)
		n += body.p[i] == '<';
	return n;
}

int mime_msgids_parse(struct str body, struct arena *a, struct str **out, size_t *count_out)
{
	*out = NULL;
	*count_out = 0;
	body = str_sub(body, 0, MIME_FIELD_MAX);
	size_t max = count_opens(body), n = 0;
	if (max == 0)
		return 0;
	struct str *list = arena_array(a, max, sizeof(*list));
	if (!list)
		return ERR_NO_MEMORY;
	struct mime_lex l = mime_lex_make(body);
	while (n < max) {
		struct str id;
		mime_lex_skip(&l, NULL);
		if (mime_lex_at_end(&l))
			break;
		if (mime_lex_peek(&l) != '<') {
			if (!mime_lex_quoted(&l, &id))
				l.p++;
			continue;
		}
		if (!take_id(&l, &id))
			continue;
		if (needs_copy(id))
			id = copy_id(id, a);
		if (a->failed)
			return ERR_NO_MEMORY;
		list[n++] = id;
	}
	*out = list;
	*count_out = n;
	return 0;
}
