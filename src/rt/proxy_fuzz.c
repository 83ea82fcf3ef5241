#include "rt/proxy.h"

#include "base/err.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A header stays what it is when more bytes follow, and no prefix of it is complete or wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header h, again;
	struct str bytes = str_make(data, size);
	int r = proxy_parse(bytes, &h);
	if (r == 0 && size >= PROXY_HEADER_MAX)
		abort();
	if (r != 1)
		return 0;
	if (h.size > size || h.size > PROXY_HEADER_MAX)
		abort();
	if (proxy_parse(str_sub(bytes, 0, h.size), &again) != 1 || again.size != h.size)
		abort();
	if (proxy_parse(str_sub(bytes, 0, h.size - 1), &again) != 0)
		abort();
	return 0;
}
