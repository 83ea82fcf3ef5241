#include "outbound/trouble.h"

#include "base/ascii.h"

void trouble_set(struct trouble *t, const char *status, const char *format, ...)
{
	va_list ap;

	str_copy_c(t->status, sizeof t->status, str_from_c(status));
	t->remote[0] = '\0';
	va_start(ap, format);
	vsnprintf(t->text, sizeof t->text, format, ap);
	va_end(ap);
	for (char *p = t->text; *p; p++)
		if (!ascii_is_print(*p))
			*p = '?';
}

void trouble_set_reply(struct trouble *t, const struct smtp_reply *r, struct str remote)
{
	struct smtp_status status = r->status;

	/* A success where none may be (250 in answer to DATA) is a fault of the peer's, to be tried again. */
	if (status.class != 4 && status.class != 5)
		status = (struct smtp_status){ 4, 5, 0 };
	smtp_status_format(status, t->status);
	str_copy_c(t->remote, sizeof t->remote, remote);
	str_copy_c(t->text, sizeof t->text, smtp_reply_text(r));
}

void trouble_merge(struct trouble *t, const struct trouble *later)
{
	if (!t->status[0] || trouble_is_permanent(t) || !trouble_is_permanent(later))
		*t = *later;
}
