#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>

#define FIRST_CAP ((size_t)64)

void *array_room(void *v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return v;
	size_t more = *cap ? *cap * 2 : FIRST_CAP;
	void *grown = *cap > SIZE_MAX / 2 ? NULL : reallocarray(v, more, size);
	if (grown)
		*cap = more;
	return grown;
}
