/* Time and chance for fuzzers. Each input begins at the same moment and draws the same numbers, so a run with a seed plays the same inputs on every machine,
 * and what was found happens again. New passwords are hashed at the least cost that crypt(3) knows, for logins are fuzzed, not the hash. The linker puts
 * these in place of the C library's (--wrap, meson.build) for our own objects alone: libFuzzer's clock and what libraries draw for themselves are not
 * touched. */
#include "base/hash.h"
#include "base/str.h"

#include <crypt.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/types.h>
#include <time.h>

#define FIRST_SECOND 1767225600            /* 2026-01-01 */
#define TICK_NS 100000                     /* how much each look at the clock takes: who waits for time comes to an end */
#define TICKS_PER_SECOND (1000000000 / TICK_NS)

int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __real_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags);
char *__wrap_crypt_gensalt_rn(const char *kind, unsigned long cost, const char *random, int n_random, char *out, int size);

/* Process-wide by contract: fuzzers have one thread. */
static struct {
	uint64_t ticks, random;
} steady;

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	(void)clock;
	uint64_t ticks = steady.ticks++;
	*out = (struct timespec){ .tv_sec = (time_t)(FIRST_SECOND + ticks / TICKS_PER_SECOND), .tv_nsec = (long)(ticks % TICKS_PER_SECOND * TICK_NS) };
	return 0;
}

/* SplitMix64 */
ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags)
{
	(void)flags;
	for (size_t i = 0; i < n; i++) {
		uint64_t z = steady.random += UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		((uint8_t *)to)[i] = (uint8_t)(z ^ z >> 31);
	}
	return (ssize_t)n;
}

char *__wrap_crypt_gensalt_rn(const char *kind, unsigned long cost, const char *random, int n_random, char *out, int size)
{
	(void)kind, (void)cost, (void)random, (void)n_random;
	return str_copy_c(out, (size_t)size, STR("$y$j/5$abc.")) ? out : NULL;
}

int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* the process's key for hashes is drawn before the first input, whatever that does */
	hash_siphash(STR_NONE);
	steady.ticks = steady.random = 0;
	return __real_LLVMFuzzerTestOneInput(data, size);
}
