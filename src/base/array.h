/* Room in an array that grows by doubling. Any thread.
 *
 *     struct note *v = array_room(l->v, l->n, &l->cap, sizeof *v);
 *     if (!v)
 *         return ERR_NO_MEMORY;
 *     l->v = v;
 *     l->v[l->n++] = note;
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>

/* v holds n elements of that size, and has room for *cap; NULL and 0 at first. Returns it with room for one more, perhaps elsewhere, and *cap is what it has room
 * for then; free() ends it. NULL: out of memory, and v is as it was. */
void *array_room(void *v, size_t n, size_t *cap, size_t size);

#endif
