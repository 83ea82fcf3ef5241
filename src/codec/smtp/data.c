#include "codec/smtp/data.h"

enum {
	AT_START,          /* behind a CRLF, or at the very beginning */
	DOT,               /* a dot behind a CRLF */
	DOT_CR,            /* and a CR behind it */
	INSIDE,            /* in a line */
	INSIDE_CR,         /* in a line, behind a CR that was emitted already */
	ODD_START,         /* behind a bare LF or bare CR */
	ODD_DOT,           /* a dot there */
};

void smtp_data_init(struct smtp_data *d, size_t line_max)
{
	*d = (struct smtp_data){ .state = AT_START, .line_max = line_max };
}

static void count_line(struct smtp_data *d, size_t n)
{
	d->line_n += n;
	if (d->line_n > d->line_max)
		d->faults |= SMTP_DATA_LONG_LINE;
}

/* From somewhere in a line to its end or the end of the input; returns how many octets were looked at. Sets the next state. */
static size_t scan_line(struct smtp_data *d, const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n);
	size_t text = lf ? (size_t)(lf - p) : n;
	const char *cr = memchr(p, '\r', text);

	bool bare_cr = cr && cr + 1 < p + text;
	if (memchr(p, 0, bare_cr ? (size_t)(cr - p) : text))
		d->faults |= SMTP_DATA_NUL;
	if (bare_cr) {
		/* a CR before other text: stop behind it, so that what follows is seen as an odd start */
		d->faults |= SMTP_DATA_BARE_CR;
		d->state = ODD_START;
		count_line(d, (size_t)(cr + 1 - p));
		return (size_t)(cr + 1 - p);
	}
	count_line(d, cr ? text - 1 : text);
	if (!lf) {
		d->state = cr ? INSIDE_CR : INSIDE;
		return n;
	}
	d->line_n = 0;
	d->state = cr ? AT_START : ODD_START;
	if (!cr)
		d->faults |= SMTP_DATA_BARE_LF;
	return text + 1;
}

bool smtp_data_feed(struct smtp_data *d, struct str in, smtp_data_emit *emit, void *arg, size_t *used_out)
{
	size_t i = 0, from = 0;       /* from: first octet not emitted yet */

	while (i < in.n) {
		char c = in.p[i];
		switch (d->state) {
		case AT_START:
			if (c == '.') {
				emit(arg, in.p + from, i - from);
				from = ++i;
				d->state = DOT;
				continue;
			}
			break;
		case DOT:
			if (c == '\r') {
				from = ++i;
				d->state = DOT_CR;
				continue;
			}
			if (c == '\n') {
				d->faults |= SMTP_DATA_BARE_LF | SMTP_DATA_FALSE_END;
				*used_out = i + 1;
				return true;
			}
			break;
		case DOT_CR:
			if (c == '\n') {
				*used_out = i + 1;
				return true;
			}
			d->faults |= SMTP_DATA_BARE_CR | (c == '\r' ? SMTP_DATA_FALSE_END : 0);
			emit(arg, "\r", 1);
			break;
		case INSIDE_CR:
			if (c == '\n') {
				i++;
				d->line_n = 0;
				d->state = AT_START;
				continue;
			}
			d->faults |= SMTP_DATA_BARE_CR;
			count_line(d, 1);
			d->state = ODD_START;
			continue;
		case ODD_START:
			if (c == '.') {
				i++;
				d->state = ODD_DOT;
				continue;
			}
			break;
		case ODD_DOT:
			if (c == '\r' || c == '\n') {
				d->faults |= SMTP_DATA_FALSE_END;
				*used_out = i + 1;
				return true;
			}
			break;
		}
		i += scan_line(d, in.p + i, in.n - i);
	}
	emit(arg, in.p + from, in.n - from);
	*used_out = in.n;
	return false;
}

void smtp_data_check(struct smtp_data *d, struct str chunk)
{
	size_t i = 0;

	if (d->state == INSIDE_CR && chunk.n) {
		if (chunk.p[0] == '\n') {
			i = 1;
			d->line_n = 0;
		} else {
			d->faults |= SMTP_DATA_BARE_CR;
			count_line(d, 1);
		}
	}
	if (chunk.n)
		d->state = INSIDE;
	while (i < chunk.n)
		i += scan_line(d, chunk.p + i, chunk.n - i);
}

void smtp_data_check_end(struct smtp_data *d)
{
	if (d->state == INSIDE_CR)
		d->faults |= SMTP_DATA_BARE_CR;
}
