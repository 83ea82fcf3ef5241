/* IP addresses and networks as values. Any thread. */
#ifndef RT_NET_H
#define RT_NET_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define NET_TEXT_MAX 46        /* INET6_ADDRSTRLEN: the longest text with its terminator */

/* IPv4 is kept as ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that the same peer is the same bytes on every listener. */
struct net_addr { uint8_t b[16]; };
struct net_endpoint {
	struct net_addr addr;
	uint16_t port;
};
struct network {
	struct net_addr addr;
	unsigned bits;         /* 0..128, of the 16 bytes */
};

bool net_addr_is_v4(const struct net_addr *a);
bool net_addr_is_loopback(const struct net_addr *a);
/* Strict text of one family: 4, 6, or 0 for either. */
bool net_addr_parse(struct str s, int family, struct net_addr *out);
struct net_addr net_addr_from_v4(const uint8_t bytes[4]);
/* "192.0.2.1" or "2001:db8::1" into text. */
void net_addr_format(const struct net_addr *a, char text[NET_TEXT_MAX]);
/* What counts as one peer: an IPv4 address, or the /64 that one IPv6 subscriber has at least (RFC 6177 2). */
struct net_addr net_addr_peer_key(const struct net_addr *a);

bool net_endpoint_from_sockaddr(const struct sockaddr_storage *s, struct net_endpoint *out);

/* "192.0.2.0/24", "2001:db8::/32", or one address. */
bool network_parse(struct str s, struct network *out);
/* Networks parted by spaces or commas: does one of them hold the address? False for an empty list and for what cannot be parsed. */
bool network_list_has(struct str list, const struct net_addr *a);
/* Can all of them be parsed? */
bool network_list_is_valid(struct str list);
bool network_has(const struct network *n, const struct net_addr *a);

#endif
