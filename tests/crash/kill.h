/* What the campaigns of kill -9 share: a store in a directory of its own, children that tell what they did over a pipe until they are killed, and a parent that
 * says all there is to say when something acknowledged is not there. One campaign a program; the parent's, but for mix and kill_store. */
#ifndef TESTS_CRASH_KILL_H
#define TESTS_CRASH_KILL_H

#include "store/store.h"

#include <stdint.h>
#include <sys/types.h>

extern struct kill_campaign {
	const char *name;                 /* of the program */
	char dir[256];                    /* where the store lies; not there any more when all went well */
	uint64_t rounds, seed;
	unsigned round;                   /* the one that is played, for who reads of a failure */
} campaign;

/* [ROUNDS [SEED]] of the command line, 12 rounds by a new seed without, and the directory, under TMPDIR. Ends the process when there is none. */
void kill_begin(const char *name, int argc, char **argv);
void kill_end(void);                  /* the directory goes */
/* Something is wrong: tells all there is, since whoever reads of it has nothing else, and leaves the store where it is. */
_Noreturn void kill_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct store *kill_store(void);       /* opens it, with segments of 1 MB; the caller closes */

/* Reads what children tell, records of size octets (64 at the most), for some time, or to the end when ms is negative. */
void kill_listen(int fd, int64_t ms, size_t size, void (*note)(const void *record));
/* Kills a child; one that had ended by itself is a failure. */
void kill_child(pid_t pid);
uint64_t kill_mix(uint64_t x);        /* what looks random, and is the same for the same x */

#endif
