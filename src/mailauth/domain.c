#include "mailauth/domain.h"

#include "base/ascii.h"
#include "base/err.h"
#include "base/utf8.h"
#include "rt/dns_name.h"

#include <idn2.h>

bool domain_is_within(struct str name, struct str parent)
{
	if (parent.n == 0 || !str_iends(name, parent))
		return false;
	return name.n == parent.n || name.p[name.n - parent.n - 1] == '.';
}

size_t domain_label_count(struct str name)
{
	size_t n = name.n > 0;
	for (size_t i = 0; i < name.n; i++)
		n += name.p[i] == '.';
	return n;
}

struct str domain_last_labels(struct str name, size_t n)
{
	size_t at = name.n;
	while (at > 0 && n > 0)
		if (name.p[--at] == '.' && --n == 0)
			return str_from(name, at + 1);
	return n > 0 ? name : STR_NONE;
}

static int to_ascii_idn(struct arena *a, struct str name, struct str *out)
{
	char *utf8 = arena_dup_c(a, name), *ascii = NULL;
	if (!utf8)
		return ERR_NO_MEMORY;
	int code = idn2_to_ascii_8z(utf8, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (code == IDN2_MALLOC)
		return ERR_NO_MEMORY;
	if (code != IDN2_OK)
		return ERR_INVALID;
	*out = arena_dup(a, str_from_c(ascii));
	idn2_free(ascii);
	return out->p ? 0 : ERR_NO_MEMORY;
}

int domain_to_ascii(struct arena *a, struct str name, struct str *out)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	/* Octets of UTF-8 that 253 characters can be at most. */
	if (name.n == 0 || name.n > (size_t)4 * DNS_NAME_MAX || memchr(name.p, 0, name.n))    /* the library's string ends at NUL */
		return ERR_INVALID;
	struct str ascii = name;
	if (!utf8_is_ascii(name)) {
		int err = to_ascii_idn(a, name, &ascii);
		if (err)
			return err;
	}
	if (!dns_name_is_valid(ascii))
		return ERR_INVALID;
	char *lower = arena_alloc(a, ascii.n);
	if (!lower)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < ascii.n; i++) {
		unsigned char c = (unsigned char)ascii.p[i];
		if (!ascii_is_print(c) || c == ' ')
			return ERR_INVALID;
		lower[i] = (char)ascii_lower(c);
	}
	*out = str_make(lower, ascii.n);
	return 0;
}
