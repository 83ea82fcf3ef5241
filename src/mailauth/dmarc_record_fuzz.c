/* Whatever a record says, what is read from it is in range, and its addresses are what a reporter can use. */
#include "mailauth/dmarc_record.h"

#include "base/ascii.h"
#include "mailauth/limits.h"

#include <stdint.h>
#include <stdlib.h>

static bool is_policy(enum dmarc_policy p) { return p <= DMARC_POLICY_REJECT; }

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = str_make(p, n);
	struct arena a = ARENA_INIT(0);
	struct dmarc_record r;
	if (dmarc_record_is_ours(text) && dmarc_record_parse(text, &a, &r) == 0) {
		if (!is_policy(r.p) || !is_policy(r.sp) || !is_policy(r.np) || r.percent > 100 || r.n_rua > DMARC_RUA_MAX)
			abort();
		for (size_t i = 0; i < r.n_rua; i++) {
			if (!str_istarts(r.rua[i], STR("mailto:")) || str_chr(r.rua[i], '@') == STR_NPOS || str_chr(r.rua[i], '!') != STR_NPOS)
				abort();
			for (size_t k = 0; k < r.rua[i].n; k++)
				if (!ascii_is_print((unsigned char)r.rua[i].p[k]) || r.rua[i].p[k] == ' ')
					abort();
		}
	}
	arena_fini(&a);
	return 0;
}
