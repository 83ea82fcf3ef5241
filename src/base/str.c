#include "base/str.h"

#include "base/ascii.h"

#include <stdint.h>

/* Lower-cases the ASCII letters among eight bytes at once. */
static uint64_t fold8(const char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x;
	memcpy(&x, p, sizeof(x));
	uint64_t low = x & (ones * 0x7f);
	uint64_t from_a = low + ones * (0x80 - 'A');
	uint64_t past_z = low + ones * (0x7f - 'Z');
	uint64_t upper = (from_a ^ past_z) & ~x & (ones * 0x80);
	return x | upper >> 2;
}

static int lower_at(struct str s, size_t i) { return ascii_lower((unsigned char)s.p[i]); }

bool str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	size_t i = 0;
	for (; a.n - i >= 8; i += 8)
		if (fold8(a.p + i) != fold8(b.p + i))
			return false;
	for (; i < a.n; i++)
		if (lower_at(a, i) != lower_at(b, i))
			return false;
	return true;
}

static int compare_lengths(struct str a, struct str b) { return (a.n > b.n) - (a.n < b.n); }

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;
	return order ? order : compare_lengths(a, b);
}

int str_icmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	for (size_t i = 0; i < n; i++) {
		int order = lower_at(a, i) - lower_at(b, i);
		if (order)
			return order;
	}
	return compare_lengths(a, b);
}

bool str_starts(struct str s, struct str prefix) { return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix); }
bool str_istarts(struct str s, struct str prefix) { return s.n >= prefix.n && str_ieq(str_sub(s, 0, prefix.n), prefix); }
bool str_ends(struct str s, struct str suffix) { return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix); }
bool str_iends(struct str s, struct str suffix) { return s.n >= suffix.n && str_ieq(str_from(s, s.n - suffix.n), suffix); }

size_t str_chr(struct str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
	return at ? (size_t)(at - s.p) : STR_NPOS;
}

size_t str_rchr(struct str s, char c)
{
	const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;
	return at ? (size_t)(at - s.p) : STR_NPOS;
}

size_t str_find(struct str s, struct str needle)
{
	if (needle.n == 0)
		return 0;
	if (needle.n > s.n)
		return STR_NPOS;
	const char *at = memmem(s.p, s.n, needle.p, needle.n);
	return at ? (size_t)(at - s.p) : STR_NPOS;
}

/* The first c at or after p, or end. */
static const char *seek_char(const char *p, const char *end, int c)
{
	const char *at = p < end ? memchr(p, c, (size_t)(end - p)) : NULL;
	return at ? at : end;
}

size_t str_ifind(struct str s, struct str needle)
{
	if (needle.n == 0)
		return 0;
	if (needle.n > s.n)
		return STR_NPOS;
	int lower = lower_at(needle, 0), upper = ascii_upper(lower);
	const char *end = s.p + (s.n - needle.n) + 1;
	/* memchr is much faster than a loop, so both cases of the first letter are looked for ahead. */
	const char *next_lower = seek_char(s.p, end, lower);
	const char *next_upper = upper == lower ? end : seek_char(s.p, end, upper);
	while (next_lower < end || next_upper < end) {
		const char *at = next_lower < next_upper ? next_lower : next_upper;
		if (str_ieq(str_make(at, needle.n), needle))
			return (size_t)(at - s.p);
		if (at == next_lower)
			next_lower = seek_char(at + 1, end, lower);
		else
			next_upper = seek_char(at + 1, end, upper);
	}
	return STR_NPOS;
}

struct str str_from(struct str s, size_t from)
{
	if (from == 0)
		return s;
	if (from > s.n)
		from = s.n;
	return s.n ? str_make(s.p + from, s.n - from) : s;
}

struct str str_sub(struct str s, size_t from, size_t n)
{
	s = str_from(s, from);
	if (s.n > n)
		s.n = n;
	return s;
}

static bool is_trimmed(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

struct str str_trim(struct str s)
{
	while (s.n && is_trimmed(s.p[s.n - 1]))
		s.n--;
	size_t skip = 0;
	while (skip < s.n && is_trimmed(s.p[skip]))
		skip++;
	return str_from(s, skip);
}

bool str_cut(struct str s, char c, struct str *head_out, struct str *tail_out)
{
	size_t at = str_chr(s, c);
	if (at == STR_NPOS) {
		*head_out = s;
		*tail_out = STR_NONE;
		return false;
	}
	*head_out = str_sub(s, 0, at);
	*tail_out = str_from(s, at + 1);
	return true;
}

char *str_dup_c(struct str s)
{
	char *copy = s.n < SIZE_MAX ? malloc(s.n + 1) : NULL;
	if (!copy)
		return NULL;
	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

bool str_copy_c(char *dst, size_t size, struct str s)
{
	if (size == 0)
		return false;
	size_t n = s.n < size ? s.n : size - 1;
	if (n)
		memmove(dst, s.p, n);
	dst[n] = '\0';
	return n == s.n;
}

bool str_eq_secret(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	/* volatile keeps the compiler from leaving the loop early */
	volatile unsigned char differs = 0;
	for (size_t i = 0; i < a.n; i++)
		differs = (unsigned char)(differs | (unsigned char)(a.p[i] ^ b.p[i]));
	return differs == 0;
}
