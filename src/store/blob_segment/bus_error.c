#include "store/blob_segment/bus_error.h"

#include "base/err.h"
#include "store/limits.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS ((size_t)2 * STORE_SEGMENTS_MAPPED_MAX)

/* base is written last and cleared first: a slot with a base is whole. The handler reads without a lock. */
struct slot {
	atomic_uintptr_t base;
	atomic_size_t size;
	_Atomic(atomic_bool *) damaged;
};
static struct slot slots[SLOTS];
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;   /* among those that add and remove */
static atomic_size_t slots_used;                                 /* none beyond was ever in use */
static struct sigaction before;
static uintptr_t page_size;

void bus_error_add(void *base, size_t size, atomic_bool *damaged)
{
	pthread_mutex_lock(&slots_lock);
	for (size_t i = 0; i < SLOTS; i++) {
		if (atomic_load(&slots[i].base) != 0)
			continue;
		atomic_store(&slots[i].size, size);
		atomic_store(&slots[i].damaged, damaged);
		atomic_store(&slots[i].base, (uintptr_t)base);
		if (i >= atomic_load(&slots_used))
			atomic_store(&slots_used, i + 1);
		break;
	}
	pthread_mutex_unlock(&slots_lock);
}

void bus_error_remove(void *base)
{
	pthread_mutex_lock(&slots_lock);
	for (size_t i = 0; i < atomic_load(&slots_used); i++) {
		if (atomic_load(&slots[i].base) == (uintptr_t)base)
			atomic_store(&slots[i].base, 0);
	}
	pthread_mutex_unlock(&slots_lock);
}

/* Whoever touched the address holds its mapping, so the slot cannot go away under the handler. Only calls that are
 * safe in handlers: mmap is a bare system call. */
static bool replace_page(uintptr_t address)
{
	size_t used = atomic_load(&slots_used);
	for (size_t i = 0; i < used; i++) {
		uintptr_t base = atomic_load(&slots[i].base);
		if (base == 0 || address < base || address - base >= atomic_load(&slots[i].size))
			continue;
		atomic_store(atomic_load(&slots[i].damaged), true);
		void *page = (void *)(address & ~(page_size - 1));
		return mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
	}
	return false;
}

static void handle(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	if (info->si_code > 0 && replace_page((uintptr_t)info->si_addr))
		return;
	/* Not ours: whoever was there before gets it when the instruction faults again, which ends the process unless it is a debugger's. */
	static const char last_words[] = "store.bus-error: the disk could not give a page of the index; nothing is lost by that; look at the disk, then: troika check\n";
	if (info->si_code > 0 && write(STDERR_FILENO, last_words, sizeof last_words - 1) < 0)
		_exit(1);
	sigaction(SIGBUS, &before, NULL);
}

int bus_error_catch(void)
{
	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	struct sigaction sa = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO }, old;
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGBUS, NULL, &old) < 0)
		return ERR_UNSUPPORTED;
	if ((old.sa_flags & SA_SIGINFO) && old.sa_sigaction == handle)
		return 0;
	before = old;
	return sigaction(SIGBUS, &sa, NULL) < 0 ? ERR_UNSUPPORTED : 0;
}
