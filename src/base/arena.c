#include "base/arena.h"

#include <stdint.h>

#define ARENA_ALIGN _Alignof(max_align_t)
#define ARENA_BLOCK_FIRST ((size_t)4 << 10)
#define ARENA_BLOCK_LAST ((size_t)64 << 10)
/* Pieces over this that do not fit get a block of their own, so that at most a quarter of a block is wasted. */
#define ARENA_PIECE_SHARED (ARENA_BLOCK_LAST / 4)

struct arena_block {
	struct arena_block *next;
	size_t cap;
	size_t used;
	_Alignas(max_align_t) char data[];
};

#if defined(__has_feature)        /* clang's way of saying it */
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__
#endif
#endif

/* Under AddressSanitizer what was not handed out is poisoned, and a red zone follows every piece. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define ARENA_RED_ZONE ARENA_ALIGN
#else
#define ARENA_RED_ZONE 0
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

void arena_init(struct arena *a, size_t max) { *a = (struct arena)ARENA_INIT(max); }

static void block_wipe(const struct arena *a, struct arena_block *block)
{
	ASAN_UNPOISON_MEMORY_REGION(block->data, block->cap);
	if (a->wipe)
		explicit_bzero(block->data, block->used);
}

static void block_free(const struct arena *a, struct arena_block *block)
{
	block_wipe(a, block);
	free(block);
}

static void forget(struct arena *a)
{
	a->head = NULL;
	a->used = 0;
	a->failed = a->starved = false;
}

static struct arena_block *block_create(size_t cap)
{
	struct arena_block *block = cap <= SIZE_MAX - sizeof(*block) ? malloc(sizeof(*block) + cap) : NULL;
	if (!block)
		return NULL;
	block->next = NULL;
	block->cap = cap;
	block->used = 0;
	ASAN_POISON_MEMORY_REGION(block->data, cap);
	return block;
}

void arena_fini(struct arena *a)
{
	for (struct arena_block *block = a->head, *next; block; block = next) {
		next = block->next;
		block_free(a, block);
	}
	forget(a);
}

void arena_reset(struct arena *a)
{
	struct arena_block *kept = NULL;
	for (struct arena_block *block = a->head, *next; block; block = next) {
		next = block->next;
		if (!kept && block->cap <= ARENA_BLOCK_LAST)
			kept = block;
		else
			block_free(a, block);
	}
	if (kept) {
		block_wipe(a, kept);
		kept->next = NULL;
		kept->used = 0;
		ASAN_POISON_MEMORY_REGION(kept->data, kept->cap);
	}
	forget(a);
	a->head = kept;
}

/* The block that takes a piece of n bytes which the head has no room for. */
static struct arena_block *add_block(struct arena *a, size_t n)
{
	struct arena_block *head = a->head;
	if (head && n > ARENA_PIECE_SHARED) {
		/* Behind the head, whose rest stays in use. */
		struct arena_block *own = block_create(n);
		if (own) {
			own->next = head->next;
			head->next = own;
		}
		return own;
	}
	size_t cap = head ? head->cap * 2 : ARENA_BLOCK_FIRST;
	if (cap > ARENA_BLOCK_LAST)
		cap = ARENA_BLOCK_LAST;
	if (cap < n)
		cap = n;
	struct arena_block *block = block_create(cap);
	if (block) {
		block->next = head;
		a->head = block;
	}
	return block;
}

/* Not zeroed. */
static void *take(struct arena *a, size_t n)
{
	size_t max = a->max ? a->max : ARENA_MAX_DEFAULT;
	size_t rounded = (n + (n == 0) + ARENA_RED_ZONE + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
	if (a->failed || rounded < n || n > max - a->used) {
		a->failed = true;
		return NULL;
	}
	struct arena_block *block = a->head;
	if (!block || rounded > block->cap - block->used)
		block = add_block(a, rounded);
	if (!block) {
		a->failed = a->starved = true;
		return NULL;
	}
	char *p = block->data + block->used;
	block->used += rounded;
	a->used += n;
	ASAN_UNPOISON_MEMORY_REGION(p, n);
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	void *p = take(a, n);
	return p ? memset(p, 0, n) : NULL;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes)) {
		a->failed = true;
		return NULL;
	}
	return arena_alloc(a, bytes);
}

struct str arena_dup(struct arena *a, struct str s)
{
	char *copy = arena_dup_c(a, s);
	return copy ? str_make(copy, s.n) : STR_NONE;
}

char *arena_dup_c(struct arena *a, struct str s)
{
	if (s.n == SIZE_MAX) {
		a->failed = true;
		return NULL;
	}
	char *copy = take(a, s.n + 1);
	if (!copy)
		return NULL;
	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	char *text = n < 0 ? NULL : take(a, (size_t)n + 1);
	if (!text) {
		a->failed = true;
		return STR_NONE;
	}
	va_start(ap, format);
	vsnprintf(text, (size_t)n + 1, format, ap);
	va_end(ap);
	return str_make(text, (size_t)n);
}
