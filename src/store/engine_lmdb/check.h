/* Parts of store_check. */
#ifndef STORE_ENGINE_LMDB_CHECK_H
#define STORE_ENGINE_LMDB_CHECK_H

#include "store/blob_segment/scan.h"
#include "store/engine_lmdb/lmdb_store.h"

struct check {
	struct lmdb_store *s;
	bool repair;
	store_report_fn *report;
	void *report_arg;
	uint64_t faults;
	bool counters_lost;               /* numbers of segments may be given out again, were they not skipped */
	bool places_lost;                 /* rows of the tables about blobs may be missing */
};

/* A line "note: ...", that counts as no fault: what an earlier repair has dealt with. */
void check_note(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Counts a fault and reports it in one line. */
void check_fault(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Every pair of every table. 0 or an error that ended the pass. */
int check_index(struct check *c);
/* Every segment file against the tables. */
int check_segments(struct check *c);

/* check_mend.c */
/* Copies n bytes of a segment, as they are, to DIR/quarantine/, and notes that they are known to be damaged; the segment keeps them too. */
int check_set_aside(struct lmdb_store *s, uint32_t number, uint64_t offset, uint64_t n);
/* Writes the first 64 bytes of a segment anew; the old ones go to the quarantine. 0, or ERR_BUSY: somebody writes to it. */
int check_mend_header(struct lmdb_store *s, uint32_t number);
/* The next segment gets a number beyond all that can have been given out. */
int check_mend_counters(struct lmdb_store *s);
/* When the table of moved blobs was lost: notes that the blob of this record, which is no more where its id says, is here. *mended_out: it did. */
int check_mend_place(struct check *c, uint32_t number, const struct scan_item *item, bool *mended_out);

/* check_sums.c: a value of the system scope that fails its checksum, by its whole key. */
extern const char check_sum_wrong[];
/* Writes it to DIR/quarantine/: le16 length of the key, key, value. */
int check_keep_value(struct lmdb_store *s, MDB_val key, MDB_val value);
/* A scope that has this key has a version again, if it has none. */
extern const char check_no_version[];
int check_mend_version(struct lmdb_store *s, struct str key);
/* Takes it and its row out, if it still fails, and notes a wound: what follows from its loss is for the rooms above. */
int check_drop_value(struct lmdb_store *s, struct str key);

#endif
