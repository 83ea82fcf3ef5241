/* Any bytes as a server's response. What comes back lies within the input or the arena, and is what it says. */
#include "base/utf8.h"
#include "codec/imap/response.h"

#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned touch(struct str s)
{
	unsigned sum = 0;
	for (size_t i = 0; i < s.n; i++)
		sum += (unsigned char)s.p[i];
	return sum;
}

static void try_fetch(struct str in, struct arena *a)
{
	struct imap_fetched f;
	if (!imap_response_fetch(in, a, &f))
		return;
	MUST(f.n_keywords <= IMAP_FETCHED_KEYWORDS_MAX && f.body.n <= in.n);
	touch(f.body);
	touch(f.email);
	for (size_t i = 0; i < f.n_keywords; i++)
		MUST(f.keywords[i].n > 0 && str_chr(f.keywords[i], ' ') == STR_NPOS && utf8_is_ascii(f.keywords[i]));
}

static void try_mailboxes(struct str in, struct arena *a)
{
	struct imap_listed l;
	struct imap_namespaces n;
	struct str name;
	uint32_t messages;
	if (imap_response_list(in, a, &l)) {
		struct buf b = BUF_INIT(0);
		bool literal;
		MUST(l.name.n > 0);
		imap_response_name(l.name, &b);
		MUST(b.failed || utf8_is_valid(buf_str(&b)));
		buf_reset(&b);
		imap_response_argument(l.name, &b, &literal);
		MUST(str_chr(buf_str(&b), '\n') == STR_NPOS);
		buf_fini(&b);
	}
	if (imap_response_namespace(in, a, &n)) {
		MUST(n.n <= IMAP_NAMESPACES_MAX);
		for (size_t i = 0; i < n.n; i++)
			touch(n.v[i].prefix);
	}
	if (imap_response_mailbox_status(in, a, &name, &messages))
		touch(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT((size_t)16 << 20);
	struct str in = str_make(data, size);
	struct imap_response r;
	uint64_t n;
	int64_t date;
	if (imap_response_parse(in, &r)) {
		touch(r.text);
		touch(r.code);
		imap_capabilities(r.code_args);
		try_fetch(r.rest, &a);
		try_mailboxes(r.rest, &a);
	}
	try_fetch(in, &a);
	try_mailboxes(in, &a);
	imap_capabilities(in);
	imap_response_literal(in, &n);
	imap_response_date(in, &date);
	arena_fini(&a);
	return 0;
}
