/* Any bytes as the head of a request: slices stay inside, and an accepted head reads the same twice. */
#include "codec/http/request.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct str all, struct str s)
{
	return s.n == 0 || (s.p >= all.p && s.p + s.n <= all.p + all.n) || str_eq(s, STR("/"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str head = str_make(data, size), value;
	struct http_request r;

	if (http_request_parse(head, &r) == 0) {
		assert(inside(head, r.method) && inside(head, r.path) && inside(head, r.query) && inside(head, r.host) && inside(head, r.fields));
		assert(r.minor == 0 || http_field(&r, STR("Host"), &value));
		assert(!(r.chunked && r.content_length));
	}
	return 0;
}
