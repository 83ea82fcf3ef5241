/* Segment files mapped for reading. Any thread. A mapping lives while somebody holds it, also when its file is gone.
 * Mappings reach beyond the present end of a file, so that what is appended later appears in them.
 */
#ifndef STORE_BLOB_SEGMENT_SEGMENT_MAP_H
#define STORE_BLOB_SEGMENT_SEGMENT_MAP_H

#include "store/blob_segment/record.h"

struct segment_maps;
struct segment_map;

/* room: how large a file may become, bytes (a larger one is mapped again when needed). 0 or ERR_NO_MEMORY. */
int segment_maps_create(int dir_fd, uint64_t room, struct segment_maps **out);
void segment_maps_destroy(struct segment_maps **m);            /* all mappings are unreferenced; accepts NULL */

/* Holds the mapping of a segment until segment_map_unref. 0, ERR_NOT_FOUND (no such file), ERR_NO_MEMORY, ERR_IO. */
int segment_map_get(struct segment_maps *m, uint32_t number, struct segment_map **out);
void segment_map_unref(struct segment_maps *m, struct segment_map *map);
/* False when a page of it could not be read after it had been handed out, and zeros stand in its place. */
bool segment_map_intact(const struct segment_map *map);
/* The file is unlinked: the mapping goes when its last holder does. */
void segment_map_forget(struct segment_maps *m, uint32_t number);
/* Forgets those whose files are gone (unlinked by another process). */
void segment_maps_sweep(struct segment_maps *m);

/* Lets go of the pages of all mappings; they stay in the kernel's cache, and come back when touched. */
void segment_maps_trim(struct segment_maps *m);

/* n bytes at an offset, each page read in, so that touching them does not fault. 0, ERR_NOT_FOUND (beyond the file's
 * end), ERR_IO (the disk cannot read them). */
int segment_map_bytes(struct segment_maps *m, struct segment_map *map, uint64_t offset, size_t n, const uint8_t **out);
/* The record at an offset, but not its payload. 0, ERR_NOT_FOUND (nothing was written there), ERR_CORRUPT, ERR_IO. */
int segment_map_record(struct segment_maps *m, struct segment_map *map, uint64_t offset, struct record *out);
/* The payload of a record that segment_map_record has just given, its checksum verified. 0, ERR_CORRUPT, ERR_IO. */
int segment_map_payload(struct segment_maps *m, struct segment_map *map, uint64_t offset, const struct record *r,
						struct str *payload_out);

#endif
