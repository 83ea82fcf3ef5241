#include "migrate/report.h"

#include "migrate/limits.h"

void report_trouble(struct report *r, const char *format, ...)
{
	char line[MIGRATE_TROUBLE_MAX + 1] = "";
	va_list ap;

	if (r->n_troubles++ >= MIGRATE_TROUBLES_MAX)
		return;
	va_start(ap, format);
	(void)vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	for (char *p = line; *p; p++)        /* names of folders may hold line ends, and are the server's choice */
		if (*p == '\n')
			*p = '?';
	buf_add_str(&r->troubles, str_from_c(line));
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
