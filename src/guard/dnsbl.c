#include "guard/dnsbl.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/num.h"

#include <stdlib.h>

/* ---- the configuration ---- */

/* "2", "4-7", "*" */
static bool parse_octet(struct str s, uint8_t *least, uint8_t *most)
{
	struct str from, to;
	uint32_t a = 0, b = 255;

	if (!str_eq(s, STR("*"))) {
		bool range = str_cut(s, '-', &from, &to);
		if (!num_parse_u32(from, &a) || !num_parse_u32(range ? to : from, &b) || b > 255 || a > b)
			return false;
	}
	*least = (uint8_t)a;
	*most = (uint8_t)b;
	return true;
}

static bool parse_points(struct str s, int *out)
{
	bool negative = s.n && s.p[0] == '-';
	uint32_t n;

	if (!num_parse_u32(str_from(s, negative), &n) || n > DNSBL_WEIGHT_MAX)
		return false;
	*out = negative ? -(int)n : (int)n;
	return true;
}

/* "127.0.0.2-9=5" */
static bool parse_code(struct str s, struct dnsbl_code *out)
{
	struct str code, points, octet;

	if (!str_cut(s, '=', &code, &points) || !parse_points(points, &out->points))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		bool more = str_cut(code, '.', &octet, &code);
		if (more != (i < 3) || !parse_octet(octet, &out->least[i], &out->most[i]))
			return false;
	}
	return true;
}

int dnsbl_parse(struct arena *a, struct str text, struct dnsbl_zone *out, struct err *e)
{
	struct str name, rest, word, points;

	memset(out, 0, sizeof *out);
	str_cut(str_trim(text), ' ', &name, &rest);
	if (str_cut(name, '=', &name, &points)) {
		out->codes[0] = (struct dnsbl_code){ .least = { 127, 0, 0, 0 }, .most = { 127, 0, 255, 255 } };
		out->n = 1;
		if (!parse_points(points, &out->codes[0].points))
			return err_set(e, ERR_CONFIG, NULL, "list '%.*s': points are a number from -1000 to 1000", STR_ARG(text));
	}
	out->name = arena_dup(a, name);
	while ((rest = str_trim(rest)).n) {
		str_cut(rest, ' ', &word, &rest);
		if (out->n == DNSBL_CODES_MAX || !parse_code(word, &out->codes[out->n++]))
			return err_set(e, ERR_CONFIG, NULL, "list '%.*s': '%.*s' is not like 127.0.0.2-9=5", STR_ARG(name), STR_ARG(word));
	}
	if (out->name.n == 0 || out->n == 0)
		return err_set(e, ERR_CONFIG, NULL, "list '%.*s': say ZONE=POINTS, or ZONE and codes like 127.0.0.2=5", STR_ARG(text));
	return 0;
}

int dnsbl_points(const struct dnsbl_zone *z, const struct net_addr *answer)
{
	const uint8_t *v4 = answer->b + 12;

	if (!net_addr_is_v4(answer) || v4[0] != 127 || (v4[1] == 255 && v4[2] == 255))
		return 0;
	for (unsigned i = 0; i < z->n; i++) {
		const struct dnsbl_code *c = &z->codes[i];
		bool fits = true;
		for (unsigned k = 0; k < 4; k++)
			fits = fits && v4[k] >= c->least[k] && v4[k] <= c->most[k];
		if (fits)
			return c->points;
	}
	return 0;
}

/* ---- asking ---- */

/* One zone about one address. False: no answer, and it is left alone for a while. */
static bool question(const struct dns_source *dns, struct arena *a, struct dnsbl_zone *z, const struct net_addr *peer, enum dns_type type,
					 struct dns_answer *out)
{
	struct buf name = BUF_INIT(DNS_NAME_MAX + 1);

	dns_reverse_name(peer, z->name, &name);
	int code = name.failed ? ERR_INVALID : dns_query(dns, a, buf_str(&name), type, out);
	buf_fini(&name);
	if (code == 0 && out->status != DNS_TEMPORARY && out->status != DNS_BOGUS)
		return true;
	atomic_store(&z->rest_until, clock_mono_ms() + DNSBL_REST_MS);
	return false;
}

/* RFC 5782 section 5: a list must not list 127.0.0.1. One that does has been given up and answers everything. */
static bool is_sound(const struct dns_source *dns, struct arena *a, struct dnsbl_zone *z)
{
	static const uint8_t home[4] = { 127, 0, 0, 1 };
	struct net_addr loopback = net_addr_from_v4(home);
	struct dns_answer answer;
	uint64_t now = clock_mono_ms();

	if (now >= atomic_load(&z->test_at)) {
		if (!question(dns, a, z, &loopback, DNS_A, &answer))
			return false;
		atomic_store(&z->broken, answer.status == DNS_OK);
		atomic_store(&z->test_at, now + DNSBL_TEST_MS);
	}
	return !atomic_load(&z->broken);
}

/* What the zone says to people, for the reply: one line of printable ASCII. */
static struct str reason(const struct dns_source *dns, struct arena *a, struct dnsbl_zone *z, const struct net_addr *peer)
{
	struct dns_answer answer;

	if (!question(dns, a, z, peer, DNS_TXT, &answer) || answer.status != DNS_OK)
		return STR_NONE;
	char *text = arena_dup_c(a, str_sub(answer.records[0].text, 0, GUARD_TEXT_MAX / 2));
	for (char *p = text; p && *p; p++)
		if (!ascii_is_print(*p))
			*p = '?';
	return str_from_c(text);
}

/* A zone may say more than one thing. */
static int strongest(const struct dnsbl_zone *z, const struct dns_answer *answer)
{
	int points = 0;

	for (size_t i = 0; i < answer->n; i++) {
		int p = dnsbl_points(z, &answer->records[i].addr);
		if (abs(p) > abs(points))
			points = p;
	}
	return points;
}

void dnsbl_ask(const struct dns_source *dns, struct arena *a, struct dnsbl_zone *zones, size_t n, const struct net_addr *peer, uint64_t limit_ms,
			   int stop_at, struct dnsbl_verdict *out)
{
	uint64_t end = clock_mono_ms() + limit_ms;
	struct dnsbl_zone *worst = NULL;
	int most = 0;

	*out = (struct dnsbl_verdict){ .points = 0 };
	for (size_t i = 0; i < n && !(stop_at && out->points >= stop_at); i++) {
		struct dnsbl_zone *z = &zones[i];
		struct dns_answer answer;
		uint64_t now = clock_mono_ms();
		if (now >= end || now < atomic_load(&z->rest_until) || !is_sound(dns, a, z) || !question(dns, a, z, peer, DNS_A, &answer)) {
			out->incomplete |= !atomic_load(&z->broken);
			continue;
		}
		int points = answer.status == DNS_OK ? strongest(z, &answer) : 0;
		out->points += points;
		if (points > most) {
			most = points;
			worst = z;
		}
	}
	if (worst) {
		out->zone = worst->name;
		out->text = reason(dns, a, worst, peer);
	}
}
