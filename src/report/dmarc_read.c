#include "report/dmarc_read.h"

#include "base/buf.h"
#include "base/num.h"
#include "codec/mime/message.h"
#include "codec/mime/transfer.h"
#include "report/limits.h"
#include "report/pack.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

/* No network, no entities that grow, no messages on stderr. */
#define XML_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA | XML_PARSE_COMPACT)

/* The first child element of that name, whatever its namespace. */
static xmlNode *child(xmlNode *parent, const char *name)
{
	for (xmlNode *n = parent ? parent->children : NULL; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE && xmlStrEqual(n->name, (const xmlChar *)name))
			return n;
	return NULL;
}

static struct str text_of(struct arena *a, xmlNode *n)
{
	xmlChar *text = n ? xmlNodeGetContent(n) : NULL;
	struct str copy = text ? arena_dup(a, str_trim(str_from_c((const char *)text))) : STR("");
	xmlFree(text);
	return copy;
}

static struct str child_text(struct arena *a, xmlNode *parent, const char *name)
{
	return text_of(a, child(parent, name));
}

static uint64_t number(struct arena *a, xmlNode *parent, const char *name)
{
	uint64_t n = 0;
	num_parse_u64(child_text(a, parent, name), &n);
	return n;
}

static void read_record(struct arena *a, xmlNode *record, struct dmarc_foreign_row *out)
{
	xmlNode *row = child(record, "row"), *evaluated = child(row, "policy_evaluated"), *ids = child(record, "identifiers"),
			*results = child(record, "auth_results");
	struct buf domains = BUF_INIT(4096);

	out->source_ip = child_text(a, row, "source_ip");
	out->count = number(a, row, "count");
	out->disposition = child_text(a, evaluated, "disposition");
	out->dkim = child_text(a, evaluated, "dkim");
	out->spf = child_text(a, evaluated, "spf");
	out->header_from = child_text(a, ids, "header_from");
	out->envelope_from = child_text(a, ids, "envelope_from");
	for (xmlNode *n = results ? results->children : NULL; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE && xmlStrEqual(n->name, (const xmlChar *)"dkim"))
			buf_printf(&domains, "%s%.*s %.*s", domains.n ? ", " : "", STR_ARG(child_text(a, n, "domain")), STR_ARG(child_text(a, n, "result")));
	out->dkim_domains = arena_dup(a, buf_str(&domains));
	buf_fini(&domains);
	xmlNode *spf = child(results, "spf");
	if (spf)
		out->spf_domain = arena_printf(a, "%.*s %.*s", STR_ARG(child_text(a, spf, "domain")), STR_ARG(child_text(a, spf, "result")));
}

static int read_feedback(xmlNode *root, struct arena *a, struct dmarc_foreign *out)
{
	xmlNode *meta = child(root, "report_metadata"), *range = child(meta, "date_range"), *policy = child(root, "policy_published");
	size_t n = 0;

	if (!meta || !policy)
		return ERR_INVALID;
	out->org = child_text(a, meta, "org_name");
	out->id = child_text(a, meta, "report_id");
	out->begin = (int64_t)number(a, range, "begin");
	out->end = (int64_t)number(a, range, "end");
	out->domain = child_text(a, policy, "domain");
	out->policy = child_text(a, policy, "p");
	for (xmlNode *r = root->children; r; r = r->next)
		n += r->type == XML_ELEMENT_NODE && xmlStrEqual(r->name, (const xmlChar *)"record");
	if (n > REPORT_READ_ROWS_MAX)
		return ERR_TOO_BIG;
	out->rows = arena_array(a, n ? n : 1, sizeof *out->rows);
	for (xmlNode *r = root->children; r && out->rows; r = r->next)
		if (r->type == XML_ELEMENT_NODE && xmlStrEqual(r->name, (const xmlChar *)"record"))
			read_record(a, r, &out->rows[out->n++]);
	return a->failed ? ERR_NO_MEMORY : 0;
}

static int read_xml(struct str xml, struct arena *a, struct dmarc_foreign *out)
{
	if (xml.n > INT32_MAX)
		return ERR_TOO_BIG;
	xmlDoc *doc = xmlReadMemory(xml.p ? xml.p : "", (int)xml.n, "report", NULL, XML_OPTIONS);
	xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	int rc = root && xmlStrEqual(root->name, (const xmlChar *)"feedback") ? read_feedback(root, a, out) : ERR_INVALID;
	xmlFreeDoc(doc);
	return rc;
}

static int read_packed(struct str bytes, struct arena *a, struct dmarc_foreign *out)
{
	struct buf xml = BUF_INIT(REPORT_READ_MAX + (1 << 20));
	int rc = pack_open(bytes, REPORT_READ_MAX, &xml);
	if (rc == 0)
		rc = read_xml(buf_str(&xml), a, out);
	buf_fini(&xml);
	return rc;
}

/* The parts of a message, until one of them is a report. */
static int read_message(struct str bytes, struct arena *a, struct dmarc_foreign *out)
{
	struct mime_message m;
	int rc = mime_message_parse(bytes, a, &m);

	for (uint32_t i = 0; rc == 0 && i < m.part_count; i++) {
		struct buf body = BUF_INIT(REPORT_READ_MAX);
		if (m.part[i].kind == MIME_LEAF) {
			mime_transfer_decode(m.part[i].encoding, mime_part_body(&m, &m.part[i]), &body);
			rc = read_packed(buf_str(&body), a, out);
		} else {
			rc = ERR_INVALID;
		}
		buf_fini(&body);
		if (rc == 0)
			return 0;
		rc = rc == ERR_INVALID ? 0 : rc;
	}
	return rc ? rc : ERR_INVALID;
}

int dmarc_read(struct str bytes, struct arena *a, struct dmarc_foreign *out, struct err *e)
{
	*out = (struct dmarc_foreign){ .n = 0 };
	int rc = read_packed(bytes, a, out);
	if (rc == ERR_INVALID)
		rc = read_message(bytes, a, out);
	return rc ? err_set(e, rc, NULL, "no DMARC aggregate report in it: %s", err_text(rc)) : 0;
}
