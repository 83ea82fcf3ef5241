/* A segment file with any bytes in it: the walk ends, and what it gives lies within the file. */
#include "store/blob_segment/scan.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(int fd, uint32_t number, uint64_t size, bool verify)
{
	struct segment_scan *s;
	if (segment_scan_begin(fd, number, verify, &s))
		return;
	struct scan_item item;
	uint64_t last = 0;
	int rc;
	while ((rc = segment_scan_next(s, &item)) == 1) {
		assert(item.offset >= last && item.offset + item.size >= item.offset);
		last = item.offset + 1;
		if (item.event == SCAN_DAMAGE)
			continue;
		assert(item.offset + item.size <= size);
		for (uint32_t i = 0; i < item.record.n_tags; i++)
			(void)record_tag(&item.record, i);
	}
	assert(rc == 0);
	assert(segment_scan_extent(s) <= size);
	segment_scan_end(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("segment", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	/* The file header is given, so that the records are reached; the input's own header is tried as well. */
	uint8_t header[SEGMENT_HEADER_SIZE];
	uint32_t number = 1;
	if (size >= SEGMENT_HEADER_SIZE && segment_header_decode(data, &number) == 0) {
		if (pwrite(fd, data, size, 0) == (ssize_t)size)
			walk(fd, number, size, true);
	} else {
		segment_header_encode(1, header);
		if (pwrite(fd, header, sizeof header, 0) == (ssize_t)sizeof header &&
			pwrite(fd, data, size, sizeof header) == (ssize_t)size) {
			walk(fd, 1, size + sizeof header, true);
			walk(fd, 1, size + sizeof header, false);
		}
	}
	close(fd);
	return 0;
}
