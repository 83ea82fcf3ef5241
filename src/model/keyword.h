/* From keyword names to the bits of one mailbox, within a commit. For this room only. */
#ifndef MODEL_KEYWORD_H
#define MODEL_KEYWORD_H

#include "model/change.h"
#include "model/mailbox_record.h"

/* The bits of these names. With make, unknown ones are made in the record (the caller saves it); when all bits are
 * taken, those that no message has and that are not in keep are freed first. *missing_out: how many found no bit. 0 or
 * an error of the store. */
int keyword_bits(struct change *c, struct mailbox_record *m, const struct str *names, size_t n, bool make,
				 uint64_t keep, uint64_t *bits_out, size_t *missing_out);

/* Flags of a message of one mailbox in the terms of another one; keywords that find no bit there are lost (RFC
 * 3501 6.4.7: they SHOULD be kept). Begin with known = 0. */
struct keyword_map {
	struct mailbox_record *from, *to;
	uint64_t known;                               /* bits of `from` that were translated */
	uint64_t bit[KEYWORDS_MAX];
};
int keyword_map_flags(struct change *c, struct keyword_map *map, uint64_t flags, uint64_t *out);

#endif
