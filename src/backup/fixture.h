/* A repository in a directory of its own, for tests. Whatever goes wrong aborts. One thread. */
#ifndef BACKUP_FIXTURE_H
#define BACKUP_FIXTURE_H

#include "backup/repository.h"

struct scene {
	char dir[128];
	const char *passphrase;
	struct repository *r;
};
void scene_init(struct scene *s, const char *passphrase);      /* made, and open for writing */
void scene_fini(struct scene *s);                              /* closes and removes */
void scene_reopen(struct scene *s, bool write);

void scene_dir(char *out, size_t size);                        /* a name below $TMPDIR or /dev/shm that does not exist */
void scene_remove(const char *dir);                            /* with all that is in it */
unsigned scene_count_files(const char *dir);                   /* all the way down */
void scene_read_file(const char *path, struct buf *out);
void scene_write_file(const char *path, struct str bytes);
/* The n-th file below dir, in a fixed order; false when there are fewer. */
bool scene_file(const char *dir, unsigned n, char *out, size_t size);

/* Bytes that depend on both numbers, random or not. */
void scene_bytes(struct buf *b, uint64_t seed, size_t n, bool random);

/* A snapshot of the tests: the ids of its chunks, one after another. */
int scene_walk(void *arg, struct str snapshot, repository_need_fn *need, void *ctx);
uint64_t scene_verify(struct scene *s);                        /* faults found */
void scene_quiet(void *arg, const char *line);                 /* a repository_report_fn; TROIKA_TEST_SHOW=1 prints */

struct scene_list {
	char ids[64][SNAPSHOT_ID_MAX];
	size_t n;
};
int scene_list_add(void *arg, const char *id);

#endif
