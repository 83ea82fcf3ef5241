#include "codec/imap/url_args.h"

static bool item(struct imap_cursor *c, struct imap_urlfetch *f)
{
	static const struct { const char *name; unsigned bit; } items[] = {
		{ "BODY", IMAP_URLFETCH_BODY }, { "BINARY", IMAP_URLFETCH_BINARY }, { "BODYPARTSTRUCTURE", IMAP_URLFETCH_STRUCTURE },
	};
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (!imap_take_word(c, items[i].name))
			continue;
		/* RFC 5524 3.1 */
		if (f->items & items[i].bit)
			return imap_fail(c, "An item stands twice");
		f->items |= items[i].bit;
		if ((f->items & (IMAP_URLFETCH_BODY | IMAP_URLFETCH_BINARY)) == (IMAP_URLFETCH_BODY | IMAP_URLFETCH_BINARY))
			return imap_fail(c, "BODY and BINARY exclude each other");
		return true;
	}
	return imap_fail(c, "Unknown item");
}

static bool fetch_arg(struct imap_cursor *c, struct imap_urlfetch *f)
{
	*f = (struct imap_urlfetch){ .items = 0 };
	if (!imap_take(c, '('))
		return imap_astring(c, &f->url);
	if (!imap_astring(c, &f->url))
		return false;
	while (imap_take(c, ' '))
		if (!item(c, f))
			return false;
	return imap_expect(c, ')', "The list of a URL must end with a parenthesis");
}

bool imap_urlfetch_args(struct imap_cursor *c, struct imap_urlfetch **out, size_t *n_out)
{
	struct imap_urlfetch *v = arena_array(c->arena, IMAP_URLS_MAX, sizeof(*v));
	size_t n = 0;
	if (!v)
		return imap_fail(c, "Out of memory");
	do {
		if (n == IMAP_URLS_MAX)
			return imap_fail(c, "Too many URLs");
		if (!fetch_arg(c, &v[n++]))
			return false;
	} while (imap_take(c, ' '));
	*out = v;
	*n_out = n;
	return imap_end(c);
}

bool imap_genurlauth_args(struct imap_cursor *c, struct imap_genurlauth **out, size_t *n_out)
{
	struct imap_genurlauth *v = arena_array(c->arena, IMAP_URLS_MAX, sizeof(*v));
	size_t n = 0;
	if (!v)
		return imap_fail(c, "Out of memory");
	do {
		if (n == IMAP_URLS_MAX)
			return imap_fail(c, "Too many URLs");
		if (!imap_astring(c, &v[n].url) || !imap_sp(c) || !imap_atom(c, &v[n].mechanism))
			return false;
		n++;
	} while (imap_take(c, ' '));
	*out = v;
	*n_out = n;
	return imap_end(c);
}

bool imap_resetkey_args(struct imap_cursor *c, struct str *mailbox_out, bool *only_internal_out)
{
	struct str mechanism;
	*only_internal_out = true;
	if (!imap_mailbox(c, mailbox_out))
		return false;
	while (imap_take(c, ' ')) {
		if (!imap_atom(c, &mechanism))
			return false;
		*only_internal_out &= str_ieq(mechanism, STR("INTERNAL"));
	}
	return imap_end(c);
}
