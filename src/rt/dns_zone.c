#include "rt/dns_zone.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "base/num.h"
#include "rt/dns_name.h"

#include <stdatomic.h>

#define CNAMES_MAX 10
#define TTL_DEFAULT 300
#define ANY_TYPE ((enum dns_type)255)

struct entry {
	struct str name;
	enum dns_type type;
	enum dns_status status;          /* DNS_OK: a record */
	struct dns_record record;
};
struct dns_zone {
	struct arena arena;
	struct entry *entries;
	size_t n, cap;
	struct str *secure;
	size_t n_secure, cap_secure;
	_Atomic unsigned questions;
};

static void insist(bool right, const char *what, struct str text)
{
	if (right)
		return;
	fprintf(stderr, "dns_zone: %s: %.*s\n", what, STR_ARG(text));
	abort();
}

struct dns_zone *dns_zone_create(void)
{
	struct dns_zone *z = calloc(1, sizeof(*z));
	insist(z, "no memory", STR_NONE);
	return z;
}

void dns_zone_destroy(struct dns_zone **z)
{
	if (!*z)
		return;
	arena_fini(&(*z)->arena);
	free((*z)->entries);
	free((*z)->secure);
	free(*z);
	*z = NULL;
}

/* ---- filling ---- */

static enum dns_type parse_type(struct str s)
{
	static const struct { struct str name; enum dns_type type; } types[] = {
		{ STR_INIT("A"), DNS_A }, { STR_INIT("NS"), DNS_NS }, { STR_INIT("CNAME"), DNS_CNAME }, { STR_INIT("PTR"), DNS_PTR },
		{ STR_INIT("MX"), DNS_MX }, { STR_INIT("TXT"), DNS_TXT }, { STR_INIT("AAAA"), DNS_AAAA }, { STR_INIT("SRV"), DNS_SRV },
		{ STR_INIT("TLSA"), DNS_TLSA }, { STR_INIT("ANY"), ANY_TYPE },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_ieq(s, types[i].name))
			return types[i].type;
	insist(false, "what type is", s);
	return ANY_TYPE;
}

static enum dns_status parse_status(struct str s)
{
	static const struct { struct str name; enum dns_status status; } all[] = {
		{ STR_INIT("!temporary"), DNS_TEMPORARY }, { STR_INIT("!bogus"), DNS_BOGUS },
		{ STR_INIT("!nodata"), DNS_NODATA }, { STR_INIT("!nxdomain"), DNS_NXDOMAIN },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (str_eq(s, all[i].name))
			return all[i].status;
	insist(false, "what status is", s);
	return DNS_OK;
}

static struct str next_word(struct str *rest)
{
	struct str word;
	str_cut(*rest, ' ', &word, rest);
	*rest = str_trim(*rest);
	return word;
}

static uint16_t next_number(struct str *rest)
{
	struct str word = next_word(rest);
	uint32_t n = 0;
	insist(num_parse_u32(word, &n) && n <= UINT16_MAX, "no number", word);
	return (uint16_t)n;
}

/* A copy in which \DDD is the octet of that number. */
static struct str keep_text(struct dns_zone *z, struct str s)
{
	char *to = arena_alloc(&z->arena, s.n + 1);
	size_t n = 0;
	insist(to, "no memory", s);
	for (size_t i = 0; i < s.n; i++, n++) {
		struct str digits = str_sub(s, i + 1, 3);
		uint32_t octet;
		if (s.p[i] == '\\' && digits.n == 3 && num_parse_u32(digits, &octet) && octet <= UINT8_MAX) {
			to[n] = (char)octet;
			i += 3;
		} else {
			to[n] = s.p[i];
		}
	}
	return str_make(to, n);
}

static struct str keep_name(struct dns_zone *z, struct str s) { return str_eq(s, STR(".")) ? STR("") : keep_text(z, s); }

static struct str keep_hex(struct dns_zone *z, struct str hex)
{
	struct buf bytes = BUF_INIT(0);
	for (size_t i = 0; i < hex.n; i += 2) {
		int high = ascii_hex_value(hex.p[i]), low = i + 1 < hex.n ? ascii_hex_value(hex.p[i + 1]) : -1;
		insist(high >= 0 && low >= 0, "no hexadecimal", hex);
		buf_add_u8(&bytes, (uint8_t)(high << 4 | low));
	}
	struct str kept = arena_dup(&z->arena, buf_str(&bytes));
	buf_fini(&bytes);
	return kept;
}

static void parse_value(struct dns_zone *z, struct entry *e, struct str v)
{
	struct dns_record *r = &e->record;
	switch (e->type) {
	case DNS_A: insist(net_addr_parse(v, 4, &r->addr), "no IPv4 address", v); break;
	case DNS_AAAA: insist(net_addr_parse(v, 6, &r->addr), "no IPv6 address", v); break;
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR: r->name = keep_name(z, v); break;
	case DNS_TXT: r->text = keep_text(z, v); break;
	case DNS_MX:
		r->mx.preference = next_number(&v);
		r->mx.host = keep_name(z, v);
		break;
	case DNS_SRV:
		r->srv.priority = next_number(&v), r->srv.weight = next_number(&v), r->srv.port = next_number(&v);
		r->srv.host = keep_name(z, v);
		break;
	case DNS_TLSA:
		r->tlsa.usage = (uint8_t)next_number(&v), r->tlsa.selector = (uint8_t)next_number(&v);
		r->tlsa.matching = (uint8_t)next_number(&v);
		r->tlsa.data = keep_hex(z, v);
		break;
	default: insist(false, "a value for this type", v);
	}
}

static void add_line(struct dns_zone *z, struct str line)
{
	if (z->n == z->cap) {
		z->cap = z->cap ? 2 * z->cap : 16;
		z->entries = realloc(z->entries, z->cap * sizeof(*z->entries));
		insist(z->entries, "no memory", line);
	}
	struct entry *e = &z->entries[z->n++];
	memset(e, 0, sizeof(*e));
	e->record.ttl = TTL_DEFAULT;
	e->name = keep_text(z, next_word(&line));
	e->type = parse_type(next_word(&line));
	if (str_starts(line, STR("TTL="))) {
		struct str word = next_word(&line);
		insist(num_parse_u32(str_from(word, 4), &e->record.ttl), "no TTL", word);
	}
	if (str_starts(line, STR("!")))
		e->status = parse_status(line);
	else
		parse_value(z, e, line);
}

void dns_zone_add(struct dns_zone *z, const char *lines)
{
	struct str line, rest = str_from_c(lines);
	while (rest.n > 0) {
		str_cut(rest, '\n', &line, &rest);
		line = str_trim(line);
		if (line.n > 0)
			add_line(z, line);
	}
}

void dns_zone_secure(struct dns_zone *z, const char *name)
{
	if (z->n_secure == z->cap_secure) {
		z->cap_secure += 8;
		z->secure = realloc(z->secure, z->cap_secure * sizeof(*z->secure));
		insist(z->secure, "no memory", STR_NONE);
	}
	z->secure[z->n_secure++] = arena_dup(&z->arena, str_from_c(name));
}

/* ---- asking ---- */

static bool is_below(struct str name, struct str top)
{
	return top.n == 0 || str_ieq(name, top) || (name.n > top.n && str_iends(name, top) && name.p[name.n - top.n - 1] == '.');
}

static bool is_secure(const struct dns_zone *z, struct str name)
{
	for (size_t i = 0; i < z->n_secure; i++)
		if (is_below(name, z->secure[i]))
			return true;
	return false;
}

static const struct entry *find(const struct dns_zone *z, struct str name, enum dns_type type, bool with_status)
{
	for (size_t i = 0; i < z->n; i++) {
		const struct entry *e = &z->entries[i];
		if ((e->status != DNS_OK) == with_status && (e->type == type || (with_status && e->type == ANY_TYPE)) && str_ieq(e->name, name))
			return e;
	}
	return NULL;
}

static enum dns_status absence(const struct dns_zone *z, struct str name)
{
	for (size_t i = 0; i < z->n; i++)
		if (is_below(z->entries[i].name, name))
			return DNS_NODATA;
	return DNS_NXDOMAIN;
}

static int collect(const struct dns_zone *z, struct arena *a, enum dns_type type, struct dns_answer *out)
{
	struct dns_record *records = arena_array(a, z->n ? z->n : 1, sizeof(*records));
	if (!records)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < z->n; i++) {
		const struct entry *e = &z->entries[i];
		if (e->status == DNS_OK && e->type == type && str_ieq(e->name, out->canonical))
			records[out->n++] = e->record;
	}
	out->records = records;
	out->status = out->n > 0 ? DNS_OK : absence(z, out->canonical);
	return 0;
}

static int query(void *ctx, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	struct dns_zone *z = ctx;
	atomic_fetch_add(&z->questions, 1);
	*out = (struct dns_answer){ .status = DNS_TEMPORARY, .why = "too many CNAMEs", .canonical = name, .secure = true };
	if (!dns_name_is_valid(name))
		return ERR_INVALID;
	for (unsigned hops = 0; hops < CNAMES_MAX; hops++) {
		const struct entry *told = find(z, out->canonical, type, true), *alias = find(z, out->canonical, DNS_CNAME, false);
		out->secure = out->secure && is_secure(z, out->canonical);
		out->why = NULL;
		if (told) {
			out->status = told->status;
			out->secure = out->secure && (told->status == DNS_NODATA || told->status == DNS_NXDOMAIN);
			out->why = told->status == DNS_TEMPORARY ? "SERVFAIL" : told->status == DNS_BOGUS ? "signature expired" : NULL;
			return 0;
		}
		if (!alias || type == DNS_CNAME)
			return collect(z, a, type, out);
		out->canonical = alias->record.name;
	}
	out->secure = false;
	out->why = "too many CNAMEs";
	return 0;
}

struct dns_source dns_zone_source(struct dns_zone *z) { return (struct dns_source){ query, z }; }

unsigned dns_zone_questions(const struct dns_zone *z) { return atomic_load(&z->questions); }
