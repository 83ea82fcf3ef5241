#include "codec/dsn/parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a = ARENA_INIT(0);
	struct dsn_report report;

	if (dsn_parse(str_make(p, n), &a, &report) == 0) {
		if (report.n == 0)
			abort();
		for (size_t i = 0; i < report.n; i++) {
			const struct dsn_report_recipient *r = &report.recipients[i];
			if ((r->address.n == 0 && r->original.n == 0) || r->action > DSN_EXPANDED || r->status.class < 2 || r->status.class > 5)
				abort();
		}
	}
	arena_fini(&a);
	return 0;
}
