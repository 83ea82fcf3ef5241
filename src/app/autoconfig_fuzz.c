/* Any query names a domain or none, within what was decoded; any domain makes a page without markup of its own. */
#include "app/autoconfig.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf decoded = BUF_INIT(254), page = BUF_INIT(0);
	struct str domain = autoconfig_query_domain(str_make(p, n), &decoded);
	size_t tags = 0;

	if (domain.n && (domain.p <= decoded.p || domain.p + domain.n != decoded.p + decoded.n || str_chr(domain, '@') != STR_NPOS))
		abort();
	autoconfig_page(str_make(p, n), STR_NONE, &page);
	for (size_t i = 0; i < page.n; i++)
		tags += page.p[i] == '<';
	if (page.failed || tags != 11)
		abort();
	buf_fini(&decoded);
	buf_fini(&page);
	return 0;
}
