#include "backup/rescue.h"

#include "backup/bring.h"
#include "backup/match.h"
#include "directory/identity.h"
#include "model/acl.h"
#include "model/annotation.h"
#include "model/bin.h"
#include "model/transfer.h"
#include "rt/fault.h"

#include <signal.h>
#include <stdlib.h>

struct work {
	const struct rescue *r;
	struct rescue_report *report;
	struct arena arena;
	struct err *e;
	struct str bin, beside;               /* the bin's name now, and what takes its place for mailboxes of then; empty: not known yet */
};

/* Fault, for a test that goes through all of them: restore.kill ends the process between two steps. */
static void step(void)
{
	if (fault_hit("restore.kill"))
		raise(SIGKILL);
}

/* ---- messages ---- */

static bool is_wanted(const struct work *w, uint32_t uid) { return !w->r->uids || rangeset_has(w->r->uids, uid); }

static int bring_missing(struct work *w, const struct view *old, const struct match *match, uint32_t mailbox)
{
	struct bring b = { .from = w->r->from, .model = w->r->model, .to = w->r->to, .mailbox = mailbox, .old = old };
	struct view_iter it = view_iter_at(old, 0);
	const struct message *m;
	int rc = 0;
	while (!rc && (m = view_iter_next(&it))) {
		if (!is_wanted(w, m->uid))
			continue;
		if (match->place[it.index - 1] == MATCH_NONE)
			rc = bring_message(&b, m);
		else
			w->report->present++;
		if (w->r->progress)
			w->r->progress(w->r->arg, w->report->added + b.added, 0, 0);
	}
	rc = bring_end(&b, rc);
	w->report->added += b.added;
	w->report->lost += b.lost;
	return rc;
}

struct pair {
	uint64_t flags;                       /* as they were, in the bits of then */
	uint32_t uid;                         /* now */
};

static int compare_flags(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	if (x->flags != y->flags)
		return x->flags < y->flags ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static int set_flags(struct work *w, const struct view *old, uint32_t mailbox, const struct pair *v, size_t n)
{
	struct str keywords[KEYWORDS_MAX];
	struct rangeset uids = RANGESET_INIT, changed = RANGESET_INIT;
	unsigned n_names;
	const struct str *names = view_keywords(old, &n_names);
	struct flags_change change = { .op = FLAGS_REPLACE, .flags = v->flags & MESSAGE_SYSTEM_FLAGS, .keywords = keywords };
	for (unsigned i = 0; i < n_names; i++)
		if (v->flags >> (MESSAGE_KEYWORD_SHIFT + i) & 1 && names[i].n)
			keywords[change.n_keywords++] = names[i];
	int rc = 0;
	for (size_t i = 0; !rc && i < n; i++)
		rc = rangeset_add(&uids, v[i].uid, v[i].uid);
	if (!rc)
		rc = mailbox_flags(w->r->to, mailbox, &uids, &change, &changed, NULL, NULL);
	w->report->changed += rangeset_count(&changed);
	rangeset_fini(&uids);
	rangeset_fini(&changed);
	return rc;
}

/* One change for all that had the same flags. */
static int flags_as_then(struct work *w, const struct view *old, const struct view *now, const struct match *match, uint32_t mailbox)
{
	struct pair *v = calloc((size_t)view_count(old) + 1, sizeof(*v));
	size_t n = 0;
	int rc = v ? 0 : ERR_NO_MEMORY;
	for (uint32_t i = 0; v && i < view_count(old); i++)
		if (match->place[i] != MATCH_NONE)
			v[n++] = (struct pair){ view_at(old, i).flags & ~(uint64_t)MESSAGE_GHOST, view_at(now, match->place[i]).uid };
	if (n)
		qsort(v, n, sizeof(*v), compare_flags);
	for (size_t from = 0, to; !rc && from < n; from = to) {
		for (to = from + 1; to < n && v[to].flags == v[from].flags;)
			to++;
		rc = set_flags(w, old, mailbox, v + from, to - from);
	}
	free(v);
	return rc;
}

static int remove_later(struct work *w, const struct view *now, const struct match *match, uint32_t mailbox)
{
	struct rangeset uids = RANGESET_INIT, gone = RANGESET_INIT;
	int rc = 0;
	for (uint32_t i = 0; !rc && i < view_count(now); i++)
		if (!match->taken[i]) {
			uint32_t uid = view_at(now, i).uid;
			rc = rangeset_add(&uids, uid, uid);
		}
	if (!rc && uids.n)
		rc = mailbox_expunge(w->r->to, mailbox, &uids, false, &gone, NULL);
	w->report->removed += rangeset_count(&gone);
	rangeset_fini(&uids);
	rangeset_fini(&gone);
	return rc;
}

static int rescue_messages(struct work *w, uint32_t old_id, uint32_t mailbox)
{
	struct view *old = NULL, *now = NULL;
	struct match match = { NULL, NULL };
	int rc = view_open(w->r->from->account, old_id, &old);
	if (!rc)
		rc = view_open(w->r->to, mailbox, &now);
	if (!rc)
		rc = match_messages(w->r->from, old, w->r->to, now, &match);
	/* First what is brought back, then what goes: at no moment is less there than before and after. */
	if (!rc)
		rc = bring_missing(w, old, &match, mailbox);
	if (!rc && w->r->exact)
		rc = flags_as_then(w, old, now, &match, mailbox);
	if (!rc && w->r->exact && !w->r->uids)
		rc = remove_later(w, now, &match, mailbox);
	match_fini(&match);
	view_unref(&old);
	view_unref(&now);
	return rc;
}

/* ---- mailboxes ---- */

static int drop_rights(struct work *w, uint32_t mailbox)
{
	struct acl now;
	int rc = mailbox_acl(w->r->to, &w->arena, mailbox, &now);
	for (size_t i = 0; !rc && i < now.n; i++)
		rc = mailbox_acl_set(w->r->to, mailbox, now.v[i].identifier, now.v[i].negative, ACL_REPLACE, 0, w->e);
	return rc;
}

static int rescue_rights(struct work *w, uint32_t old_id, uint32_t mailbox)
{
	struct acl acl;
	int rc = mailbox_acl(w->r->from->account, &w->arena, old_id, &acl);
	if (!rc)
		rc = drop_rights(w, mailbox);
	for (size_t i = 0; !rc && i < acl.n; i++) {
		const struct acl_entry *entry = &acl.v[i];
		struct str name;
		rc = directory_identifier(w->r->directory, &w->arena, entry->identifier, &name);
		if (rc == ERR_NOT_FOUND || rc == ERR_INVALID) {
			/* Whoever gets the name some day would get the rights of another. */
			w->report->strangers++;
			rc = 0;
			continue;
		}
		if (!rc)
			rc = directory_share_note(w->r->directory, entry->identifier, account_id(w->r->to), w->r->owner);
		if (!rc)
			rc = mailbox_acl_set(w->r->to, mailbox, entry->identifier, entry->negative, ACL_REPLACE, entry->rights, w->e);
		step();
	}
	return rc;
}

/* The shared ones and the owner's own; those that others made for themselves belong to accounts that may not be the same. */
static int rescue_annotations(struct work *w, uint32_t old_id, uint32_t mailbox)
{
	struct annotation *v;
	size_t n;
	int rc = annotation_list(w->r->from->account, old_id, account_id(w->r->from->account), &w->arena, &v, &n);
	return rc || n == 0 ? rc : annotation_set(w->r->to, mailbox, account_id(w->r->to), &(struct annotation_change){ .v = v, .n = n });
}

static int note(struct work *w, struct str mailbox)
{
	return w->r->intent ? intent_note(w->r->intent, account_id(w->r->to), mailbox, w->e) : 0;
}

/* RFC 9051 2.3.1.1: a name that comes back has a greater UIDVALIDITY than it ever had. One that a restore that was killed had made is made still: its rights and
 * annotations may not be there. */
static int find_or_make(struct work *w, const struct mailbox *old, struct str name, struct mailbox *out, bool *made_out)
{
	int rc = mailbox_find(w->r->to, &w->arena, name, out);
	bool there = !rc && !out->no_select;
	*made_out = rc == ERR_NOT_FOUND || (!rc && out->no_select) || (there && intent_is_making(w->r->intent, name));
	if (there || !*made_out)
		return rc;
	rc = note(w, name);
	step();
	if (!rc)
		rc = transfer_raise_uidvalidity(w->r->to, old->uidvalidity);
	step();
	if (!rc)
		rc = mailbox_create(w->r->to, name, str_eq(name, old->name) ? old->use : 0, out, w->e);
	/* The use may be another mailbox's by now. */
	if (rc == ERR_CONFLICT || rc == ERR_EXISTS)
		rc = mailbox_create(w->r->to, name, 0, out, w->e);
	step();
	w->report->mailboxes += !rc;
	return rc;
}

static int rescue_mailbox(struct work *w, const struct mailbox *old, struct str name)
{
	struct mailbox now;
	bool made;
	int rc = find_or_make(w, old, name, &now, &made);
	/* Rights first: a new mailbox has those of the one above it, and who has them there may not read this one. One for single messages is shared with
	 * nobody. */
	if (!rc && made && w->r->uids)
		rc = drop_rights(w, now.id);
	else if (!rc && (made || w->r->exact) && !w->r->uids)
		rc = rescue_rights(w, old->id, now.id);
	step();
	if (!rc)
		rc = rescue_messages(w, old->id, now.id);
	step();
	if (!rc && (made || w->r->exact) && !w->r->uids)
		rc = rescue_annotations(w, old->id, now.id);
	step();
	if (!rc && made && w->r->mailbox.n)
		rc = subscription_set(w->r->to, name, true, w->e);
	step();
	if (!rc && made)
		rc = note(w, STR_NONE);
	step();
	if (rc && w->e && !w->e->log[0])
		err_set(w->e, rc, NULL, "mailbox %.*s: %s", STR_ARG(name), err_text(rc));
	return rc;
}

/* ---- beside the bin ---- */

/* Nothing can be put into the bin (bin.h), nor below it. It may have been made only now, by what --exact takes away. */
static int is_bins(struct work *w, struct str name, bool *out)
{
	struct mailbox bin;
	int rc = w->bin.n ? 0 : bin_find(w->r->to, &w->arena, &bin);
	if (!rc && !w->bin.n)
		w->bin = bin.name;
	*out = w->bin.n && str_starts(name, w->bin) && (name.n == w->bin.n || name.p[w->bin.n] == MAILBOX_SEPARATOR);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static bool was_there(const struct mailbox *then, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(then[i].name, name))
			return true;
	return false;
}

/* Under which name a mailbox of then comes back: its own, unless the bin has that by now. The same each time. */
static int name_now(struct work *w, const struct mailbox *then, size_t n, struct str *name)
{
	bool bins;
	int rc = is_bins(w, *name, &bins);
	if (rc || !bins)
		return rc;
	for (unsigned i = 2; !w->beside.n || was_there(then, n, w->beside); i++) {
		w->beside = arena_printf(&w->arena, "%.*s~%u", STR_ARG(w->bin), i);
		if (!w->beside.p)
			return ERR_NO_MEMORY;
	}
	*name = arena_printf(&w->arena, "%.*s%.*s", STR_ARG(w->beside), STR_ARG(str_from(*name, w->bin.n)));
	return name->p ? 0 : ERR_NO_MEMORY;
}

/* ---- the whole account ---- */

static bool has_name(const struct str *names, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

static int rescue_subscriptions(struct work *w)
{
	struct str *then = NULL, *now = NULL;
	size_t n_then = 0, n_now = 0;
	int rc = subscription_list(w->r->from->account, &w->arena, &then, &n_then);
	if (!rc)
		rc = subscription_list(w->r->to, &w->arena, &now, &n_now);
	for (size_t i = 0; !rc && i < n_then; i++)
		if (!has_name(now, n_now, then[i]))
			rc = subscription_set(w->r->to, then[i], true, w->e);
	for (size_t i = 0; !rc && w->r->exact && i < n_now; i++)
		if (!has_name(then, n_then, now[i]))
			rc = subscription_set(w->r->to, now[i], false, w->e);
	return rc;
}

/* From below, so that none stays as a level. */
static int remove_later_mailboxes(struct work *w, const struct mailbox *then, size_t n_then)
{
	struct mailbox *now;
	size_t n;
	int rc = mailbox_list(w->r->to, &w->arena, &now, &n);
	while (!rc && n--) {
		bool known = str_eq(now[n].name, STR("INBOX"));
		for (size_t i = 0; !rc && !known && i < n_then; i++) {
			struct str name = then[i].name;
			rc = name_now(w, then, n_then, &name);
			known = str_eq(name, now[n].name);
		}
		if (rc || known)
			continue;
		rc = mailbox_delete(w->r->to, now[n].name, w->e);
		w->report->mailboxes += !rc;
		rc = rc == ERR_NOT_FOUND ? 0 : rc;
	}
	return rc;
}

static int rescue_account(struct work *w)
{
	struct mailbox *then;
	size_t n;
	int rc = mailbox_list(w->r->from->account, &w->arena, &then, &n);
	for (size_t i = 0; !rc && i < n; i++) {
		struct str name = then[i].name;
		rc = name_now(w, then, n, &name);
		w->report->beside += !str_eq(name, then[i].name);
		if (!rc && !then[i].no_select)
			rc = rescue_mailbox(w, &then[i], name);
		if (w->r->progress)
			w->r->progress(w->r->arg, w->report->added, i + 1, n);
	}
	if (!rc)
		rc = rescue_annotations(w, 0, 0);
	if (!rc && w->r->exact)
		rc = remove_later_mailboxes(w, then, n);
	return rc ? rc : rescue_subscriptions(w);
}

static int rescue_one(struct work *w)
{
	const struct rescue *r = w->r;
	struct mailbox old;
	bool bins = false;
	int rc = mailbox_find(r->from->account, &w->arena, r->mailbox, &old);
	if (rc == ERR_NOT_FOUND || (!rc && old.no_select))
		return err_set(w->e, ERR_NOT_FOUND, NULL, "there was no mailbox %.*s then; see --list", STR_ARG(r->mailbox));
	struct str name = r->into.n ? r->into : old.name;
	if (!rc)
		rc = is_bins(w, name, &bins);
	if (!rc && bins)
		return err_set(w->e, ERR_DENIED, NULL, "%.*s is the mailbox of deleted messages, and nothing can be put there; give another name, with --into", STR_ARG(name));
	return rc ? rc : rescue_mailbox(w, &old, name);
}

int rescue_run(const struct rescue *r, struct rescue_report *out, struct err *e)
{
	*out = (struct rescue_report){ .mailboxes = 0 };
	struct work w = { .r = r, .report = out, .arena = ARENA_INIT(0), .e = e };
	int rc = r->mailbox.n ? rescue_one(&w) : rescue_account(&w);
	if (rc && e && !e->log[0])
		err_set(e, rc, NULL, "the restore: %s", err_text(rc));
	arena_fini(&w.arena);
	return rc;
}
