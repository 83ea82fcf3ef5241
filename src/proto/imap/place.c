#include "proto/imap/place.h"

static bool fail(struct imap_request *r, int code, const struct err *e)
{
	imap_error(r, code, e);
	return false;
}

static void own(struct imap_request *r, struct imap_place *out)
{
	*out = (struct imap_place){ .account = r->s->account, .own = true, .rights = ACL_ALL };
}

bool imap_place_find(struct imap_request *r, struct str name, uint32_t rights, bool levels_too, struct imap_place *out)
{
	own(r, out);
	int rc = mailbox_find(out->account, r->arena, name, &out->mailbox);
	if (rc)
		return fail(r, rc, NULL);
	if (out->mailbox.no_select && !levels_too) {
		imap_no(r, "[CANNOT] This is only a level of the hierarchy");
		return false;
	}
	if ((out->rights & rights) != rights) {
		imap_no(r, "[NOPERM] Not permitted in this mailbox");
		return false;
	}
	return true;
}

bool imap_place_target(struct imap_request *r, struct str name, struct imap_place *out)
{
	own(r, out);
	int rc = mailbox_find(out->account, r->arena, name, &out->mailbox);
	if (rc == ERR_NOT_FOUND) {
		struct str canonical;
		struct err e = { 0 };
		rc = mailbox_name_check(r->arena, name, &canonical, &e);
		if (rc)
			return fail(r, rc, &e);
		imap_no(r, "[TRYCREATE] No such mailbox");
		return false;
	}
	if (!rc && out->mailbox.no_select) {
		imap_no(r, "[TRYCREATE] This is only a level of the hierarchy");
		return false;
	}
	return !rc || fail(r, rc, NULL);
}

bool imap_place_name(struct imap_request *r, struct str name, struct imap_place *out)
{
	own(r, out);
	struct err e = { 0 };
	int rc = mailbox_name_check(r->arena, name, &out->mailbox.name, &e);
	return !rc || fail(r, rc, &e);
}

bool imap_selected_allows(struct imap_request *r, uint32_t rights)
{
	if ((r->s->selected.rights & rights) == rights)
		return true;
	imap_no(r, "[NOPERM] Not permitted in this mailbox");
	return false;
}
