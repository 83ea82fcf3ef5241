/* A record or policy is taken or not; what is taken holds what it must. */
#include "codec/smtp/sts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = str_make(p, n), id;
	struct arena a = ARENA_INIT(0);
	struct sts_policy policy;
	bool is_sts;

	if (sts_record_parse(text, &id, &is_sts) && (!is_sts || id.n < 1 || id.n > STS_ID_MAX))
		abort();
	if (!sts_policy_parse(text, &a, &policy)) {
		if (policy.max_age > STS_MAX_AGE_MAX || (policy.mode != STS_NONE && !policy.n_mx))
			abort();
		for (size_t i = 0; i < policy.n_mx; i++)
			if (!str_starts(policy.mx[i], STR("*.")) && !sts_policy_matches(&policy, policy.mx[i]))
				abort();
	}
	arena_fini(&a);
	return 0;
}
