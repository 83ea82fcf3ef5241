/* Any bytes as the name of a mailbox: what is accepted is canonical, and stays so. */
#include "model/name.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char text[MAILBOX_NAME_MAX], again[MAILBOX_NAME_MAX];
	struct str name = str_make(data, n), canonical, twice;
	if (name_canonical(name, text, &canonical, NULL))
		return 0;
	/* another normalization has another length */
	assert(canonical.n > 0 && canonical.n <= MAILBOX_NAME_MAX && n > 0);
	assert(name_canonical(canonical, again, &twice, NULL) == 0 && str_eq(canonical, twice));
	assert(name_compare(canonical, twice) == 0);
	/* a level above is a name too, and above it */
	struct str parent = name_parent(canonical);
	assert(parent.n == 0 || (name_canonical(parent, again, &twice, NULL) == 0 && name_is_below(canonical, parent)));
	return 0;
}
