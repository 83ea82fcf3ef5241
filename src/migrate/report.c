#include "migrate/report.h"

#include "migrate/limits.h"

void report_trouble(struct report *r, const char *format, ...)
{
	va_list ap;

	if (r->n_troubles++ >= MIGRATE_TROUBLES_MAX)
		return;
	size_t start = r->troubles.n;
	va_start(ap, format);
	buf_vprintf(&r->troubles, format, ap);
	va_end(ap);
	for (size_t i = start; i < r->troubles.n; i++)        /* names of folders may hold line ends, and are the server's choice */
		if (r->troubles.p[i] == '\n')
			r->troubles.p[i] = '?';
	buf_add_char(&r->troubles, '\n');
}

void report_add(struct report *r, const struct report *part)
{
	r->folders += part->folders;
	r->folders_failed += part->folders_failed;
	r->imported += part->imported;
	r->copied += part->copied;
	r->recognised += part->recognised;
	r->known += part->known;
	r->flagged += part->flagged;
	r->removed += part->removed;
	r->elsewhere += part->elsewhere;
	r->skipped += part->skipped;
	r->failed += part->failed;
	r->bytes += part->bytes;
	r->dropped_flags += part->dropped_flags;
	r->retries += part->retries;
	if (r->n_troubles < MIGRATE_TROUBLES_MAX)
		buf_add_str(&r->troubles, buf_str(&part->troubles));
	r->n_troubles += part->n_troubles;
}
