#include "proto/imap/language.h"

#include "base/err.h"

static const char *const tags[] = {
	[IMAP_LANGUAGE_DEFAULT] = "i-default",
	[IMAP_LANGUAGE_ENGLISH] = "en",
	[IMAP_LANGUAGE_RUSSIAN] = "ru",
};

const char *imap_language_tag(enum imap_language language) { return tags[language]; }

int imap_language_find(struct str range, enum imap_language *out)
{
	/* RFC 5255 3.2: what the administrator prefers; here that is what holds from the start. */
	if (str_ieq(range, STR("default")))
		range = STR("i-default");
	for (;;) {
		for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
			if (str_ieq(range, str_from_c(tags[i]))) {
				*out = (enum imap_language)i;
				return 0;
			}
		size_t n = range.n;
		while (n > 0 && range.p[n - 1] != '-')
			n--;
		if (n == 0)
			return ERR_NOT_FOUND;
		range.n = n - 1;
	}
}

static const char *find(struct str english)
{
	size_t low = 0, high = imap_russian_n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_cmp(english, str_from_c(imap_russian[middle].english));
		if (order == 0)
			return imap_russian[middle].russian;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *imap_translate(enum imap_language language, const char *text)
{
	const char *russian = language == IMAP_LANGUAGE_RUSSIAN ? find(str_from_c(text)) : NULL;
	return russian ? russian : text;
}

/* Where the text begins, behind "OK " and the response code, which has no "]" in it but at its end or within quotes (RFC 3501 9). */
static size_t text_at(struct str reply)
{
	size_t at = 0;
	while (at < reply.n && reply.p[at] != ' ')
		at++;
	at++;
	if (at >= reply.n || reply.p[at] != '[')
		return at < reply.n ? at : reply.n;
	bool quoted = false;
	while (at < reply.n && (quoted || reply.p[at] != ']')) {
		quoted ^= reply.p[at] == '"' && reply.p[at - 1] != '\\';
		at++;
	}
	return at + 2 < reply.n ? at + 2 : reply.n;
}

void imap_translate_reply(enum imap_language language, struct buf *reply)
{
	static const char completed[] = " completed";
	const size_t n = sizeof(completed) - 1;
	if (language != IMAP_LANGUAGE_RUSSIAN || reply->failed)
		return;
	size_t at = text_at(buf_str(reply));
	struct str text = str_from(buf_str(reply), at);
	const char *russian = find(text);
	if (russian) {
		reply->n = at;
		buf_add_c(reply, russian);
	} else if (text.n > n && str_ends(text, STR(" completed"))) {
		/* the name of a command is the same in every language */
		reply->n -= n;
		buf_add_lit(reply, ": выполнено");
	}
}
