/* Any bytes as the program of a SEARCH: the tree must keep its limits and hold valid UTF-8, and what was found to be the
 * needle must be found in its own text. */
#include "base/err.h"
#include "base/utf8.h"
#include "codec/imap/needle.h"
#include "codec/imap/search_key.h"

#include <stdint.h>
#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned walk(const struct imap_search_key *k, unsigned depth, struct arena *a, struct buf *scratch)
{
	unsigned count = 1;
	MUST(depth <= IMAP_SEARCH_DEPTH_MAX + 2);
	MUST(utf8_is_valid(k->text) && k->text.n <= IMAP_SEARCH_TEXT_MAX);
	struct imap_needle n;
	if (k->text.n && imap_needle_init(&n, a, k->text) == 0)
		MUST(imap_needle_in(&n, k->text, scratch));
	if (k->kind == IMAP_SEARCH_OR)
		MUST(k->child && k->child->next && !k->child->next->next);
	for (const struct imap_search_key *child = k->child; child; child = child->next)
		count += walk(child, depth + 1, a, scratch);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT((size_t)16 << 20);
	struct buf scratch = BUF_INIT(0);
	struct imap_cursor c;
	struct imap_search s;
	imap_cursor_init(&c, str_make(data, size), &a, false);
	int err = imap_search_args(&c, &s);
	if (!err)
		MUST(walk(s.root, 0, &a, &scratch) <= IMAP_SEARCH_KEYS_MAX);
	else
		MUST(err == ERR_UNSUPPORTED || c.error);
	buf_fini(&scratch);
	arena_fini(&a);
	return 0;
}
