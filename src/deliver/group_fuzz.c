/* The header of any message goes to a group as whole lines that another reader takes for the same message, and comes back as a loop. The first octet
 * chooses the settings; the whole is a bounce's detail too. */
#include "codec/mime/header.h"
#include "deliver/group_address.h"
#include "deliver/group_header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A policy that wants every author rewritten. */
static int strict(void *ctx, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	static const struct dns_record record = { .text = STR_INIT("v=DMARC1; p=reject; sp=reject") };

	(void)ctx;
	(void)a;
	*out = (struct dns_answer){ .status = type == DNS_TXT ? DNS_OK : DNS_NXDOMAIN, .canonical = name, .records = &record, .n = type == DNS_TXT };
	return 0;
}

static size_t count_fields(struct str header)
{
	struct mime_header_walk w = mime_header_walk(header);
	struct mime_header_field f;
	size_t n = 0;

	while (mime_header_next(&w, &f))
		n++;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct dns_source dns = { .query = strict };
	struct str message = str_make(n ? p + 1 : p, n ? n - 1 : 0), body;
	unsigned bits = n ? p[0] : 0;
	struct group g = { .name = STR("list@example.org"), .settings = { .reply_to_list = bits & 1, .no_headers = bits & 2, .rewrite_from = bits & 4 } };
	struct arena a = ARENA_INIT(0);
	struct buf out = BUF_INIT(0);
	struct group_bounce_detail detail;
	struct str header = group_header_split(message, &body);

	if (header.n + body.n > message.n || group_header_write(header, &g, &dns, &a, &out))
		abort();
	if (out.n == 0 || out.p[out.n - 1] != '\n' || !group_header_loops(buf_str(&out), g.name))
		abort();
	/* with a blank line behind it the header ends where it ends */
	struct str rest;
	buf_add_lit(&out, "\r\nbody");
	struct str again = group_header_split(buf_str(&out), &rest);
	if (count_fields(header) <= 500 && count_fields(again) < (bits & 2 ? 1u : 7u))
		abort();
	if (group_bounce_read(g.name, STR("key"), 1, message, &detail) || detail.authentic || detail.user.n + detail.host.n > n)
		abort();
	buf_fini(&out);
	arena_fini(&a);
	return 0;
}
