/* One row of a DMARC aggregate report: what a message was found to be, without the message. Any thread. */
#ifndef REPORT_DMARC_ROW_H
#define REPORT_DMARC_ROW_H

#include "base/arena.h"
#include "base/buf.h"
#include "mailauth/check.h"

#define DMARC_ROW_SIGNATURES_MAX 8

struct dmarc_row {
	struct net_addr ip;
	enum dmarc_policy disposition;       /* what was done */
	bool overridden;                     /* otherwise than the policy asked: local policy */
	bool dkim_aligned, spf_aligned;
	struct str header_from, envelope_from, spf_domain;
	bool spf_is_helo;                    /* scope="helo": there was no envelope sender */
	enum spf_result spf;
	struct { struct str domain, selector; enum dkim_result result; } dkim[DMARC_ROW_SIGNATURES_MAX];
	size_t n_dkim;
};

void dmarc_row_encode(const struct dmarc_row *r, struct buf *out);
/* Strings are slices of the bytes. False: not one of ours. */
bool dmarc_row_decode(struct str bytes, struct dmarc_row *out);

/* The published policy and who reports, for the head of the XML. */
struct dmarc_report_head {
	struct str org, email, id;           /* of the reporter */
	int64_t begin, end;                  /* unix seconds, inclusive */
	const struct dmarc_record *policy;
};
struct tally_row;
/* RFC 7489 appendix C. Rows that do not decode are left out. */
void dmarc_xml_format(const struct dmarc_report_head *h, const struct tally_row *rows, size_t n, struct buf *out);

#endif
