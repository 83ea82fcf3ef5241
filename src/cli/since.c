#include "cli/since.h"

#include "base/clock.h"
#include "base/num.h"

/* "2026-11-26", "2026-11-26T15:00", "2026-11-26T15:00:30", in UTC. */
static bool parse_date(struct str s, int64_t *ms_out)
{
	static const struct { size_t at, n; char before; } parts[] = { { 0, 4, 0 }, { 5, 2, '-' }, { 8, 2, '-' }, { 11, 2, 'T' }, { 14, 2, ':' }, { 17, 2, ':' } };
	uint32_t v[6] = { 0, 0, 0, 0, 0, 0 };
	size_t n = 0;
	if (s.n && s.p[s.n - 1] == 'Z')
		s.n--;
	while (n < 6 && s.n > parts[n].at) {
		if (n && s.p[parts[n].at - 1] != parts[n].before)
			return false;
		struct str digits = str_sub(s, parts[n].at, parts[n].n);
		if (digits.n != parts[n].n || !num_parse_u32(digits, &v[n]))
			return false;
		n++;
	}
	if ((n != 3 && n < 5) || s.n != parts[n - 1].at + parts[n - 1].n || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 60)
		return false;
	struct civil c = { .year = (int)v[0], .month = (int)v[1], .day = (int)v[2], .hour = (int)v[3], .minute = (int)v[4], .second = (int)v[5] };
	*ms_out = civil_to_unix(&c) * 1000;
	return true;
}

bool since_parse(struct str s, int64_t *ms_out)
{
	uint64_t ago;
	if (parse_date(s, ms_out))
		return true;
	if (!num_parse_duration(s, &ago) || ago > INT64_MAX / 2)
		return false;
	*ms_out = clock_now_ms() - (int64_t)ago;
	return true;
}
