#include "proto/imap/list_names.h"

#include "base/map.h"
#include "directory/identity.h"
#include "model/bin.h"
#include "proto/imap/place.h"

/* While they are gathered. */
struct names {
	struct arena *arena;
	struct buf v;                            /* struct imap_listed each */
	struct map *by_name;                     /* name -> its index + 1, as a pointer; NULL until imap_list_names needs it */
};

static struct imap_listed *at(struct names *names, size_t i) { return (struct imap_listed *)(void *)names->v.p + i; }
static size_t count(const struct names *names) { return names->v.n / sizeof(struct imap_listed); }

static int add(struct names *names, const struct imap_listed *listed)
{
	buf_add(&names->v, listed, sizeof(*listed));
	if (names->v.failed)
		return ERR_NO_MEMORY;
	return names->by_name ? map_put(names->by_name, listed->name, (void *)(uintptr_t)count(names)) : 0;
}

/* ---- the sources ---- */

static int add_own(struct names *names, struct account *account)
{
	struct mailbox *v;
	size_t n;
	int rc = mailbox_list(account, names->arena, &v, &n);
	for (size_t i = 0; !rc && i < n; i++)
		rc = add(names, &(struct imap_listed){ .name = v[i].name, .mailbox = &v[i], .account = account, .rights = ACL_ALL });
	return rc;
}

/* Where deleted messages lie. */
static int add_bin(struct names *names, struct imap_request *r)
{
	bool subscribed = false;
	struct mailbox *bin = arena_alloc(names->arena, sizeof(*bin));
	int rc = bin ? bin_find(r->s->account, names->arena, bin) : ERR_NO_MEMORY;
	if (!rc)
		rc = subscription_is_set(r->s->account, bin->name, &subscribed);
	struct imap_listed l = { .mailbox = bin, .account = r->s->account, .rights = IMAP_BIN_RIGHTS, .hidden = !subscribed && !r->s->config->imap_show_deleted };
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	l.name = bin->name;
	return add(names, &l);
}

/* The user, as access lists know it. */
struct guest {
	struct imap_request *r;
	struct str *identifiers;
	size_t n;
};

static const struct acl *find_acl(const struct acl_of_mailbox *acls, size_t n, uint32_t mailbox)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (acls[middle].mailbox < mailbox)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && acls[low].mailbox == mailbox ? &acls[low].acl : NULL;
}

/* RFC 4314 section 4: what the user has no right to look up is not there. */
static int add_account(struct names *names, const struct guest *guest, struct account *account, struct str prefix)
{
	struct acl_of_mailbox *acls;
	struct mailbox *v;
	size_t n, n_acls;
	int rc = account_acls(account, names->arena, &acls, &n_acls);
	if (!rc)
		rc = mailbox_list(account, names->arena, &v, &n);
	for (size_t i = 0; !rc && i < n; i++) {
		const struct acl *acl = find_acl(acls, n_acls, v[i].id);
		uint32_t rights = acl ? acl_rights(acl, guest->identifiers, guest->n) : 0;
		if (!(rights & ACL_LOOKUP))
			continue;
		struct str name = arena_printf(names->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(v[i].name));
		rc = name.p ? add(names, &(struct imap_listed){ .name = name, .mailbox = &v[i], .account = account, .rights = rights }) : ERR_NO_MEMORY;
	}
	return rc;
}

/* One account of the index, whose entries may be in vain or old (identity.h). */
static int add_share(struct names *names, const struct guest *guest, const struct directory_share *share)
{
	struct imap_request *r = guest->r;
	struct directory_user user;
	struct account *account;
	if (share->account == account_id(r->s->account))
		return 0;
	int rc = directory_user_find(services_directory(r->s->services), names->arena, share->owner, &user);
	if (!rc && user.account != share->account)
		return 0;
	if (!rc)
		rc = imap_place_open(r, share->account, &account);
	if (!rc) {
		struct str prefix = imap_place_prefix(names->arena, user.name, user.shared);
		rc = prefix.p ? add_account(names, guest, account, prefix) : ERR_NO_MEMORY;
	}
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int add_shared(struct names *names, struct imap_request *r)
{
	struct directory *d = services_directory(r->s->services);
	struct guest guest = { .r = r };
	struct directory_share *shares;
	size_t n = 0;
	int rc = directory_identifiers(d, names->arena, conn_user(r->conn), &guest.identifiers, &guest.n);
	if (!rc)
		rc = directory_share_find(d, names->arena, guest.identifiers, guest.n, &shares, &n);
	for (size_t i = 0; !rc && i < n; i++)
		rc = add_share(names, &guest, &shares[i]);
	return rc;
}

static struct imap_listed *find(struct names *names, struct str name)
{
	uintptr_t index = (uintptr_t)map_get(names->by_name, name);
	return index ? at(names, index - 1) : NULL;
}

static int index_all(struct names *names)
{
	int rc = map_create(&names->by_name);
	for (size_t i = 0; !rc && i < count(names); i++)
		rc = map_put(names->by_name, at(names, i)->name, (void *)(uintptr_t)(i + 1));
	return rc;
}

static int add_subscribed(struct names *names, struct account *account)
{
	struct str *v;
	size_t n;
	int rc = subscription_list(account, names->arena, &v, &n);
	for (size_t i = 0; !rc && i < n; i++) {
		struct imap_listed *known = find(names, v[i]);
		if (known)
			known->subscribed = true;
		else
			rc = add(names, &(struct imap_listed){ .name = v[i], .subscribed = true });
	}
	return rc;
}

/* RFC 3501 6.3.8: "%" shows levels of the hierarchy that are no mailboxes. Above mailboxes there always is one (model.h, mailbox_create), above
 * names of other kinds perhaps not. */
static int add_levels(struct names *names)
{
	size_t n = count(names);
	for (size_t i = 0; i < n; i++) {
		struct str name = at(names, i)->name;
		for (size_t k = 1; k < name.n; k++) {
			struct str level = str_sub(name, 0, k);
			if (name.p[k] != MAILBOX_SEPARATOR || find(names, level))
				continue;
			int rc = add(names, &(struct imap_listed){ .name = level });
			if (rc)
				return rc;
		}
	}
	return 0;
}

/* ---- their order ---- */

bool imap_name_is_below(struct str name, struct str above)
{
	return name.n > above.n && name.p[above.n] == MAILBOX_SEPARATOR && str_starts(name, above);
}

static bool is_inbox(struct str name) { return str_eq(name, STR("INBOX")) || imap_name_is_below(name, STR("INBOX")); }

static int compare(const void *x, const void *y)
{
	struct str a = ((const struct imap_listed *)x)->name, b = ((const struct imap_listed *)y)->name;
	if (is_inbox(a) != is_inbox(b))
		return is_inbox(a) ? -1 : 1;
	size_t n = a.n < b.n ? a.n : b.n, i = 0;
	while (i < n && a.p[i] == b.p[i])
		i++;
	if (i == n)
		return (a.n > b.n) - (a.n < b.n);
	/* The separator before all else, so that what is below a name follows it at once. */
	int ca = a.p[i] == MAILBOX_SEPARATOR ? -1 : (unsigned char)a.p[i];
	int cb = b.p[i] == MAILBOX_SEPARATOR ? -1 : (unsigned char)b.p[i];
	return ca - cb;
}

/* Sorted, every level of a name is there, and stands before it. */
static void mark_children(struct imap_listed *v, size_t n)
{
	size_t above[MAILBOX_NAME_MAX + 1], depth = 0;
	for (size_t i = 0; i < n; i++) {
		while (depth && !imap_name_is_below(v[i].name, v[above[depth - 1]].name))
			depth--;
		for (size_t k = depth; v[i].mailbox && k > 0 && !v[above[k - 1]].has_children; k--)
			v[above[k - 1]].has_children = true;
		if (depth < MAILBOX_NAME_MAX)
			above[depth++] = i;
	}
}

int imap_list_names(struct imap_request *r, bool subscriptions, struct imap_listed **out, size_t *n_out)
{
	struct names names = { .arena = r->arena, .v = BUF_INIT(0) };
	int rc = add_own(&names, r->s->account);
	size_t own = count(&names);
	if (!rc)
		rc = add_bin(&names, r);
	if (!rc)
		rc = add_shared(&names, r);
	bool more = subscriptions || count(&names) > own;
	if (!rc && more)
		rc = index_all(&names);
	if (!rc && subscriptions)
		rc = add_subscribed(&names, r->s->account);
	if (!rc && more)
		rc = add_levels(&names);
	*n_out = rc ? 0 : count(&names);
	*out = rc ? NULL : arena_array(r->arena, *n_out + 1, sizeof(**out));
	if (!rc && !*out)
		rc = ERR_NO_MEMORY;
	if (!rc && *n_out) {
		memcpy(*out, names.v.p, names.v.n);
		/* What the model gave is in order already. */
		if (names.by_name)
			qsort(*out, *n_out, sizeof(**out), compare);
		mark_children(*out, *n_out);
	}
	map_destroy(&names.by_name);
	buf_fini(&names.v);
	return rc;
}
