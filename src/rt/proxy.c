#include "rt/proxy.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/num.h"

static const struct str v1_mark = STR_INIT("PROXY ");
static const struct str v2_mark = STR_INIT("\r\n\r\n\0\r\nQUIT\n");

#define V2_FIXED 16                /* signature, version and command, family and transport, length */
#define V2_TYPE_CRC32C 0x03

/* ---- version 1: a line of text (2.1) ---- */

/* "Heading zeroes are not permitted" */
static bool parse_port(struct str s, uint16_t *out)
{
	uint32_t port;
	if ((s.n > 1 && s.p[0] == '0') || !num_parse_u32(s, &port) || port > UINT16_MAX)
		return false;
	*out = (uint16_t)port;
	return true;
}

static int parse_v1_line(struct str line, struct proxy_header *out)
{
	struct str family, from, to, from_port, to_port;
	str_cut(str_from(line, v1_mark.n), ' ', &family, &line);
	if (str_eq(family, STR("UNKNOWN")))
		return 1;        /* "must ignore anything presented before the CRLF" */
	int version = str_eq(family, STR("TCP4")) ? 4 : str_eq(family, STR("TCP6")) ? 6 : 0;
	str_cut(line, ' ', &from, &line);
	str_cut(line, ' ', &to, &line);
	str_cut(line, ' ', &from_port, &to_port);
	if (version == 0 || !net_addr_parse(from, version, &out->from.addr) || !net_addr_parse(to, version, &out->to.addr) ||
	    !parse_port(from_port, &out->from.port) || !parse_port(to_port, &out->to.port))
		return ERR_INVALID;
	out->has_addresses = true;
	return 1;
}

static int parse_v1(struct str bytes, struct proxy_header *out)
{
	size_t end = str_find(str_sub(bytes, 0, PROXY_V1_MAX), STR("\r\n"));
	struct str line = str_sub(bytes, 0, end);
	/* "must not tolerate a single CR or LF character to end the line" */
	size_t stray = str_chr(line, '\n');
	if (stray != STR_NPOS)
		return ERR_INVALID;
	if (end == STR_NPOS)
		return bytes.n < PROXY_V1_MAX ? 0 : ERR_INVALID;
	if (str_chr(line, '\r') != STR_NPOS)
		return ERR_INVALID;
	out->size = end + 2;
	return parse_v1_line(line, out);
}

/* ---- version 2: binary (2.2) ---- */

static uint16_t load_be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

/* 2.2.3: the checksum covers the whole header with its own four bytes as zero. */
static bool checksum_holds(struct str header, size_t value_at)
{
	static const uint8_t zero[4];
	uint32_t crc = hash_crc32c(0, header.p, value_at);
	crc = hash_crc32c(crc, zero, sizeof(zero));
	crc = hash_crc32c(crc, header.p + value_at + 4, header.n - value_at - 4);
	return crc == load_be32(header.p + value_at);
}

/* Type, two bytes of length, value. */
static bool extensions_hold(struct str header, size_t at)
{
	while (at < header.n) {
		if (header.n - at < 3)
			return false;
		const uint8_t *p = (const uint8_t *)header.p + at;
		size_t n = load_be16(p + 1);
		if (n > header.n - at - 3)
			return false;
		if (p[0] == V2_TYPE_CRC32C && (n != 4 || !checksum_holds(header, at + 3)))
			return false;
		at += 3 + n;
	}
	return true;
}

static void take_addresses(const uint8_t *p, size_t width, struct proxy_header *out)
{
	if (width == 4) {
		out->from.addr = net_addr_from_v4(p);
		out->to.addr = net_addr_from_v4(p + 4);
	} else {
		memcpy(out->from.addr.b, p, 16);
		memcpy(out->to.addr.b, p + 16, 16);
	}
	out->from.port = load_be16(p + 2 * width);
	out->to.port = load_be16(p + 2 * width + 2);
	out->has_addresses = true;
}

static int parse_v2(struct str bytes, struct proxy_header *out)
{
	/* bytes of the address block by family: unspecified, IPv4, IPv6, UNIX */
	static const size_t block_size[] = { 0, 12, 36, 216 };
	if (bytes.n < V2_FIXED)
		return 0;
	const uint8_t *p = (const uint8_t *)bytes.p;
	unsigned version = p[12] >> 4, command = p[12] & 0xf, family = p[13] >> 4, transport = p[13] & 0xf;
	out->size = V2_FIXED + (size_t)load_be16(p + 14);
	if (version != 2 || command > 1 || out->size > PROXY_HEADER_MAX)
		return ERR_INVALID;
	if (bytes.n < out->size)
		return 0;
	if (command == 0)
		return 1;        /* LOCAL: a health check; the whole block is to be ignored */
	if (family > 3 || transport > 2)
		return ERR_INVALID;
	if (family == 0 || transport == 0)
		return 1;        /* UNSPEC: "should ignore address information" */
	if (out->size < V2_FIXED + block_size[family])
		return ERR_INVALID;
	if (!extensions_hold(str_sub(bytes, 0, out->size), V2_FIXED + block_size[family]))
		return ERR_INVALID;
	if (transport == 1 && family <= 2)
		take_addresses(p + V2_FIXED, family == 1 ? 4 : 16, out);
	return 1;
}

int proxy_parse(struct str bytes, struct proxy_header *out)
{
	*out = (struct proxy_header){ 0 };
	if (str_starts(bytes, v2_mark))
		return parse_v2(bytes, out);
	if (str_starts(bytes, v1_mark))
		return parse_v1(bytes, out);
	return str_starts(v1_mark, bytes) || str_starts(v2_mark, bytes) ? 0 : ERR_INVALID;
}
