/* A report from a stranger: archive, XML or message; and stored rows. */
#include "report/dmarc_read.h"
#include "report/dmarc_row.h"
#include "report/tls_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT(0);
	struct dmarc_foreign f;
	struct dmarc_row d;
	struct tls_row t;
	struct str bytes = str_make(data, size);

	dmarc_read(bytes, &a, &f, NULL);
	dmarc_row_decode(bytes, &d);
	tls_row_decode(bytes, &t);
	arena_fini(&a);
	return 0;
}
