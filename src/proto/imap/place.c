#include "proto/imap/place.h"

#include "directory/identity.h"
#include "proto/imap/sync.h"

_Static_assert(ACL_ALL == 0x7ff, "codec/imap/rights.h spells these");

static bool fail(struct imap_request *r, int code, const struct err *e)
{
	imap_error(r, code, e);
	return false;
}

/* The same words for what is not there and for what the user may not know of: RFC 4314 section 6. */
static bool not_there(struct imap_request *r) { return fail(r, ERR_NOT_FOUND, NULL); }

static bool not_permitted(struct imap_request *r)
{
	imap_no(r, "[NOPERM] Not permitted in this mailbox");
	return false;
}

/* Of the user's own bin. */
static bool stays_as_it_is(struct imap_request *r)
{
	imap_no(r, "[CANNOT] Only deleted messages come into this mailbox, and it stays as it is");
	return false;
}

/* ---- other accounts ---- */

struct imap_opened {
	struct account *account;
	struct imap_opened *next;
};

int imap_place_open(struct imap_request *r, uint64_t account, struct account **out)
{
	struct imap_opened *o = arena_alloc(r->arena, sizeof(*o));
	*out = NULL;
	if (!o)
		return ERR_NO_MEMORY;
	int rc = account_open(services_model(r->s->services), account, &o->account);
	if (rc)
		return rc;
	o->next = r->opened;
	r->opened = o;
	*out = o->account;
	return 0;
}

void imap_place_close_all(struct imap_request *r)
{
	for (struct imap_opened *o = r->opened; o; o = o->next)
		account_close(&o->account);
	r->opened = NULL;
}

struct str imap_place_prefix(struct arena *a, struct str owner, bool shared)
{
	return arena_printf(a, "%s/%.*s/", shared ? IMAP_SHARED_FOLDERS : IMAP_OTHER_USERS, STR_ARG(owner));
}

static bool is_or_below(struct str name, struct str above)
{
	return str_starts(name, above) && (name.n == above.n || name.p[above.n] == MAILBOX_SEPARATOR);
}

/* "Other Users/alice@example.org/Projects" into whose it is and what it is called there. */
static bool split(struct str name, struct str *owner, struct str *rest, bool *shared)
{
	struct str space;
	if (!str_cut(name, MAILBOX_SEPARATOR, &space, &name) || !str_cut(name, MAILBOX_SEPARATOR, owner, rest) || !owner->n || !rest->n)
		return false;
	*shared = str_eq(space, STR(IMAP_SHARED_FOLDERS));
	return *shared || str_eq(space, STR(IMAP_OTHER_USERS));
}

/* A name of another account's mailbox. Where there is no such account, it is as if there were no such mailbox: nobody learns whose accounts there are. */
static bool leads_away(struct str name)
{
	struct str owner, rest;
	bool shared;
	return split(name, &owner, &rest, &shared);
}

static void own(struct imap_request *r, struct str name, struct imap_place *out)
{
	*out = (struct imap_place){ .account = r->s->account, .own = true, .owner = conn_user(r->conn), .rights = ACL_ALL, .told = name };
	out->mailbox.name = name;
}

/* Whose account, and the name in it. What names no other user's is looked for in the own account, where such names may be from before. */
static bool locate(struct imap_request *r, struct str name, struct imap_place *out)
{
	struct str owner, rest;
	struct directory_user user;
	bool shared;
	own(r, name, out);
	if (!split(name, &owner, &rest, &shared))
		return true;
	int rc = directory_user_find(services_directory(r->s->services), r->arena, owner, &user);
	if (rc == ERR_NOT_FOUND || (!rc && (!str_eq(user.name, owner) || user.shared != shared || user.account == account_id(r->s->account))))
		return true;
	struct account *account = NULL;
	if (!rc)
		rc = imap_place_open(r, user.account, &account);
	if (rc)
		return fail(r, rc, NULL);
	*out = (struct imap_place){ .account = account, .owner = user.name, .told = name, .prefix = str_sub(name, 0, name.n - rest.n) };
	out->mailbox.name = rest;
	return true;
}

static int look_rights(struct imap_session *s, struct arena *a, struct account *account, uint32_t mailbox, uint32_t *out)
{
	struct str *identifiers;
	struct acl acl;
	size_t n;
	*out = 0;
	int rc = directory_identifiers(services_directory(s->services), a, conn_user(s->conn), &identifiers, &n);
	if (!rc)
		rc = mailbox_acl(account, a, mailbox, &acl);
	if (!rc)
		*out = acl_rights(&acl, identifiers, n);
	return rc;
}

/* The mailbox of the place and the user's rights in it; without any when it is not there: ERR_NOT_FOUND. */
static int look(struct imap_request *r, struct str name, struct imap_place *place, uint32_t *rights_out)
{
	*rights_out = 0;
	int rc = mailbox_find(place->account, r->arena, name, &place->mailbox);
	if (!rc && place->own)
		*rights_out = place->mailbox.bin ? IMAP_BIN_RIGHTS : ACL_ALL;
	else if (!rc)
		rc = look_rights(r->s, r->arena, place->account, place->mailbox.id, rights_out);
	return rc;
}

/* mailbox.name is canonical by now. */
static bool name_told(struct imap_request *r, struct imap_place *place)
{
	place->told = place->mailbox.name;
	if (place->prefix.n)
		place->told = arena_printf(r->arena, "%.*s%.*s", STR_ARG(place->prefix), STR_ARG(place->mailbox.name));
	return place->told.p ? true : fail(r, ERR_NO_MEMORY, NULL);
}

/* ---- finding ---- */

static bool find(struct imap_request *r, struct str name, struct imap_place *out)
{
	if (!locate(r, name, out))
		return false;
	int rc = look(r, out->mailbox.name, out, &out->rights);
	return rc ? fail(r, rc, NULL) : name_told(r, out);
}

bool imap_place_find(struct imap_request *r, struct str name, uint32_t rights, bool levels_too, struct imap_place *out)
{
	if (!find(r, name, out))
		return false;
	if ((out->rights & rights) != rights && out->own && out->mailbox.bin)
		return stays_as_it_is(r);
	if ((out->rights & rights) != rights)
		return out->rights & ACL_LOOKUP ? not_permitted(r) : not_there(r);
	if (out->mailbox.no_select && !levels_too) {
		imap_no(r, "[CANNOT] This is only a level of the hierarchy");
		return false;
	}
	return true;
}

bool imap_place_find_any(struct imap_request *r, struct str name, uint32_t rights, struct imap_place *out)
{
	return find(r, name, out) && (out->rights & rights ? true : not_there(r));
}

bool imap_place_name(struct imap_request *r, struct str name, struct imap_place *out)
{
	struct err e = { 0 };
	if (!locate(r, name, out))
		return false;
	if (out->own && leads_away(name))
		return not_there(r);
	out->rights = 0;
	int rc = mailbox_name_check(r->arena, out->mailbox.name, &out->mailbox.name, &e);
	return rc ? fail(r, rc, &e) : name_told(r, out);
}

/* ---- making ---- */

/* RFC 4314 section 4, CREATE: the rights in the nearest mailbox above; a level is none. At the top it is INBOX that stands for the account. */
static int rights_above(struct imap_request *r, const struct imap_place *place, uint32_t *out)
{
	struct imap_place above = *place;
	struct str name = place->mailbox.name;
	size_t at;
	while ((at = str_rchr(name, MAILBOX_SEPARATOR)) != STR_NPOS) {
		name = str_sub(name, 0, at);
		int rc = look(r, name, &above, out);
		if (rc != ERR_NOT_FOUND && (rc || !above.mailbox.no_select))
			return rc;
	}
	return look(r, STR("INBOX"), &above, out);
}

bool imap_place_may_create(struct imap_request *r, const struct imap_place *place)
{
	uint32_t rights;
	if (place->own) {
		if (leads_away(place->mailbox.name))
			return not_there(r);
		if (!is_or_below(place->mailbox.name, STR(IMAP_OTHER_USERS)) && !is_or_below(place->mailbox.name, STR(IMAP_SHARED_FOLDERS)))
			return true;
		imap_no(r, "[CANNOT] The name belongs to another namespace");
		return false;
	}
	int rc = rights_above(r, place, &rights);
	if (rc && rc != ERR_NOT_FOUND)
		return fail(r, rc, NULL);
	if (!rc && rights & ACL_CREATE)
		return true;
	return !rc && rights & ACL_LOOKUP ? not_permitted(r) : not_there(r);
}

/* There is no such mailbox, as far as the user may know. RFC 3501 6.3.11: TRYCREATE unless it is certain that it cannot be created. */
static bool try_create(struct imap_request *r, struct str name, struct imap_place *place)
{
	struct err e = { 0 };
	int rc = mailbox_name_check(r->arena, name, &place->mailbox.name, &e);
	if (rc)
		return fail(r, rc, &e);
	if (imap_place_may_create(r, place))
		imap_no(r, "[TRYCREATE] No such mailbox");
	return false;
}

bool imap_place_target(struct imap_request *r, struct str name, struct imap_place *out)
{
	if (!locate(r, name, out))
		return false;
	struct str within = out->mailbox.name;
	int rc = look(r, within, out, &out->rights);
	if (rc && rc != ERR_NOT_FOUND)
		return fail(r, rc, NULL);
	if (!rc && !out->mailbox.no_select && out->rights & ACL_INSERT)
		return name_told(r, out);
	if (!rc && out->own && out->mailbox.bin)
		return stays_as_it_is(r);
	if (!rc && out->own) {
		imap_no(r, "[TRYCREATE] This is only a level of the hierarchy");
		return false;
	}
	return out->rights & ACL_LOOKUP ? not_permitted(r) : try_create(r, within, out);
}

/* ---- flags ---- */

uint64_t imap_rights_flags(uint32_t rights)
{
	uint64_t flags = 0;
	if (rights & ACL_SEEN)
		flags |= MESSAGE_SEEN;
	if (rights & ACL_DELETE_MESSAGE)
		flags |= MESSAGE_DELETED;
	if (rights & ACL_WRITE)
		flags |= MESSAGE_SYSTEM_FLAGS & ~(uint64_t)(MESSAGE_SEEN | MESSAGE_DELETED);
	return flags;
}

uint64_t imap_rights_kept(uint32_t rights)
{
	return imap_rights_flags(rights) | (rights & ACL_WRITE ? UINT64_MAX << MESSAGE_KEYWORD_SHIFT : 0);
}

void imap_place_filter(const struct imap_place *place, struct append *item)
{
	item->flags &= imap_rights_flags(place->rights);
	if (!(place->rights & ACL_WRITE))
		item->n_keywords = 0;
}

/* ---- the selected mailbox ---- */

bool imap_selected_allows(struct imap_request *r, uint32_t rights)
{
	return (r->s->selected.rights & rights) == rights || not_permitted(r);
}

void imap_selected_look(struct imap_session *s, bool tell)
{
	struct imap_selected *selected = &s->selected;
	if (s->state != IMAP_SELECTED || !selected->view || account_id(selected->account) == account_id(s->account))
		return;
	struct arena arena = ARENA_INIT(0);
	uint32_t rights, was = selected->rights;
	/* That the store cannot answer now takes nobody's rights away; a deleted mailbox is imap_sync's to tell. */
	if (look_rights(s, &arena, selected->account, selected->mailbox, &rights) == 0)
		selected->rights = rights;
	arena_fini(&arena);
	if (tell && imap_rights_flags(selected->rights) != imap_rights_flags(was) && selected->rights & ACL_READ)
		imap_write_mailbox_flags(s, selected->view);
}
