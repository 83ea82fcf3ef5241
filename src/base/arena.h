/* Memory for one command or request, dropped whole. Not for two threads at once. Everything is zeroed and aligned for
 * any type. Returns NULL (and remembers it in arena_failed) when out of memory or over the ceiling: the request fails,
 * not the process. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *head;
	size_t used;    /* bytes handed out */
	size_t max;     /* bytes; 0 means ARENA_MAX_DEFAULT */
	bool failed;
	bool starved;   /* ... for want of memory; else the ceiling was too low */
	bool wipe;      /* set it for secrets: what was handed out is overwritten before it is given back */
};
#define ARENA_MAX_DEFAULT ((size_t)256 << 20)
#define ARENA_INIT(max_bytes) { NULL, 0, (max_bytes), false, false, false }

void arena_init(struct arena *a, size_t max);
void arena_fini(struct arena *a);                 /* frees all; the arena is empty and usable */
/* 0, or why it failed: ERR_NO_MEMORY or ERR_TOO_BIG. */
static inline int arena_error(const struct arena *a) { return !a->failed ? 0 : a->starved ? ERR_NO_MEMORY : ERR_TOO_BIG; }
void arena_reset(struct arena *a);                /* forgets all, keeps at most one block */
void *arena_alloc(struct arena *a, size_t n);
/* n * size with overflow check. */
void *arena_array(struct arena *a, size_t n, size_t size);
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
/* Copies; the copy is NUL-terminated beyond its n bytes. On failure p is NULL and n 0. */
struct str arena_dup(struct arena *a, struct str s);
char *arena_dup_c(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
