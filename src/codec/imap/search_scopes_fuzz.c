/* Any bytes as the arguments of ESEARCH, with every filter leading to the same bytes. */
#include "base/err.h"
#include "codec/imap/search_key.h"
#include "codec/imap/search_return.h"
#include "codec/imap/search_scopes.h"

#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int find(void *arg, struct str name, struct str *value_out)
{
	MUST(name.n > 0);
	*value_out = *(const struct str *)arg;
	return name.p[0] == 'x' ? ERR_NOT_FOUND : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT((size_t)16 << 20);
	struct str in = str_make(data, size);
	const struct imap_search_filters filters = { find, &in };
	struct imap_cursor c;
	struct imap_scopes scopes;
	struct imap_search_return ret;
	struct imap_search search;
	imap_cursor_init(&c, in, &a, false);
	if (imap_search_scopes(&c, &scopes) && imap_search_return(&c, &ret)) {
		size_t names = 0;
		for (size_t i = 0; i < scopes.n; i++) {
			MUST((scopes.v[i].kind >= IMAP_SCOPE_SUBTREE) == (scopes.v[i].name_count > 0));
			names += scopes.v[i].name_count;
		}
		MUST(names <= IMAP_SEARCH_NAMES_MAX);
		int err = imap_search_filtered(&c, false, &filters, &search);
		MUST(!err || c.error || err == ERR_UNSUPPORTED || err == ERR_NO_MEMORY);
		MUST((err != ERR_NOT_FOUND && err != ERR_DENIED) || search.filter.n > 0);
	} else {
		MUST(c.error);
	}
	arena_fini(&a);
	return 0;
}
