#include "base/num.h"

#include "base/ascii.h"

bool num_parse_u64(struct str s, uint64_t *out)
{
	if (s.n == 0)
		return false;
	uint64_t v = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_is_digit((unsigned char)s.p[i]))
			return false;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

bool num_parse_u32(struct str s, uint32_t *out)
{
	uint64_t v;
	if (!num_parse_u64(s, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* A number and what multiplies it. */
static bool parse_scaled(struct str digits, uint64_t scale, uint64_t *out)
{
	uint64_t v;
	if (!num_parse_u64(digits, &v) || __builtin_mul_overflow(v, scale, &v))
		return false;
	*out = v;
	return true;
}

bool num_parse_size(struct str s, uint64_t *out)
{
	if (s.n == 0)
		return false;
	struct str digits = str_sub(s, 0, s.n - 1);
	switch (ascii_lower((unsigned char)s.p[s.n - 1])) {
	case 'k': return parse_scaled(digits, UINT64_C(1) << 10, out);
	case 'm': return parse_scaled(digits, UINT64_C(1) << 20, out);
	case 'g': return parse_scaled(digits, UINT64_C(1) << 30, out);
	default: return num_parse_u64(s, out);
	}
}

bool num_parse_duration(struct str s, uint64_t *ms_out)
{
	if (s.n == 0)
		return false;
	struct str digits = str_sub(s, 0, s.n - 1);
	switch (s.p[s.n - 1]) {
	case 's': return parse_scaled(digits, 1000, ms_out);
	case 'm': return parse_scaled(digits, UINT64_C(60) * 1000, ms_out);
	case 'h': return parse_scaled(digits, UINT64_C(3600) * 1000, ms_out);
	case 'd': return parse_scaled(digits, UINT64_C(24) * 3600 * 1000, ms_out);
	default: return parse_scaled(s, 1000, ms_out);
	}
}

unsigned num_format_u64(char *dst, uint64_t v)
{
	char digits[20];
	unsigned n = 0;
	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	for (unsigned i = 0; i < n; i++)
		dst[i] = digits[n - 1 - i];
	return n;
}
