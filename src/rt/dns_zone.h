/* For unit tests: a dns_source over a table in memory. Not linked into the program (meson: rt_dns_zone_dep). Fill it first, then
 * any thread may ask. Text that it does not understand aborts the test. */
#ifndef RT_DNS_ZONE_H
#define RT_DNS_ZONE_H

#include "rt/dns.h"

struct dns_zone;

struct dns_zone *dns_zone_create(void);
void dns_zone_destroy(struct dns_zone **z);       /* accepts NULL */
/* Lines of "NAME TYPE VALUE", or "NAME TYPE TTL=60 VALUE" (300 without):
 *   example.org MX 10 mx.example.org             null MX: "0 ."
 *   example.org TXT v=spf1 mx -all               the rest of the line as it is, without quotes
 *   www.example.org CNAME example.org            followed, as a resolver does
 *   _25._tcp.mx.example.org TLSA 3 1 1 ab01cd    SRV: "0 5 465 host"; A, AAAA, NS, PTR: as one thinks
 *   a\032b.example.org TXT one\013two           \DDD in names and text is an octet (RFC 1035 5.1)
 *   slow.example.org A !temporary                or !bogus, !nodata, !nxdomain: every question for it is answered so
 * TYPE "ANY" with a status stands for all types. Other names: NXDOMAIN, or NODATA when something stands at or below. */
void dns_zone_add(struct dns_zone *z, const char *lines);
/* Everything at this name and below, present or absent, is validated from now on. "" is all. */
void dns_zone_secure(struct dns_zone *z, const char *name);
struct dns_source dns_zone_source(struct dns_zone *z);
/* Questions asked so far. */
unsigned dns_zone_questions(const struct dns_zone *z);

#endif
