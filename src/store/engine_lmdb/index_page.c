#include "store/engine_lmdb/index_page.h"

#include "base/bytes.h"
#include "base/err.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define META_MAGIC 0xbeefc0deu
#define META_VERSION 1u
#define INTEGER_KEYS 8u                           /* flag of the table of free pages */
#define PAGES_MAX ((uint64_t)1 << 48)             /* page numbers have 48 bits in branches */

static unsigned load_le16(const uint8_t *p) { return p[0] | (unsigned)p[1] << 8; }

int index_file_read(const struct index_file *f, uint64_t page, uint8_t out[INDEX_PAGE_SIZE])
{
	if (page >= f->pages)
		return ERR_NOT_FOUND;
	for (size_t done = 0; done < INDEX_PAGE_SIZE;) {
		ssize_t n = pread(f->fd, out + done, INDEX_PAGE_SIZE - done, (off_t)(page * INDEX_PAGE_SIZE + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? ERR_IO : ERR_NOT_FOUND;
		done += (size_t)n;
	}
	return 0;
}

void index_table_decode(const uint8_t *p, struct index_table *out)
{
	*out = (struct index_table){
		.flags = load_le16(p + 4),
		.depth = load_le16(p + 6),
		.branches = load_le64(p + 8),
		.leaves = load_le64(p + 16),
		.overflows = load_le64(p + 24),
		.entries = load_le64(p + 32),
		.root = load_le64(p + 40),
	};
}

const char *index_meta_decode(const uint8_t *page, unsigned which, struct index_meta *out)
{
	*out = (struct index_meta){ .txn = 0 };
	if (load_le64(page) != which || load_le16(page + 10) != INDEX_META)
		return "no meta page";
	if (load_le32(page + 16) != META_MAGIC || load_le32(page + 20) != META_VERSION)
		return "a meta page without LMDB's mark";
	index_table_decode(page + 40, &out->free);
	index_table_decode(page + 88, &out->main);
	out->last_page = load_le64(page + 136);
	out->txn = load_le64(page + 144);
	if (load_le32(page + 40) != INDEX_PAGE_SIZE)
		return "a meta page that tells of another page size";
	if (out->free.flags != INTEGER_KEYS || out->main.flags != 0)
		return "a meta page with unknown flags";
	if (out->last_page < 1 || out->last_page >= PAGES_MAX)
		return "a meta page with an impossible number of pages";
	return NULL;
}

unsigned index_page_count(const uint8_t *page)
{
	unsigned lower = load_le16(page + 12);
	if (lower > INDEX_PAGE_SIZE)
		lower = INDEX_PAGE_SIZE;
	return lower < INDEX_PAGE_HEADER ? 0 : (lower - INDEX_PAGE_HEADER) / 2;
}

bool index_node_decode(const uint8_t *page, unsigned i, bool leaf, struct index_node *out)
{
	*out = (struct index_node){ .key = STR_NONE };
	unsigned at = load_le16(page + INDEX_PAGE_HEADER + 2 * i);
	if (at < INDEX_PAGE_HEADER || at + INDEX_NODE_HEADER > INDEX_PAGE_SIZE || at % 2)
		return false;
	const uint8_t *node = page + at;
	unsigned key_n = load_le16(node + 6);
	uint32_t low = load_le32(node);
	if (key_n > INDEX_KEY_MAX || at + INDEX_NODE_HEADER + key_n > INDEX_PAGE_SIZE)
		return false;
	out->key = str_make(node + INDEX_NODE_HEADER, key_n);
	if (!leaf) {
		out->page = low | (uint64_t)load_le16(node + 4) << 32;
		return true;
	}
	out->flags = load_le16(node + 4);
	out->size = low;
	bool big = out->flags & INDEX_BIG;
	const uint8_t *value = node + INDEX_NODE_HEADER + key_n;
	size_t room = (size_t)(page + INDEX_PAGE_SIZE - value), needed = big ? 8 : low;
	if (key_n == 0 || needed > room || (out->flags & ~(unsigned)(INDEX_BIG | INDEX_SUBTABLE)))
		return false;
	if (out->flags & INDEX_SUBTABLE && (big || low != INDEX_TABLE_SIZE))
		return false;
	if (big)
		out->page = load_le64(value);
	else
		out->value = str_make(value, low);
	return true;
}

/* The nodes must fill the page from `upper` to its end, none over another. */
static const char *judge_nodes(const uint8_t *page, bool leaf, unsigned upper)
{
	uint8_t taken[INDEX_PAGE_SIZE / 16] = { 0 };
	unsigned count = index_page_count(page), total = 0;
	for (unsigned i = 0; i < count; i++) {
		struct index_node node;
		if (!index_node_decode(page, i, leaf, &node))
			return "a record that does not lie within its page";
		unsigned at = load_le16(page + INDEX_PAGE_HEADER + 2 * i), size = INDEX_NODE_HEADER + (unsigned)node.key.n;
		if (leaf)
			size += node.flags & INDEX_BIG ? 8 : node.size;
		size += size & 1;
		if (at < upper || at + size > INDEX_PAGE_SIZE)
			return "a record that does not lie within its page";
		total += size;
		for (unsigned k = at / 2; k < (at + size) / 2; k++) {
			if (taken[k / 8] & 1u << k % 8)
				return "records that lie over each other";
			taken[k / 8] |= (uint8_t)(1u << k % 8);
		}
	}
	return total == INDEX_PAGE_SIZE - upper ? NULL : "a page whose records do not fill their room";
}

const char *index_page_judge(const uint8_t *page, uint64_t number, bool leaf)
{
	unsigned lower = load_le16(page + 12), upper = load_le16(page + 14);
	if (load_le64(page) != number)
		return "a page with another one's number";
	if (load_le16(page + 10) != (leaf ? INDEX_LEAF : INDEX_BRANCH))
		return leaf ? "no leaf where one should be" : "no branch where one should be";
	if (lower < INDEX_PAGE_HEADER || lower % 2 || lower > upper || upper > INDEX_PAGE_SIZE || upper % 2)
		return "a page with impossible bounds";
	if (index_page_count(page) == 0)
		return "a page without records";
	return judge_nodes(page, leaf, upper);
}

const char *index_overflow_judge(const uint8_t *page, uint64_t number, uint32_t size, uint64_t *pages_out)
{
	if (load_le64(page) != number || load_le16(page + 10) != INDEX_OVERFLOW)
		return "no page of a large value where one should be";
	*pages_out = load_le32(page + 12);
	return *pages_out >= index_overflow_pages(size) ? NULL : "a large value of a wrong size";
}
