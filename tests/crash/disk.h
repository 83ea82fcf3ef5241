/* A disk that is played from a record (record.h), and what a power cut may leave of it. What was synced is there; of everything else each write, each change
 * of size and each change of a directory is there or not, independently of the others; a write may be torn at its sectors of 512 bytes. A sector is
 * written whole or not at all. What a failed sync was about may be there or not for ever, however many syncs succeed after it: the kernel takes it for written.
 * Not so names in a directory: the journal that failed to write them ends the file system, or writes them later.
 * One thread. */
#ifndef TESTS_CRASH_DISK_H
#define TESTS_CRASH_DISK_H

#include "tests/crash/record.h"

#include <stdbool.h>
#include <stddef.h>

struct disk;

/* How the disk is made to lie, to see that somebody notices: syncs of bytes, syncs of directories, or O_DSYNC mean nothing. */
enum disk_lie { LIE_NONE, LIE_DATA, LIE_NAMES, LIE_DSYNC };

struct disk *disk_create(const struct disk_record *first, enum disk_lie lie);
void disk_destroy(struct disk **d);

/* The next record. False: the record holds something that nobody can play. */
bool disk_play(struct disk *d, const struct disk_record *r);
/* How many operations are under way, not known durable. */
size_t disk_pending(const struct disk *d);

enum disk_fate {
	FATE_ALL_LOST, FATE_ALL_KEPT, FATE_LAST_LOST, FATE_LAST_KEPT, FATE_ONE_LOST, FATE_ONE_KEPT, FATE_LAST_TORN, FATE_ONE_TORN, FATE_PREFIX, FATE_SUFFIX,
	FATE_ANY, FATE_ANY_TORN, FATE_SIZES_ONLY,
	FATES,
};
extern const char *const disk_fate_names[FATES];

struct disk_state {
	unsigned lost, kept, torn;       /* operations */
	uint64_t digest;                 /* equal for equal choices at one cut */
};
/* Throws the dice for everything that is under way. *dice is the state of the generator. */
struct disk_state disk_choose(struct disk *d, enum disk_fate fate, uint64_t *dice);
/* Makes the directory `path`, which must not exist, as the last choice has it. */
void disk_write_out(struct disk *d, const char *path);

uint64_t dice_throw(uint64_t *dice);
_Noreturn void power_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
