#include "proto/imap/catenate.h"

#include "base/ascii.h"
#include "proto/imap/limits.h"
#include "proto/imap/place.h"

/* RFC 4469 5: url-resp-text has no "]", and no line end. */
static bool bad_url(struct imap_request *r, struct str url, const char *why)
{
	struct str shown = arena_dup(r->arena, str_sub(url, 0, IMAP_BADURL_MAX));
	for (size_t i = 0; i < shown.n; i++)
		if (shown.p[i] == ']' || ascii_is_cntrl((unsigned char)shown.p[i]))
			((char *)(uintptr_t)shown.p)[i] = '?';
	imap_no(r, "[BADURL %.*s] %s", STR_ARG(shown), why);
	return false;
}

/* Where the URL leads. The reply of a name that leads nowhere is said anew as BADURL. */
static bool find_mailbox(struct imap_request *r, struct str text, const struct imap_url *url, struct account **account_out, uint32_t *mailbox_out)
{
	struct imap_session *s = r->s;
	struct imap_place place;
	if (!url->mailbox.n) {
		if (s->state != IMAP_SELECTED || !s->selected.account)
			return bad_url(r, text, "No mailbox is selected");
		if (!(s->selected.rights & ACL_READ))
			return bad_url(r, text, "Not permitted in this mailbox");
		*account_out = s->selected.account;
		*mailbox_out = s->selected.mailbox;
		return true;
	}
	if (!imap_place_find(r, url->mailbox, ACL_READ, false, &place))
		return bad_url(r, text, "No such mailbox");
	*account_out = place.account;
	*mailbox_out = place.mailbox.id;
	return true;
}

bool imap_catenate_open(struct imap_request *r, struct str text, struct url_part *out)
{
	struct imap_url url;
	struct account *account = NULL;
	uint32_t mailbox = 0;
	const char *why;
	*out = (struct url_part){ .scratch = BUF_INIT(0) };
	int rc = imap_url_parse(text, r->arena, &url, &why);
	if (rc == ERR_INVALID)
		return bad_url(r, text, why);
	if (!rc && url.absolute)
		return bad_url(r, text, "Only URLs relative to this session are known");        /* RFC 4469 3 */
	if (!rc && (!url.uid || url.access != IMAP_URL_NO_ACCESS))
		return bad_url(r, text, "It names no message");
	if (!rc && !find_mailbox(r, text, &url, &account, &mailbox))
		return false;
	if (!rc)
		rc = url_part_open(account, mailbox, &url, r->arena, out);
	if (rc == ERR_NOT_FOUND || rc == ERR_INVALID || (!rc && out->located.nil))
		return bad_url(r, text, "No such message or part");
	if (rc)
		imap_error(r, rc, NULL);
	return !rc;
}
