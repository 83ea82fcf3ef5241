/* ESEARCH: a search of several mailboxes (RFC 7377). */
#include "proto/imap/commands.h"

#include "codec/imap/format.h"
#include "codec/imap/search_scopes.h"
#include "proto/imap/limits.h"
#include "proto/imap/list_names.h"
#include "proto/imap/place.h"
#include "proto/imap/search_command.h"
#include "proto/imap/sync.h"

struct target {
	struct account *account;             /* open until the request ends */
	uint32_t mailbox;
	struct str name;                     /* as the client knows it */
};
struct multi {
	struct imap_request *r;
	struct imap_search_return ret;
	struct imap_scopes scopes;
	struct imap_search search;
	const struct imap_listed *listed;    /* all there are; NULL: not looked yet */
	bool *taken;                         /* of each: it is a target */
	size_t n_listed;
	struct target *target;
	size_t n, cap;
};

/* ---- which mailboxes ---- */

/* The client may name one twice (RFC 7377 2.2): it is searched once. */
static int add(struct multi *x, struct account *a, uint32_t mailbox, struct str name)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->target[i].mailbox == mailbox && account_id(x->target[i].account) == account_id(a))
			return 0;
	if (x->n == x->cap) {
		size_t cap = x->cap ? 2 * x->cap : 64;
		struct target *grown = arena_array(x->r->arena, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		if (x->n)
			memcpy(grown, x->target, x->n * sizeof(*grown));
		x->target = grown;
		x->cap = cap;
	}
	x->target[x->n++] = (struct target){ a, mailbox, name };
	return 0;
}

static bool is_directly_below(struct str name, struct str above)
{
	return imap_name_is_below(name, above) && str_chr(str_from(name, above.n + 1), MAILBOX_SEPARATOR) == STR_NPOS;
}

static bool is_meant(const struct multi *x, const struct imap_scope *scope, const struct imap_listed *l)
{
	switch (scope->kind) {
	case IMAP_SCOPE_INBOXES:             /* RFC 5465 6.3: filters can deliver anywhere */
	case IMAP_SCOPE_PERSONAL:
		return account_id(l->account) == account_id(x->r->s->account) && !l->mailbox->bin;
	case IMAP_SCOPE_SUBSCRIBED:
		return l->subscribed;
	case IMAP_SCOPE_SUBTREE:
	case IMAP_SCOPE_SUBTREE_ONE:
		for (size_t i = 0; i < scope->name_count; i++)
			if (scope->kind == IMAP_SCOPE_SUBTREE ? imap_name_is_below(l->name, scope->name[i]) : is_directly_below(l->name, scope->name[i]))
				return true;
		return false;
	default:
		return false;
	}
}

/* Those that are not named: the user needs the right to look them up, which all that are listed have, and the right to read them. */
static int add_listed(struct multi *x, const struct imap_scope *scope)
{
	int err = 0;
	if (!x->listed) {
		struct imap_listed *listed;
		err = imap_list_names(x->r, true, &listed, &x->n_listed);
		x->listed = err ? NULL : listed;
		x->taken = err ? NULL : arena_array(x->r->arena, x->n_listed + 1, sizeof(*x->taken));
		if (!err && !x->taken)
			err = ERR_NO_MEMORY;
	}
	for (size_t i = 0; i < x->n_listed && !err; i++) {
		const struct imap_listed *l = &x->listed[i];
		/* The same kind may stand there many times. */
		if (x->taken[i] || !l->mailbox || l->mailbox->no_select || !(l->rights & ACL_READ) || !is_meant(x, scope, l))
			continue;
		err = add(x, l->account, l->mailbox->id, l->name);
		x->taken[i] = true;
	}
	return err;
}

/* Those that are named. What is not there or not to be read is passed over (RFC 7377 2.2). */
static int add_named(struct multi *x, const struct imap_scope *scope)
{
	int err = 0;
	for (size_t i = 0; i < scope->name_count && !err; i++) {
		struct imap_place place;
		if (imap_place_find(x->r, scope->name[i], ACL_READ, false, &place))
			err = add(x, place.account, place.mailbox.id, place.told);
	}
	return err;
}

static int add_selected(struct multi *x)
{
	const struct imap_selected *sel = &x->r->s->selected;
	struct mailbox m;
	int err = mailbox_get(sel->account, x->r->arena, sel->mailbox, &m);
	if (err)
		return err;
	struct str name = m.name;
	/* In another account it has a longer name. */
	if (account_id(sel->account) != account_id(x->r->s->account)) {
		const struct imap_scope none = { .kind = IMAP_SCOPE_MAILBOXES };
		err = add_listed(x, &none);
		for (size_t i = 0; i < x->n_listed && !err; i++) {
			const struct imap_listed *l = &x->listed[i];
			if (l->mailbox && l->mailbox->id == sel->mailbox && account_id(l->account) == account_id(sel->account))
				name = l->name;
		}
	}
	return err ? err : add(x, sel->account, sel->mailbox, name);
}

static int find_targets(struct multi *x)
{
	int err = x->scopes.given ? 0 : add_selected(x);
	for (size_t i = 0; i < x->scopes.n && !err; i++) {
		const struct imap_scope *scope = &x->scopes.v[i];
		if (scope->kind == IMAP_SCOPE_SELECTED)
			err = add_selected(x);
		if (!err && scope->kind >= IMAP_SCOPE_SUBTREE)
			err = add_named(x, scope);
		if (!err && scope->kind != IMAP_SCOPE_SELECTED && scope->kind != IMAP_SCOPE_MAILBOXES)
			err = add_listed(x, scope);
	}
	return err;
}

/* ---- one mailbox ---- */

static void respond(struct multi *x, const struct target *t, const struct imap_esearch *e)
{
	struct conn *c = x->r->conn;
	conn_printf(c, "* ESEARCH (TAG \"%.*s\" MAILBOX ", STR_ARG(x->r->tag));
	imap_format_mailbox(conn_out(c), t->name, imap_utf8(x->r->s));
	conn_printf(c, " UIDVALIDITY %u) UID", view_uidvalidity(e->view));
	imap_esearch_write(e);
}

static int search_view(struct multi *x, const struct target *t, const struct imap_search_scope *scope)
{
	struct imap_hits hits = IMAP_HITS_INIT;
	struct imap_test *root;
	struct arena arena;                  /* of this one: there may be thousands */
	arena_init(&arena, IMAP_ARENA_MAX);
	int err = imap_search_prepare(&arena, scope, &x->search, &root);
	if (!err)
		err = imap_search_run(x->r->conn, scope, root, imap_search_most(&x->ret), &hits);
	struct imap_esearch e = {
		.r = x->r, .view = scope->view, .uid = true, .modseq = x->search.has_modseq, .mailbox_order = true, .ret = &x->ret, .hits = &hits,
	};
	if (!err && x->ret.options & IMAP_RETURN_SAVE)
		err = imap_esearch_save(&e);
	/* RFC 7377 2.1: no response where nothing was found. */
	if (!err && hits.n && x->ret.options & ~(unsigned)IMAP_RETURN_SAVE)
		respond(x, t, &e);
	imap_hits_fini(&hits);
	arena_fini(&arena);
	return err;
}

static int search_target(struct multi *x, const struct target *t)
{
	const struct imap_session *s = x->r->s;
	struct imap_search_scope scope = imap_search_selected(s);
	/* What the client knows of it. */
	if (s->selected.view && s->selected.mailbox == t->mailbox && account_id(s->selected.account) == account_id(t->account))
		return search_view(x, t, &scope);
	static const struct rangeset none = RANGESET_INIT;
	struct view *view;
	int err = view_open(t->account, t->mailbox, &view);
	if (err)
		return err == ERR_NOT_FOUND ? 0 : err;
	scope.account = t->account;
	scope.view = view;
	scope.recent = scope.saved = &none;
	err = search_view(x, t, &scope);
	view_unref(&view);
	return err;
}

/* ---- the command ---- */

static bool wants_selected(const struct imap_scopes *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].kind == IMAP_SCOPE_SELECTED)
			return true;
	return !s->given;
}

/* What RFC 7377 2.2 answers with BAD. */
static bool permit(struct multi *x)
{
	struct imap_request *r = x->r;
	bool only_selected = !x->scopes.given || (x->scopes.n == 1 && wants_selected(&x->scopes));
	if (wants_selected(&x->scopes) && r->s->state != IMAP_SELECTED)
		imap_bad(r, "Select a mailbox first");
	else if (x->ret.options & IMAP_RETURN_UPDATE && r->s->state != IMAP_SELECTED)
		imap_bad(r, "UPDATE goes with the selected mailbox only");
	else if (x->ret.options & IMAP_RETURN_SAVE && !only_selected)
		imap_bad(r, "SAVE goes with the selected mailbox only");
	else if (wants_selected(&x->scopes) && !r->s->selected.view)
		imap_no(r, "[NONEXISTENT] The mailbox was deleted");
	else
		return !wants_selected(&x->scopes) || imap_selected_allows(r, ACL_READ);        /* RFC 4314 5.1.1: it may be gone */
	return false;
}

enum imap_result imap_cmd_esearch(struct imap_request *r)
{
	struct multi x = { .r = r };
	if (!imap_search_scopes(&r->args, &x.scopes) || !imap_search_return(&r->args, &x.ret))
		return imap_bad_args(r);
	if (!x.ret.given)
		x.ret.options = IMAP_RETURN_ALL;
	if (!imap_search_read(r, &x.ret, false, &x.search) || !permit(&x))
		return IMAP_REPLIED;
	if (x.search.has_modseq)
		imap_enable_condstore(r);
	int err = r->s->selected.view ? imap_sync(r->s, false) : 0;
	if (!err)
		err = find_targets(&x);
	for (size_t i = 0; i < x.n && !err; i++)
		err = search_target(&x, &x.target[i]);
	if (err == ERR_TOO_BIG)
		return imap_no(r, "[NOTSAVED] Too much to save");
	if (err)
		return imap_search_failed(r, &x.ret, err);
	if (x.ret.options & IMAP_RETURN_UPDATE)              /* RFC 5267 4.3.1 leaves it to us */
		conn_printf(r->conn, "* NO [NOUPDATE \"%.*s\"] Only SEARCH and SORT are kept up to date\r\n", STR_ARG(r->tag));
	return imap_ok(r, "ESEARCH completed");
}
