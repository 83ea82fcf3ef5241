/* Whatever stands in rdata: names come out valid and harmless, and texts are never longer than what came. */
#include "rt/dns_answer.h"
#include "rt/dns_name.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct str name)
{
	if (name.n > 0 && !dns_name_is_valid(name))
		abort();
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
			abort();
}

/* The first byte chooses the type. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_NS, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_SRV, DNS_TLSA, DNS_SOA };
	if (size == 0)
		return 0;
	enum dns_type type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	struct arena a = ARENA_INIT(0);
	struct dns_record r = { .ttl = 5 };
	if (dns_record_parse(&a, type, str_make(data + 1, size - 1), &r) == 0) {
		if (r.ttl != 5)
			abort();
		if (type == DNS_MX)
			check_name(r.mx.host);
		else if (type == DNS_SRV)
			check_name(r.srv.host);
		else if (type == DNS_NS || type == DNS_CNAME || type == DNS_PTR)
			check_name(r.name);
		else if ((type == DNS_TXT && r.text.n + 2 > size) || (type == DNS_TLSA && r.tlsa.data.n + 4 != size))
			abort();
	}
	arena_fini(&a);
	return 0;
}
