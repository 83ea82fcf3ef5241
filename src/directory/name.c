#include "directory/name.h"

#include "base/ascii.h"
#include "base/utf8.h"

#include <idn2.h>

#define LABEL_MAX 63     /* RFC 1035 2.3.4 */
#define DOMAIN_MAX 253   /* bytes without the root's dot */

/* RFC 5890 2.3.1: letters, digits and inner hyphens. */
static bool label_is_valid(struct str label)
{
	if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!ascii_is_alnum((unsigned char)label.p[i]) && label.p[i] != '-')
			return false;
	return true;
}

static bool domain_is_valid(struct str domain)
{
	if (domain.n == 0 || domain.n > DOMAIN_MAX)
		return false;
	struct str label, rest = domain;
	bool more;
	do {
		more = str_cut(rest, '.', &label, &rest);
		if (!label_is_valid(label))
			return false;
	} while (more);
	return true;
}

/* RFC 5321 4.1.3, as far as it matters here: it is never ours, so only its shape is looked at. */
static bool literal_is_valid(struct str domain)
{
	if (domain.n < 3 || domain.p[0] != '[' || domain.p[domain.n - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < domain.n; i++) {
		int c = (unsigned char)domain.p[i];
		if (!ascii_is_print(c) || c == ' ' || c == '[' || c == ']' || c == '\\')
			return false;
	}
	return true;
}

static bool append(struct name *n, struct str s)
{
	if (s.n + n->n > DIRECTORY_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		n->bytes[n->n++] = (char)ascii_lower((unsigned char)s.p[i]);
	n->bytes[n->n] = '\0';
	return true;
}

static int append_idn(struct name *n, struct str domain)
{
	char utf8[4 * DIRECTORY_NAME_MAX];
	char *ascii = NULL;
	if (memchr(domain.p, 0, domain.n) || !utf8_is_valid(domain) || !str_copy_c(utf8, sizeof(utf8), domain))
		return ERR_INVALID;
	/* RFC 5891 4.2, 5.3 with the mappings of UTS #46 (a user types capitals and full-width letters). */
	int code = idn2_to_ascii_8z(utf8, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
	if (code != IDN2_OK)
		return code == IDN2_MALLOC ? ERR_NO_MEMORY : ERR_INVALID;
	struct str label = str_from_c(ascii);
	bool ok = domain_is_valid(label) && append(n, label);
	idn2_free(ascii);
	return ok ? 0 : ERR_INVALID;
}

static int append_domain(struct name *n, struct str domain)
{
	if (!utf8_is_ascii(domain))
		return append_idn(n, domain);
	return domain_is_valid(domain) && append(n, domain) ? 0 : ERR_INVALID;
}

static bool append_local(struct name *n, struct str local)
{
	if (local.n == 0 || !utf8_is_valid(local))
		return false;
	for (size_t i = 0; i < local.n; i++)
		if (ascii_is_cntrl((unsigned char)local.p[i]))
			return false;
	if (!append(n, local))
		return false;
	n->local_n = n->n;
	return true;
}

static void name_init(struct name *n)
{
	n->bytes[0] = '\0';
	n->n = n->local_n = 0;
}

int name_parse(struct str address, struct name *out)
{
	name_init(out);
	size_t at = str_rchr(address, '@');
	if (at == STR_NPOS || !append_local(out, str_sub(address, 0, at)) || !append(out, STR("@")))
		return ERR_INVALID;
	struct str domain = str_from(address, at + 1);
	if (literal_is_valid(domain))
		return append(out, domain) ? 0 : ERR_INVALID;
	return append_domain(out, domain);
}

int name_parse_domain(struct str domain, struct name *out)
{
	name_init(out);
	append(out, STR("@"));
	return append_domain(out, domain);
}

int name_parse_alias(struct str alias, struct name *out)
{
	if (str_starts(alias, STR("@")))
		return name_parse_domain(str_from(alias, 1), out);
	return name_parse(alias, out);
}

int name_with_local(const struct name *n, struct str local, struct name *out)
{
	name_init(out);
	return append_local(out, local) && append(out, STR("@")) && append(out, name_domain(n)) ? 0 : ERR_INVALID;
}

bool name_local_is_plain(const struct name *n)
{
	static const char specials[] = "!#$%&'*+-/=?^_`{|}~";      /* atext of RFC 5322 3.2.3 */
	struct str local = name_local(n);
	char before = '.';
	for (size_t i = 0; i < local.n; i++) {
		char c = local.p[i];
		if (c == '.' ? before == '.' : !((unsigned char)c >= 0x80 || ascii_is_alnum(c) || strchr(specials, c)))
			return false;
		before = c;
	}
	return before != '.';
}
