#include "store/blob_segment/scan.h"

#include "base/hash.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW ((size_t)1 << 20)

struct segment_scan {
	int fd;
	uint32_t number;
	bool verify;
	uint64_t size;                    /* of the file */
	uint64_t at;                      /* the next record is looked for here */
	uint64_t extent, used, synced;
	struct scan_item held;            /* a record found behind damage, to be given next */
	bool holds;
	uint64_t window_at;               /* file offset of window[0] */
	size_t window_n;
	uint8_t window[WINDOW];
};

/* n (at most half a window) bytes at an offset; fewer at the end of the file. The slice dies with the next call. */
static int window_get(struct segment_scan *s, uint64_t offset, size_t n, struct str *out)
{
	if (offset > s->size)
		offset = s->size;
	if (n > s->size - offset)
		n = (size_t)(s->size - offset);
	if (offset < s->window_at || offset + n > s->window_at + s->window_n) {
		size_t got = 0;
		while (got < n) {
			ssize_t more = pread(s->fd, s->window + got, WINDOW - got, (off_t)(offset + got));
			if (more < 0 && errno == EINTR)
				continue;
			if (more < 0)
				return ERR_IO;
			if (more == 0)
				break;
			got += (size_t)more;
		}
		s->window_at = offset;
		s->window_n = got;
		if (n > got)
			n = got;
	}
	*out = str_make(s->window + (offset - s->window_at), n);
	return 0;
}

int segment_scan_begin(int fd, uint32_t number, bool verify, struct segment_scan **out)
{
	*out = NULL;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return ERR_IO;
	struct segment_scan *s = malloc(sizeof *s);
	if (!s)
		return ERR_NO_MEMORY;
	s->fd = fd;
	s->number = number;
	s->verify = verify;
	s->size = (uint64_t)st.st_size;
	s->at = s->extent = s->used = s->synced = SEGMENT_HEADER_SIZE;
	s->holds = false;
	s->window_at = s->window_n = 0;
	struct str header;
	uint32_t number_in_file = 0;
	int rc = window_get(s, 0, SEGMENT_HEADER_SIZE, &header);
	if (rc == 0)
		rc = header.n == SEGMENT_HEADER_SIZE ? segment_header_decode((const uint8_t *)header.p, &number_in_file)
											 : ERR_CORRUPT;
	if (rc == 0 && number_in_file != number)
		rc = ERR_INVALID;
	if (rc) {
		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void segment_scan_end(struct segment_scan **s)
{
	free(*s);
	*s = NULL;
}

uint64_t segment_scan_extent(const struct segment_scan *s) { return s->extent; }
uint64_t segment_scan_used(const struct segment_scan *s) { return s->used > s->extent ? s->used : s->extent; }

uint64_t segment_scan_synced(const struct segment_scan *s) { return s->synced; }

static int payload_ok(struct segment_scan *s, uint64_t offset, const struct record *r, bool *ok_out)
{
	uint32_t crc = 0;
	for (uint64_t left = r->payload_size; left > 0;) {
		struct str part;
		int rc = window_get(s, offset, left < WINDOW / 2 ? (size_t)left : WINDOW / 2, &part);
		if (rc)
			return rc;
		if (part.n == 0)
			break;
		crc = hash_crc32c(crc, part.p, part.n);
		offset += part.n;
		left -= part.n;
	}
	*ok_out = crc == r->payload_crc;
	return 0;
}

/* 1 when a record starts here. Its head is in the window then. */
static int record_here(struct segment_scan *s, uint64_t offset, struct scan_item *out)
{
	struct str head;
	int rc = window_get(s, offset, RECORD_FIXED_SIZE, &head);
	if (rc || head.n < RECORD_FIXED_SIZE)
		return rc;
	size_t n = record_head_peek((const uint8_t *)head.p);
	if (n == 0)
		return 0;
	rc = window_get(s, offset, n, &head);
	if (rc || head.n < n || record_decode(head, &out->record))
		return rc;
	/* What lies within a damaged record may look like a record; a true one names this place or another file. */
	if (place_segment(out->record.id) == s->number && out->record.id != place_make(s->number, offset))
		return 0;
	out->offset = offset;
	out->size = record_size(out->record.n_tags, out->record.payload_size);
	if (out->size > s->size - offset)
		return 0;
	return 1;
}

static int classify(struct segment_scan *s, struct scan_item *it)
{
	it->event = it->record.kind == RECORD_END ? SCAN_END : SCAN_BLOB;
	if (it->event == SCAN_END || !s->verify)
		return 0;
	bool ok;
	int rc = payload_ok(s, it->offset + record_head_size(it->record.n_tags), &it->record, &ok);
	if (rc)
		return rc;
	if (!ok)
		it->event = SCAN_BAD_PAYLOAD;
	/* The window may have moved on: the tags must be there again. */
	struct str head;
	rc = window_get(s, it->offset, record_head_size(it->record.n_tags), &head);
	return rc ? rc : record_decode(head, &it->record);
}

/* From s->at on: the next place where a record starts. 1, 0 at the end of the file. */
static int search(struct segment_scan *s, struct scan_item *out)
{
	for (uint64_t at = s->at; at + RECORD_FIXED_SIZE <= s->size; at += RECORD_ALIGN) {
		struct str unit;
		int rc = window_get(s, at, RECORD_ALIGN, &unit);
		if (rc)
			return rc;
		static const char zero[RECORD_ALIGN];
		if (memcmp(unit.p, zero, RECORD_ALIGN) == 0)
			continue;
		s->used = at + RECORD_ALIGN;
		rc = record_here(s, at, out);
		if (rc)
			return rc;
	}
	return 0;
}

int segment_scan_next(struct segment_scan *s, struct scan_item *out)
{
	int rc = 1;
	if (s->holds) {
		/* Given after the damage before it; read again, as the window may have moved. */
		s->holds = false;
		s->at = s->held.offset;
	}
	uint64_t from = s->at;
	rc = search(s, out);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		/* Below what was known durable something is missing; beyond it a crash may leave anything. */
		s->at = s->size;
		if (from >= s->synced)
			return 0;
		*out = (struct scan_item){ .event = SCAN_DAMAGE, .offset = from, .size = s->synced - from };
		return 1;
	}
	if (out->offset > from) {
		s->held = *out;
		s->holds = true;
		*out = (struct scan_item){ .event = SCAN_DAMAGE, .offset = from, .size = s->held.offset - from };
		return 1;
	}
	rc = classify(s, out);
	if (rc)
		return rc;
	if (out->record.synced > s->synced)
		s->synced = out->record.synced;
	s->at = out->offset + (out->event == SCAN_END ? record_size(0, 0) : out->size);
	if (out->event != SCAN_END)
		s->extent = s->at;
	if (s->used < s->at)
		s->used = s->at;
	return 1;
}
