/* Whose domain a message claims to come from: RFC 7489 6.6.1. */
#include "codec/mime/address.h"
#include "codec/mime/header.h"
#include "mailauth/dmarc.h"
#include "mailauth/domain.h"

/* From stands once (RFC 5322 3.6): of two, a reader may be shown the other. */
static bool find_from(struct str header, struct str *body_out)
{
	struct mime_header_walk walk = mime_header_walk(header);
	struct mime_header_field field;
	unsigned n = 0;
	while (mime_header_next(&walk, &field))
		if (str_ieq(field.name, STR("From"))) {
			*body_out = field.body;
			n++;
		}
	return n == 1;
}

/* An entry without a domain (what a comma in an unquoted name makes of it) claims none. Several authors of one domain are one domain. */
bool dmarc_author_domain(struct arena *a, struct str header, struct str *out)
{
	struct str body, domain;
	struct mime_address *list;
	size_t n;
	*out = STR_NONE;
	if (!find_from(header, &body) || mime_addresses_parse(body, a, &list, &n, NULL))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (list[i].kind != MIME_ADDRESS || list[i].domain.n == 0)
			continue;
		if (list[i].domain.p[0] == '[' || domain_to_ascii(a, list[i].domain, &domain) || (out->n > 0 && !str_eq(*out, domain))) {
			*out = STR_NONE;
			return false;
		}
		*out = domain;
	}
	return out->n > 0;
}
