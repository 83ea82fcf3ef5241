/* A world in which every name publishes one of the lines of the input: whatever they say, a check ends within its limits. */
#include "mailauth/spf.h"

#include "base/ascii.h"
#include "base/hash.h"
#include "mailauth/limits.h"

#include <stdint.h>
#include <stdlib.h>

/* The record of the domain; of each term the question and 10 more; the client's names; the explanation, with names of its own. */
#define QUESTIONS_MAX (1 + SPF_LOOKUPS_MAX * (1 + SPF_MX_MAX) + (1 + SPF_PTR_MAX) + 1)

struct world {
	struct str lines;
	unsigned questions;
};

static struct str pick_line(const struct world *w, uint64_t n)
{
	struct str line, rest = w->lines;
	size_t count = 1;
	for (size_t i = 0; i < rest.n; i++)
		count += rest.p[i] == '\n';
	for (n %= count;; n--)
		if (str_cut(rest, '\n', &line, &rest), n == 0)
			return line;
}

static int answer(void *ctx, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	struct world *w = ctx;
	uint64_t h = hash_crc32c(0, name.p, name.n);
	struct dns_record *r = arena_array(a, 12, sizeof(*r));
	if (++w->questions > QUESTIONS_MAX || name.n == 0 || name.n > DNS_NAME_MAX)
		abort();
	*out = (struct dns_answer){ .status = h % 7 == 0 ? DNS_NXDOMAIN : h % 31 == 1 ? DNS_TEMPORARY : DNS_OK, .records = r, .n = 1 + h % 12 };
	if (!r)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < out->n; i++) {
		if (type == DNS_TXT)
			r[i].text = pick_line(w, h / 12);
		else if (type == DNS_MX)
			r[i].mx.host = pick_line(w, h + i);
		else if (type == DNS_PTR)
			r[i].name = pick_line(w, h + i);
		else
			r[i].addr.b[15] = (uint8_t)(h >> 8);
	}
	if (type == DNS_TXT)
		out->n = 1;
	if (out->status != DNS_OK)
		out->n = 0;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct world w = { .lines = str_make(p, n) };
	struct dns_source source = { answer, &w };
	struct arena a = ARENA_INIT(0);
	struct spf_question q = { .helo = pick_line(&w, 1), .sender = pick_line(&w, 0), .receiver = STR("rx.example") };
	struct spf_answer out;
	if (spf_check(&source, &a, &q, &out))
		abort();
	for (size_t i = 0; i < out.explanation.n; i++)
		if (!ascii_is_print((unsigned char)out.explanation.p[i]) || out.result != SPF_FAIL)
			abort();
	for (size_t i = 0; i < out.domain.n; i++)
		if (ascii_is_upper((unsigned char)out.domain.p[i]) || (unsigned char)out.domain.p[i] > 126)
			abort();
	arena_fini(&a);
	return 0;
}
