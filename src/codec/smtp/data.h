/* The octets between DATA and its end: dot-unstuffing (RFC 5321 4.5.2), the one true end CRLF "." CRLF (4.1.1.4), and everything that
 * tells a smuggler from a mailer: bare CR, bare LF, NUL, ends of data that somebody else might believe in. Streaming, pure, any thread. */
#ifndef CODEC_SMTP_DATA_H
#define CODEC_SMTP_DATA_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum smtp_data_fault {
	SMTP_DATA_BARE_LF = 1,
	SMTP_DATA_BARE_CR = 2,
	SMTP_DATA_NUL = 4,
	SMTP_DATA_LONG_LINE = 8,
	SMTP_DATA_FALSE_END = 16,     /* a lone dot between line ends of which one is no CRLF: the peer may mean it as the end */
};

struct smtp_data {
	unsigned char state;
	unsigned char faults;         /* enum smtp_data_fault, gathered */
	size_t line_n;                /* octets of the current line */
	size_t line_max;              /* without its end; longer is SMTP_DATA_LONG_LINE */
};

void smtp_data_init(struct smtp_data *d, size_t line_max);

/* Takes bytes. Runs of message octets go to emit in order, unstuffed. Returns true at the end of data; *used_out bytes of `in` belong to it then (all of
 * them otherwise). Stops early (true) at a false end: look at faults. */
typedef void smtp_data_emit(void *arg, const char *p, size_t n);
bool smtp_data_feed(struct smtp_data *d, struct str in, smtp_data_emit *emit, void *arg, size_t *used_out);

/* The same faults in a chunk of BDAT, which has no dots and no end mark; the state carries a CR over the chunk's edge. finish: no LF will follow. */
void smtp_data_check(struct smtp_data *d, struct str chunk);
void smtp_data_check_end(struct smtp_data *d);

#endif
