/* What to do when the disk fails under a mapping: the kernel sends SIGBUS to whoever touches the page. The handler here
 * puts a page of zeros in its place and marks the mapping, so that the one request fails and not the process.
 *
 * The table of mappings is the process's, because signal handlers are. Any thread.
 */
#ifndef STORE_BLOB_SEGMENT_BUS_ERROR_H
#define STORE_BLOB_SEGMENT_BUS_ERROR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Installs the handler; faults elsewhere go on to be what they were. 0 or ERR_UNSUPPORTED. */
int bus_error_catch(void);
/* Tells the handler of a mapping; *damaged is set when a page of it was replaced. Remove it before it is unmapped. When
 * the table is full the mapping is not protected. */
void bus_error_add(void *base, size_t size, atomic_bool *damaged);
void bus_error_remove(void *base);

#endif
