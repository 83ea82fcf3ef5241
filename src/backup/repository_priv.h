/* What the files of the repository share. */
#ifndef BACKUP_REPOSITORY_PRIV_H
#define BACKUP_REPOSITORY_PRIV_H

#include "backup/chunk_index.h"
#include "backup/limits.h"
#include "backup/new_file.h"
#include "backup/seal.h"

#define PACK_FOLDER "packs"
#define SNAPSHOT_FOLDER "snapshots"
#define NOTE_FOLDER "notes"
#define DAMAGED_FOLDER "damaged"
#define PACK_NONE UINT32_MAX

struct pack {
	uint64_t name;                                /* the first eight octets of its salt; in hexadecimal the file's name */
	uint64_t size;                                /* bytes of the file */
	bool damaged;                                 /* its trailer could not be read, or other bytes of it neither */
	bool twice;                                   /* when it was loaded, some of its chunks were known elsewhere */
	bool gone;                                    /* by pack_gone: removed, or never came to be: what the index says of it does not count */
};

/* A pack that is open for reading. */
struct pack_file {
	uint32_t pack;                                /* PACK_NONE: a free place */
	int fd;
	bool head_damaged;                            /* the copy at the end had to do */
	uint64_t size;
	struct crypto_seal *key;
	uint64_t used;                                /* when, to find the one that rested longest */
};

/* The pack being written; the last of `packs` while file.fd >= 0. */
struct pack_writer {
	struct new_file file;
	struct crypto_seal *key;
	uint32_t pack;
	uint32_t chunks;
	uint64_t size;                                /* with what is not written yet */
	uint8_t head[FILE_HEAD_SIZE];
	struct buf out;                               /* that */
	struct buf trailer;                           /* its entries so far */
};

struct repository {
	int dir_fd, lock_fd;
	bool write;
	int failed;                                   /* writing failed with this; nothing is written any more */
	uint64_t id;
	struct sealer sealer;
	struct chunk_index index;
	struct pack *packs;
	uint32_t n_packs, cap_packs;
	bool lost_places;                             /* a pack is gone: others may hold what it held */
	struct chunk_id unread;                       /* the last chunk that the disk did not give, ... */
	unsigned unread_in_row;                       /* ... and how many there were since one that it gave */
	struct pack_writer writer;
	struct pack_file open[PACKS_OPEN];
	uint64_t clock;
	struct buf scratch;                           /* a record as read */
	uint64_t put, put_new, put_bytes;
};

/* ---- repository.c ---- */
int repository_may_write(const struct repository *r);    /* 0, or why not: ERR_DENIED (opened for reading), the failure */

/* ---- key_file.c: the file that makes a directory a repository ---- */
int key_file_make(struct repository *r, struct str passphrase);
/* ERR_NOT_FOUND, ERR_DENIED (passphrase), ERR_VERSION, ERR_CORRUPT. */
int key_file_load(struct repository *r, struct str passphrase);
/* How many of its two copies are damaged. A writer puts them right. */
int key_file_check(struct repository *r, unsigned *damaged_out);

/* ---- pack_read.c ---- */
void pack_name_format(uint64_t name, char out[17]);
void pack_gone(struct repository *r, uint32_t pack);
/* Makes all packs and what they hold known that are not yet, and finds another place for what was in packs that are gone. */
int packs_load(struct repository *r);
int pack_add(struct repository *r, uint64_t name, uint64_t size, uint32_t *out);
/* Reads chunk `id`, whose record must be at that offset. ERR_NOT_FOUND: the pack's file is gone. */
int pack_read_chunk(struct repository *r, uint32_t pack, uint64_t offset, const struct chunk_id *id, struct buf *out);
/* The file for reading; stays open until pack_file_close or until PACKS_OPEN others were opened. ERR_NOT_FOUND, ERR_VERSION, ERR_CORRUPT (no head
 * that tells its key). */
int pack_file_open(struct repository *r, uint32_t pack, struct pack_file **out);
void pack_file_close(struct repository *r, uint32_t pack);
void pack_files_close(struct repository *r);
/* The entries of its trailer, verified, and where its records end. ERR_CORRUPT. */
int pack_read_trailer(struct repository *r, struct pack_file *f, struct buf *out, uint64_t *end_out);
/* Reads the record at offset into r->scratch, its head first; as much of it as the file has. ERR_CORRUPT: no sound head. */
int pack_read_record(struct repository *r, int fd, uint64_t offset, struct record_head *head_out);

/* ---- pack_scan.c ---- */
enum scan_event {
	SCAN_CHUNK,                                   /* a chunk, verified */
	SCAN_BAD_CHUNK,                               /* a record's head is sound, its body is not */
	SCAN_DAMAGE,                                  /* bytes that are no record */
	SCAN_TRAILER,                                 /* the trailer's record; its body was not looked at */
};
struct scan_item {
	enum scan_event event;
	uint64_t offset, size;                        /* bytes of the file */
	struct chunk_id id;                           /* of a chunk, also a bad one */
};
typedef int pack_scan_fn(void *arg, const struct scan_item *item);
/* Walks through a pack without its trailer. fn's value, if not 0, ends it and is returned. ERR_IO, ERR_NO_MEMORY. */
int pack_scan(struct repository *r, uint32_t pack, pack_scan_fn *fn, void *arg);

/* ---- pack_write.c ---- */
void pack_writer_fini(struct repository *r);
/* Adds a chunk to the pack being written; the caller knows that it is not in the index, or wants it moved. After a failure the pack being written is
 * lost and r->failed is set. */
int pack_write_chunk(struct repository *r, const struct chunk_id *id, struct str raw);
int pack_write_pending(struct repository *r);            /* what was gathered goes to the file, so that it can be read */
int pack_write_flush(struct repository *r);

/* ---- sealed_file.c: a small file with one record; the name is part of what is sealed ---- */
int sealed_file_put(struct repository *r, enum file_kind kind, const char *name, struct str bytes);
int sealed_file_get(struct repository *r, enum file_kind kind, const char *name, struct buf *out);

/* ---- snapshot.c ---- */
struct snapshot_list {
	char (*ids)[SNAPSHOT_ID_MAX];
	size_t n, cap;
};
int snapshot_list_load(struct repository *r, struct snapshot_list *out);         /* oldest first */
void snapshot_list_fini(struct snapshot_list *l);
/* fn's value, if not 0, ends it and is returned. */
int notes_list(struct repository *r, int (*fn)(void *arg, const char *name), void *arg);

#endif
