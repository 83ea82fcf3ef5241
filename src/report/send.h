/* Making one report and sending it to whoever asked for it. Private to the room; blocks for DNS. */
#ifndef REPORT_SEND_H
#define REPORT_SEND_H

#include "report/report.h"
#include "report/tally.h"

struct sending {
	const struct report_config *config;
	struct queue *queue;
	const struct dns_source *dns;
	int64_t now;
};
/* How many were sent (0: nobody wants one, any more); negative: cannot be told now, try again. */
int send_dmarc(struct sending *s, struct arena *a, const struct tally_domain *d, const struct tally_row *rows, size_t n);
int send_tls(struct sending *s, struct arena *a, const struct tally_domain *d, const struct tally_row *rows, size_t n);

/* The message around a report. */
struct report_mail {
	struct str to, subject, text;
	struct str type, file;               /* "application/gzip", file name */
	struct str packed;
	struct str report_type;              /* "tlsrpt": multipart/report (RFC 8460 5.3); empty: multipart/mixed */
	struct str extra;                    /* more header fields, each with CRLF */
	struct str id;                       /* left side of Message-ID */
};
/* Formats, signs, and gives it to the queue. */
int report_mail_send(struct sending *s, struct arena *a, const struct report_mail *m);

#endif
