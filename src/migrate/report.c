#include "migrate/report.h"

#include "migrate/limits.h"

void report_trouble(struct report *r, const char *format, ...)
{
	va_list ap;

	if (r->n_troubles++ >= MIGRATE_TROUBLES_MAX)
		return;
	va_start(ap, format);
	buf_vprintf(&r->troubles, format, ap);
	va_end(ap);
	buf_add_char(&r->troubles, '\n');
}
