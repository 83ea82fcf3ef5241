/* A record that parses keeps its promises: its domain-specs expand, and each of its terms parses alone. */
#include "mailauth/spf_record.h"

#include "base/buf.h"
#include "mailauth/limits.h"
#include "mailauth/spf_macro.h"

#include <stdint.h>
#include <stdlib.h>

static void expand(struct str spec)
{
	struct spf_macro_values v = {
		.sender = STR("a-b+c@d.example"), .local = STR("a-b+c"), .sender_domain = STR("d.example"), .domain = STR("..x.example"),
		.helo = STR("-/_="), .receiver = STR(""), .validated = STR("unknown"),
	};
	struct buf b = BUF_INIT(SPF_EXPANSION_MAX);
	if (spec.n > 0 && !spf_macro_check(spec, SPF_MACRO_DOMAIN))
		abort();
	spf_macro_expand(spec, &v, &b);
	buf_fini(&b);
}

static void check_alone(struct str term)
{
	struct arena a = ARENA_INIT(0);
	struct spf_record r;
	const char *problem = NULL;
	struct buf b = BUF_INIT(0);
	buf_add_lit(&b, "v=spf1 ");
	buf_add_str(&b, term);
	if (spf_record_parse(buf_str(&b), &a, &r, &problem) || r.n != 1)
		abort();
	buf_fini(&b);
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = str_make(p, n);
	struct arena a = ARENA_INIT(0);
	struct spf_record r;
	const char *problem = NULL;
	if (spf_record_is_ours(text) && spf_record_parse(text, &a, &r, &problem) == 0) {
		if (r.n > SPF_TERMS_MAX)
			abort();
		for (size_t i = 0; i < r.n; i++) {
			const struct spf_directive *d = &r.directives[i];
			if (d->bits4 > 32 || d->bits6 > 128)
				abort();
			expand(d->domain_spec);
			if (i < 4)
				check_alone(d->text);
		}
		expand(r.redirect);
		expand(r.exp);
	}
	arena_fini(&a);
	return 0;
}
