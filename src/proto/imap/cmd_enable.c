#include "proto/imap/commands.h"
#include "proto/imap/select.h"

static const struct {
	const char *name;
	enum imap_enabled bit;
} features[] = {
	{ "CONDSTORE", IMAP_ENABLED_CONDSTORE },         /* RFC 7162 3.1 */
	{ "IMAP4rev2", IMAP_ENABLED_REV2 },              /* RFC 9051 6.3.1 */
	{ "QRESYNC", IMAP_ENABLED_QRESYNC },             /* RFC 7162 3.2.3 */
	{ "UIDONLY", IMAP_ENABLED_UIDONLY },             /* RFC 9586 */
	{ "UTF8=ACCEPT", IMAP_ENABLED_UTF8 },            /* RFC 9755 3 */
};

void imap_enable_condstore(struct imap_request *r)
{
	struct imap_session *s = r->s;
	if (imap_condstore(s))
		return;
	s->enabled |= IMAP_ENABLED_CONDSTORE;
	if (s->selected.view)
		imap_tell_highestmodseq(s);
}

/* RFC 5161 3.1: unknown names are passed over; what was enabled before is not named again. */
enum imap_result imap_cmd_enable(struct imap_request *r)
{
	struct imap_session *s = r->s;
	unsigned wanted = 0;
	do {
		struct str name;
		if (!imap_atom(&r->args, &name))
			return imap_bad_args(r);
		for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
			if (str_ieq(name, str_from_c(features[i].name)))
				wanted |= features[i].bit;
	} while (imap_peek(&r->args) == ' ' && imap_sp(&r->args));
	if (!imap_end(&r->args))
		return imap_bad_args(r);

	wanted &= ~s->enabled;
	conn_write_lit(r->conn, "* ENABLED");
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (wanted & features[i].bit)
			conn_printf(r->conn, " %s", features[i].name);
	conn_write_lit(r->conn, "\r\n");
	if (wanted & (IMAP_ENABLED_CONDSTORE | IMAP_ENABLED_QRESYNC))
		imap_enable_condstore(r);
	s->enabled |= wanted;
	return imap_ok(r, "ENABLE completed");
}
