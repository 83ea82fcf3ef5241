/* A slice of bytes that somebody else owns. Any thread. Never NUL-terminated by promise; may hold NUL.
 * An empty slice may have p == NULL. "i" in a name means: ASCII letters compare without case. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* A slice of a string literal. STR_INIT is the same for static initialisers. */
#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_INIT(literal) { "" literal, sizeof(literal) - 1 }
#define STR_NONE ((struct str){ NULL, 0 })
/* For printf: printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_make(const void *p, size_t n) { return (struct str){ p, n }; }
/* c may be NULL: the empty slice. */
static inline struct str str_from_c(const char *c) { return (struct str){ c, c ? strlen(c) : 0 }; }

static inline bool str_eq(struct str a, struct str b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }
bool str_ieq(struct str a, struct str b);
int str_cmp(struct str a, struct str b);          /* bytewise, shorter first; <0, 0, >0 */
int str_icmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_iends(struct str s, struct str suffix);

#define STR_NPOS ((size_t)-1)
size_t str_chr(struct str s, char c);             /* index of the first c, or STR_NPOS */
size_t str_rchr(struct str s, char c);            /* index of the last c, or STR_NPOS */
size_t str_find(struct str s, struct str needle); /* index, or STR_NPOS; an empty needle is found at 0 */
size_t str_ifind(struct str s, struct str needle);

/* The part from `from` to the end / `n` bytes from `from`; both clamp instead of overrunning. */
struct str str_from(struct str s, size_t from);
struct str str_sub(struct str s, size_t from, size_t n);
/* Without SP, HTAB, CR and LF at both ends. */
struct str str_trim(struct str s);
/* Splits at the first c: *head_out is what stands before, *tail_out what stands after. False (head = all, tail empty)
 * when there is no c. */
bool str_cut(struct str s, char c, struct str *head_out, struct str *tail_out);

/* A NUL-terminated copy by malloc; NULL when out of memory. The caller frees. */
char *str_dup_c(struct str s);
/* Copies into dst (size bytes, always terminated). False when it had to be cut. */
bool str_copy_c(char *dst, size_t size, struct str s);

/* True when both are equal; takes the same time wherever they differ (for secrets). */
bool str_eq_secret(struct str a, struct str b);

#endif
