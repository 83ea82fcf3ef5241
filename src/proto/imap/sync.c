#include "proto/imap/sync.h"

#include "proto/imap/quota_root.h"

#include "codec/imap/format.h"
#include "proto/imap/context.h"
#include "proto/imap/fetch_head.h"
#include "proto/imap/fetch_items.h"
#include "proto/imap/message_set.h"
#include "proto/imap/notify.h"
#include "proto/imap/place.h"

/* One telling: from what the client knows to `next`. */
struct news {
	struct imap_session *s;
	struct view *next;
	struct view_diff diff;
	const struct rangeset *own;        /* NULL: none */
	struct rangeset *untold;
	bool holds;                        /* next has ghosts */
};

uint32_t imap_recent_count(const struct imap_selected *selected)
{
	const struct view *v = selected->view;
	uint32_t count = 0;
	for (size_t i = 0; i < selected->recent.n; i++) {
		struct range r = selected->recent.v[i];
		uint32_t after = r.hi == UINT32_MAX ? view_count(v) : view_find(v, r.hi + 1, NULL);
		count += after - view_find(v, r.lo, NULL);
	}
	return count;
}

uint64_t imap_told_modseq(const struct imap_selected *selected)
{
	return selected->held ? selected->held : view_modseq(selected->view);
}

/* ---- writing ---- */

void imap_write_mailbox_flags(struct imap_session *s, const struct view *v)
{
	struct buf *out = conn_out(s->conn);
	unsigned n;
	const struct str *keyword = view_keywords(v, &n);
	uint64_t all = MESSAGE_SYSTEM_FLAGS;
	uint64_t kept = imap_rights_flags(s->selected.rights);
	bool words = s->selected.rights & ACL_WRITE, room = words && n < KEYWORDS_MAX;
	for (unsigned i = 0; i < n; i++) {
		all |= UINT64_C(1) << (MESSAGE_KEYWORD_SHIFT + i);
		kept |= words ? UINT64_C(1) << (MESSAGE_KEYWORD_SHIFT + i) : 0;
		room |= words && keyword[i].n == 0;
	}
	buf_add_lit(out, "* FLAGS ");
	imap_format_flags(out, all, false, keyword, n);
	buf_add_lit(out, "\r\n* OK [PERMANENTFLAGS ");
	if (s->selected.read_only)
		buf_add_lit(out, "()");
	else
		imap_format_flags(out, kept, false, keyword, n);        /* RFC 4314 5.1.1 */
	/* RFC 3501 7.1: "\*" when new keywords can be made. */
	if (room && !s->selected.read_only && !out->failed) {
		out->n--;
		buf_add_lit(out, " \\*)");
	}
	buf_add_lit(out, "] Flags that are kept\r\n");
}

static void forget_recent(struct news *n)
{
	for (size_t i = 0; i < n->diff.vanished.n; i++)
		rangeset_remove(&n->s->selected.recent, n->diff.vanished.v[i].lo, n->diff.vanished.v[i].hi);
}

static int tell_changed(struct news *n)
{
	struct rangeset numbers = RANGESET_INIT;
	struct imap_message_walk walk;
	struct imap_items items;
	const struct message *m;
	int err = imap_uids_to_numbers(n->next, &n->diff.changed, &numbers);
	imap_items_init(&items, n->s);
	imap_message_walk_init(&walk, n->next, &numbers);
	while (!err && (m = imap_message_walk_next(&walk))) {
		if (n->own && rangeset_has(n->own, m->uid)) {
			err = rangeset_add(n->untold, m->uid, m->uid);
			continue;
		}
		if (!(imap_notify_wanted(n->s) & IMAP_NOTIFY_FLAG)) {
			n->s->selected.untold = true;
			continue;
		}
		imap_items_response(&items, conn_out(n->s->conn), walk.number, IMAP_FETCH_FLAGS | imap_items_unasked(n->s), m);
		if (conn_out_check(n->s->conn))
			break;
	}
	rangeset_fini(&numbers);
	return err;
}

/* RFC 5465 5.2: behind all else, what the client wants to be told of messages that others put there. */
static int tell_new(struct news *n, uint32_t first)
{
	const struct imap_fetch *wanted = imap_notify_fetch(n->s);
	uint32_t end = view_uidnext(n->next);
	struct rangeset uids = RANGESET_INIT, numbers = RANGESET_INIT;
	if (!wanted || first >= end)
		return 0;
	int err = rangeset_add(&uids, first, end - 1);
	imap_notify_without_own(n->s, &uids);
	if (!err)
		err = imap_uids_to_numbers(n->next, &uids, &numbers);
	if (!err)
		err = imap_fetch_unasked(n->s, wanted, &numbers);
	rangeset_fini(&uids);
	rangeset_fini(&numbers);
	return err;
}

/* Writes all of it, and from then on the client knows `next`. The view as it was goes to *before_out. */
static int tell(struct news *n, struct view **before_out)
{
	struct imap_selected *selected = &n->s->selected;
	uint32_t recent_before = imap_recent_count(selected);
	imap_contexts_removed(n->s, selected->view, &n->diff.vanished);
	int err = imap_write_removed(n->s, selected->view, &n->diff.vanished);
	if (err)
		return err;
	*before_out = selected->view;
	selected->view = n->next;
	forget_recent(n);
	if (n->diff.keywords_added)
		imap_write_mailbox_flags(n->s, n->next);
	if (n->diff.added) {
		conn_printf(n->s->conn, "* %u EXISTS\r\n", view_count(n->next));
		imap_quota_warn(n->s);
	}
	uint32_t recent = imap_recent_count(selected);
	if ((n->diff.added || recent != recent_before) && !imap_rev2(n->s))
		conn_printf(n->s->conn, "* %u RECENT\r\n", recent);
	err = tell_changed(n);
	if ((n->holds || selected->untold) && !selected->held)
		selected->held = view_modseq(*before_out);
	else if (!n->holds && !selected->untold)
		selected->held = 0;
	if (!err)
		err = imap_contexts_changed(n->s);
	return err || !n->diff.added ? err : tell_new(n, view_uidnext(*before_out));
}

/* ---- finding out ---- */

/* New messages are recent to the first session that hears of them (RFC 3501 2.3.2). When the store cannot take the claim (the disk
 * is full), they are told as not recent: new mail is more important. */
static int claim_recent(struct imap_session *s, const struct view *newest)
{
	struct imap_selected *selected = &s->selected;
	uint32_t first, until;
	/* IMAP4rev2 knows no \Recent (RFC 9051 appendix E 12): it is left to those who do. */
	if (imap_rev2(s) || view_uidnext(newest) <= view_uidnext(selected->view) ||
		mailbox_recent(selected->account, selected->mailbox, !selected->read_only, &first, &until))
		return 0;
	return first < until ? rangeset_add(&selected->recent, first, until - 1) : 0;
}

/* Sets n->next to what the client shall know next, and n->diff. ERR_NOT_FOUND: the mailbox was deleted. */
static int find_news(struct news *n, bool may_expunge)
{
	struct imap_selected *selected = &n->s->selected;
	int err = view_refresh(n->s->selected.account, selected->view, &n->next);
	if (!err)
		err = claim_recent(n->s, n->next);
	if (err || n->next == selected->view)
		return err;
	err = view_diff(selected->view, n->next, &n->diff);
	if (err || may_expunge || n->diff.vanished.n == 0)
		return err;
	/* Only now: a view with ghosts is made for this session alone. */
	struct view *newest = n->next;
	n->next = NULL;
	view_diff_fini(&n->diff);
	n->holds = true;
	err = view_overlay(selected->view, newest, &n->next);
	view_unref(&newest);
	return err ? err : view_diff(selected->view, n->next, &n->diff);
}

static int tell_gone(struct imap_session *s)
{
	struct imap_selected *selected = &s->selected;
	uint32_t count = view_count(selected->view);
	struct rangeset uids = RANGESET_INIT;
	struct view_iter it = view_iter_at(selected->view, 0);
	const struct message *m;
	int err = 0;
	while (!err && (m = view_iter_next(&it)))
		err = rangeset_add(&uids, m->uid, m->uid);
	if (!err && count) {
		imap_contexts_removed(s, selected->view, &uids);
		err = imap_write_removed(s, selected->view, &uids);
	}
	rangeset_fini(&uids);
	if (err)
		return err;
	view_unref(&selected->view);
	rangeset_clear(&selected->recent);
	selected->held = 0;
	selected->gone = true;
	return 0;
}

static int sync_view(struct news *n, bool may_expunge, struct view **before_out)
{
	struct imap_session *s = n->s;
	*before_out = NULL;
	/* RFC 4314 5.1.1: who may not read it any more hears nothing more of it. */
	if (!s->selected.view || !(s->selected.rights & ACL_READ))
		return 0;
	int err = find_news(n, may_expunge);
	if (err == ERR_NOT_FOUND && may_expunge)
		err = tell_gone(s);
	else if (!err && n->next == s->selected.view)
		*before_out = n->next;
	else if (!err)
		err = tell(n, before_out);
	if (s->selected.view != n->next)
		view_unref(&n->next);
	view_diff_fini(&n->diff);
	return err == ERR_NOT_FOUND ? 0 : err;
}

int imap_sync(struct imap_session *s, bool may_expunge)
{
	struct news n = { .s = s };
	struct view *before;
	int err = sync_view(&n, may_expunge, &before);
	view_unref(&before);
	return err;
}

int imap_sync_except(struct imap_session *s, const struct rangeset *own, struct rangeset *untold_out, struct view **before_out)
{
	struct news n = { .s = s, .own = own, .untold = untold_out };
	struct view *before;
	int err = sync_view(&n, false, &before);
	if (before_out && !err)
		*before_out = before;
	else
		view_unref(&before);
	if (before_out && err)
		*before_out = NULL;
	return err;
}
