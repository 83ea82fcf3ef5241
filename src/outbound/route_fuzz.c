/* Any text is an entry or an error that says why. */
#include "outbound/route.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a = ARENA_INIT((size_t)1 << 20);
	struct route r;
	struct err e = { 0 };
	int code = route_parse(str_make(p, n), &a, &r, &e);

	if (code == 0 && (!r.pattern.n || !r.transport.n || r.n_sources > ROUTE_SOURCES_MAX || (r.user.n && !r.password.n && !r.password_file)))
		abort();
	if (code && code != ERR_NO_MEMORY && (code != ERR_CONFIG || !e.log[0]))
		abort();
	arena_fini(&a);
	return 0;
}
