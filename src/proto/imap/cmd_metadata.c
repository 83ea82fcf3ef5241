/* GETMETADATA and SETMETADATA: RFC 5464 4.2 and 4.3. */
#include "audit/audit.h"
#include "proto/imap/commands.h"
#include "proto/imap/metadata.h"
#include "proto/imap/notify.h"
#include "proto/imap/place.h"
#include "proto/imap/quota_root.h"
#include "proto/imap/use.h"

_Static_assert(IMAP_METADATA_NAME_MAX == ANNOTATION_NAME_MAX, "the grammar and the model know the same names");

static const struct str special_use_entry = STR_INIT("/private/specialuse"), admin_entry = STR_INIT("/shared/admin");

/* Whose annotations the mailbox argument means. False: the reply is set. place: keeps what *out points to. */
static bool find(struct imap_request *r, struct str name, struct imap_place *place, struct imap_annotated *out)
{
	*out = (struct imap_annotated){ .name = name };
	if (!name.n)
		return true;
	/* 4.1: levels that cannot be selected may have annotations. */
	if (!imap_place_find(r, name, ACL_LOOKUP, true, place))
		return false;
	out->account = place->account;
	out->mailbox = &place->mailbox;
	out->rights = place->rights;
	out->name = place->told;
	if (!imap_metadata_allowed(out)) {
		imap_no(r, "[NOPERM] Not permitted in this mailbox");
		return false;
	}
	return true;
}

enum imap_result imap_cmd_getmetadata(struct imap_request *r)
{
	struct imap_get_metadata get;
	struct imap_place place;
	struct imap_annotated of;
	if (!imap_get_metadata_args(&r->args, &get))
		return imap_bad_args(r);
	if (!find(r, get.mailbox, &place, &of))
		return IMAP_REPLIED;
	const struct imap_metadata_wish wish = { get.entry, get.count, get.depth, get.has_maxsize, get.maxsize };
	uint64_t longest;
	int rc = imap_metadata_write(r, &of, &wish, &longest);
	if (rc)
		return imap_error(r, rc, NULL);
	if (longest)
		return imap_ok(r, "[METADATA LONGENTRIES %llu] GETMETADATA completed", (unsigned long long)longest);
	return imap_ok(r, "GETMETADATA completed");
}

/* ---- SETMETADATA ---- */

/* What is to be set, and where. */
struct change {
	struct annotation *v;
	size_t n;
	bool has_use;
	uint32_t use;
};

/* RFC 6154 4: held to the same rules as CREATE. False: the reply is set. */
static bool take_use(struct imap_request *r, const struct imap_annotated *of, struct str value, struct change *out)
{
	if (of->account != r->s->account) {
		imap_no(r, "[CANNOT] A mailbox has special uses only for its owner");
		return false;
	}
	struct str rest = value, word;
	out->has_use = true;
	while (rest.n) {
		str_cut(rest, ' ', &word, &rest);
		uint32_t bit = word.n > 1 && word.p[0] == '\\' ? imap_use_find(str_from(word, 1)) : MAILBOX_USE_NONE;
		if (word.n && !bit) {
			imap_no(r, "[USEATTR] No such special use");
			return false;
		}
		out->use |= bit;
	}
	if (out->use && of->mailbox->no_select) {
		imap_no(r, "[USEATTR] This is only a level of the hierarchy");
		return false;
	}
	return true;
}

/* Sorts out the entries. False: the reply is set. */
static bool take_entries(struct imap_request *r, const struct imap_annotated *of, const struct imap_set_metadata *set, struct change *out)
{
	*out = (struct change){ .v = arena_array(r->arena, set->count, sizeof(*out->v)) };
	if (!out->v) {
		imap_error(r, ERR_NO_MEMORY, NULL);
		return false;
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct imap_metadata_value *entry = &set->v[i];
		bool is_private = imap_metadata_is_private(entry->name);
		if (of->account && str_ieq(entry->name, special_use_entry)) {
			if (!take_use(r, of, entry->value, out))
				return false;
			continue;
		}
		/* 3.2.1.1: "always read-only"; and the server may restrict its own (3.3). */
		if (!of->account && (str_ieq(entry->name, admin_entry) || (!is_private && !imap_is_admin(r->s)))) {
			imap_no(r, "[NOPERM] Only administrators change the server's shared entries, and nobody /shared/admin");
			return false;
		}
		out->v[out->n++] = (struct annotation){ entry->name, entry->value, is_private };
	}
	return true;
}

/* The server's: those of the house or the user's own, which lie in two places; so one command takes one kind, as all or nothing shall be changed. */
static int set_server(struct imap_request *r, const struct change *change, bool *mixed_out)
{
	size_t n_private = 0;
	for (size_t i = 0; i < change->n; i++)
		n_private += change->v[i].is_private;
	*mixed_out = n_private && n_private < change->n;
	if (*mixed_out)
		return ERR_INVALID;
	if (!n_private)
		return model_annotation_set(services_model(r->s->services), change->v, change->n);
	return annotation_set(r->s->account, 0, account_id(r->s->account), &(struct annotation_change){ .v = change->v, .n = change->n });
}

/* The house's entries are an administrator's act; their values may be long, and are not told. */
static void tell(struct imap_request *r, const struct change *change, int rc)
{
	struct buf names = BUF_INIT(0);
	for (size_t i = 0; i < change->n; i++)
		buf_printf(&names, "%s%.*s", i ? " " : "", STR_ARG(change->v[i].name));
	audit_act(conn_user(r->conn), "imap", "metadata.set", STR("server"), buf_str(&names), rc);
	buf_fini(&names);
}

enum imap_result imap_cmd_setmetadata(struct imap_request *r)
{
	struct imap_set_metadata set;
	struct imap_place place;
	struct imap_annotated of;
	struct change change;
	if (!imap_set_metadata_args(&r->args, &set))
		return imap_bad_args(r);
	if (!find(r, set.mailbox, &place, &of) || !take_entries(r, &of, &set, &change))
		return IMAP_REPLIED;
	bool mixed = false;
	int rc;
	if (of.account)
		rc = annotation_set(of.account, of.mailbox->id, account_id(r->s->account),
							&(struct annotation_change){ .v = change.v, .n = change.n, .use = change.has_use ? &change.use : NULL });
	else
		rc = set_server(r, &change, &mixed);
	if (!of.account && change.n && !change.v[0].is_private && !mixed)
		tell(r, &change, rc);
	if (mixed)
		return imap_no(r, "[CANNOT] Set the server's private and shared entries one after the other");
	if (rc == ERR_TOO_BIG)
		return imap_no(r, "[METADATA MAXSIZE %u] The value is too long", ANNOTATION_VALUE_MAX);
	if (rc == ERR_QUOTA)
		return imap_no(r, "[METADATA TOOMANY] There is no room for more annotations");
	if (rc)
		return imap_error(r, rc, NULL);
	/* The house's lie in no account. */
	if (change.n && (of.account || change.v[0].is_private))
		imap_notify_made(r->s, of.account ? of.account : r->s->account);
	return imap_ok(r, "SETMETADATA completed");
}
