#include "rt/net.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define V4_AT 12        /* where the four bytes stand in a mapped address */
static const uint8_t v4_prefix[V4_AT] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool net_addr_is_v4(const struct net_addr *a) { return memcmp(a->b, v4_prefix, V4_AT) == 0; }

bool net_addr_is_loopback(const struct net_addr *a)
{
	if (net_addr_is_v4(a))
		return a->b[V4_AT] == 127;
	return memcmp(a->b, &in6addr_loopback, sizeof(a->b)) == 0;
}

struct net_addr net_addr_from_v4(const uint8_t bytes[4])
{
	struct net_addr a;
	memcpy(a.b, v4_prefix, V4_AT);
	memcpy(a.b + V4_AT, bytes, 4);
	return a;
}

bool net_addr_parse(struct str s, int family, struct net_addr *out)
{
	char text[NET_TEXT_MAX];
	uint8_t v4[4];
	if (s.n == 0 || memchr(s.p, 0, s.n) || !str_copy_c(text, sizeof(text), s))
		return false;
	if (family != 6 && inet_pton(AF_INET, text, v4) == 1) {
		*out = net_addr_from_v4(v4);
		return true;
	}
	return family != 4 && inet_pton(AF_INET6, text, out->b) == 1;
}

void net_addr_format(const struct net_addr *a, char text[NET_TEXT_MAX])
{
	if (net_addr_is_v4(a))
		inet_ntop(AF_INET, a->b + V4_AT, text, NET_TEXT_MAX);
	else
		inet_ntop(AF_INET6, a->b, text, NET_TEXT_MAX);
}

struct net_addr net_addr_peer_key(const struct net_addr *a)
{
	struct net_addr key = *a;
	if (!net_addr_is_v4(a))
		memset(key.b + 8, 0, 8);
	return key;
}

bool net_endpoint_from_sockaddr(const struct sockaddr_storage *s, struct net_endpoint *out)
{
	if (s->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)s;
		out->addr = net_addr_from_v4((const uint8_t *)&v4->sin_addr);
		out->port = ntohs(v4->sin_port);
		return true;
	}
	if (s->ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)s;
		memcpy(out->addr.b, &v6->sin6_addr, sizeof(out->addr.b));
		out->port = ntohs(v6->sin6_port);
		return true;
	}
	return false;
}

bool network_parse(struct str s, struct network *out)
{
	struct str addr, bits;
	uint32_t n;
	bool has_bits = str_cut(s, '/', &addr, &bits);
	if (!net_addr_parse(addr, 0, &out->addr))
		return false;
	/* By how it is written: ::ffff:192.0.2.0/120 counts all 128 bits. */
	bool v4 = str_chr(addr, ':') == STR_NPOS;
	uint32_t most = v4 ? 32 : 128;
	if (!has_bits)
		n = most;
	else if (!num_parse_u32(bits, &n) || n > most)
		return false;
	out->bits = v4 ? n + 96 : n;
	return true;
}

bool network_has(const struct network *n, const struct net_addr *a)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;
	if (memcmp(n->addr.b, a->b, whole) != 0)
		return false;
	return rest == 0 || (n->addr.b[whole] ^ a->b[whole]) >> (8 - rest) == 0;
}

/* The next word of a list; false at its end. */
static bool next_word(struct str *list, struct str *out)
{
	size_t n = 0;
	while (list->n && (list->p[0] == ' ' || list->p[0] == ','))
		*list = str_from(*list, 1);
	while (n < list->n && list->p[n] != ' ' && list->p[n] != ',')
		n++;
	*out = str_sub(*list, 0, n);
	*list = str_from(*list, n);
	return n > 0;
}

bool network_list_has(struct str list, const struct net_addr *a)
{
	struct str word;
	struct network n;
	while (next_word(&list, &word))
		if (network_parse(word, &n) && network_has(&n, a))
			return true;
	return false;
}

bool network_list_is_valid(struct str list)
{
	struct str word;
	struct network n;
	while (next_word(&list, &word))
		if (!network_parse(word, &n))
			return false;
	return true;
}
