/* Aggregate reports that others send us: RFC 7489 appendix C, as XML, gzip, zip or a whole message with one of them. Any thread. */
#ifndef REPORT_DMARC_READ_H
#define REPORT_DMARC_READ_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct dmarc_foreign_row {
	struct str source_ip, disposition, dkim, spf, header_from, envelope_from;
	struct str dkim_domains, spf_domain;     /* "example.org pass, ..." as found */
	uint64_t count;
};
struct dmarc_foreign {
	struct str org, id, domain, policy;
	int64_t begin, end;
	struct dmarc_foreign_row *rows;
	size_t n;
};
/* ERR_INVALID: no report in it; ERR_TOO_BIG; ERR_NO_MEMORY. Everything lives in the arena. */
int dmarc_read(struct str bytes, struct arena *a, struct dmarc_foreign *out, struct err *e);

#endif
