/* What needs no key, so that many inputs are seen: canonical forms (the same when made twice), tag lists, key records, instances of ARC. */
#include "mailauth/arc_chain.h"
#include "mailauth/dkim_record.h"
#include "mailauth/dkim_tags.h"

#include <stdint.h>
#include <stdlib.h>

static void collect(void *ctx, const char *p, size_t n) { buf_add(ctx, p, n); }

static void check_body(enum dkim_canon how, struct str body)
{
	struct buf once = BUF_INIT(0), twice = BUF_INIT(0);
	dkim_canon_body(how, body, collect, &once);
	dkim_canon_body(how, buf_str(&once), collect, &twice);
	if (!str_eq(buf_str(&once), buf_str(&twice)) || once.n > body.n + 2)
		abort();
	buf_fini(&once);
	buf_fini(&twice);
}

static void check_field(struct str raw)
{
	struct buf once = BUF_INIT(0), twice = BUF_INIT(0);
	dkim_canon_field(DKIM_RELAXED, raw, &once);
	dkim_canon_field(DKIM_RELAXED, buf_str(&once), &twice);
	if (once.n > raw.n + 1)
		abort();
	/* a CR that was parted from its LF may meet another one */
	if (str_chr(raw, '\r') == STR_NPOS && !str_eq(buf_str(&once), buf_str(&twice)))
		abort();
	buf_fini(&once);
	buf_fini(&twice);
}

static void check_tags(struct str text)
{
	struct dkim_tags tags;
	struct str rest, element;
	if (!dkim_tags_parse(text, &tags))
		return;
	for (size_t i = 0; i < tags.n; i++) {
		const struct dkim_tag *t = &tags.v[i];
		if (t->room.p < text.p || t->room.p + t->room.n > text.p + text.n || dkim_tags_find(&tags, t->name) != t)
			abort();
		for (rest = t->value; dkim_tags_element(&rest, &element);)
			if (element.n > t->value.n)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str s = str_make(p, n), payload;
	struct dkim_record record;
	struct buf key = BUF_INIT(0);
	check_body(DKIM_SIMPLE, s);
	check_body(DKIM_RELAXED, s);
	check_field(s);
	check_tags(s);
	dkim_record_parse(s, DKIM_ED25519_SHA256, &record, &key);
	if (arc_results_instance(s, &payload) > ARC_SETS_MAX || payload.n > n)
		abort();
	buf_fini(&key);
	return 0;
}
