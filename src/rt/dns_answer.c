#include "rt/dns_answer.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "rt/dns_name.h"

static uint16_t take_be16(struct cursor *c)
{
	unsigned high = cursor_u8(c);
	return (uint16_t)(high << 8 | cursor_u8(c));
}

static struct str take_rest(struct cursor *c) { return cursor_bytes(c, cursor_left(c)); }

/* ---- each type: from the cursor into the record; what is text goes through `text`, which is then kept in the arena ---- */

static void take_address(struct cursor *c, enum dns_type type, struct net_addr *out)
{
	struct str bytes = cursor_bytes(c, type == DNS_A ? 4 : sizeof(out->b));
	if (c->bad)
		return;
	if (type == DNS_A)
		*out = net_addr_from_v4((const uint8_t *)bytes.p);
	else
		memcpy(out->b, bytes.p, sizeof(out->b));
}

static void take_name(struct cursor *c, struct buf *text)
{
	if (!dns_name_parse(c, text))
		c->bad = true;
}

/* RFC 1035 3.3.14: one or more strings. */
static void take_strings(struct cursor *c, struct buf *text)
{
	do
		buf_add_str(text, cursor_bytes(c, cursor_u8(c)));
	while (!c->bad && cursor_left(c) > 0);
}

static void take_record(struct cursor *c, enum dns_type type, struct dns_record *r, struct buf *text)
{
	switch (type) {
	case DNS_A:
	case DNS_AAAA: take_address(c, type, &r->addr); break;
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR: take_name(c, text); break;
	case DNS_TXT: take_strings(c, text); break;
	case DNS_MX:
		r->mx.preference = take_be16(c);
		take_name(c, text);
		break;
	case DNS_SRV:
		r->srv.priority = take_be16(c), r->srv.weight = take_be16(c), r->srv.port = take_be16(c);
		take_name(c, text);
		break;
	case DNS_TLSA:
		r->tlsa.usage = cursor_u8(c), r->tlsa.selector = cursor_u8(c), r->tlsa.matching = cursor_u8(c);
		buf_add_str(text, take_rest(c));
		break;
	default: buf_add_str(text, take_rest(c));
	}
}

static struct str *text_of(struct dns_record *r, enum dns_type type)
{
	switch (type) {
	case DNS_A:
	case DNS_AAAA: return NULL;
	case DNS_MX: return &r->mx.host;
	case DNS_SRV: return &r->srv.host;
	case DNS_TLSA: return &r->tlsa.data;
	default: return &r->raw;                        /* name, text and raw are the same place */
	}
}

int dns_record_parse(struct arena *a, enum dns_type type, struct str rdata, struct dns_record *out)
{
	struct dns_record r = { .ttl = out->ttl };
	struct cursor c = cursor_make(rdata);
	struct buf text = BUF_INIT(0);
	int result = 0;
	take_record(&c, type, &r, &text);
	struct str *place = text_of(&r, type);
	if (c.bad || cursor_left(&c) > 0)
		result = ERR_INVALID;
	else if (text.failed || (place && !(*place = arena_dup(a, buf_str(&text))).p))
		result = ERR_NO_MEMORY;
	else
		*out = r;
	buf_fini(&text);
	return result;
}
