/* STORE and UID STORE: RFC 3501 6.4.6 and 6.4.8; UNCHANGEDSINCE: RFC 7162 3.1.3. */
#include "proto/imap/message_commands.h"

#include "codec/imap/store_args.h"
#include "proto/imap/fetch_items.h"
#include "proto/imap/message_limit.h"
#include "proto/imap/message_set.h"
#include "proto/imap/place.h"
#include "proto/imap/sync.h"

struct store {
	struct imap_request *r;
	struct imap_session *s;
	struct imap_store args;
	bool uid;
	struct rangeset numbers;         /* what the client named */
	struct rangeset own;             /* the same as UIDs, without those refused */
	struct rangeset refused;         /* UIDs, by UNCHANGEDSINCE */
	struct rangeset changed;         /* UIDs of own whose flags are others now */
	struct view *before;
	uint64_t mask;                   /* the flags of the command as bits of the mailbox */
	uint64_t kept;                   /* flags that the user may not change, likewise */
	bool missing;                    /* a message was expunged meanwhile */
};

/* RFC 4314 section 4: what the user may not change is left as it is. NO only when that is all of it: clients take NO badly. False: the reply is set. */
static bool permit_flags(struct store *st)
{
	uint32_t rights = st->s->selected.rights;
	uint64_t may = imap_rights_flags(rights);
	struct imap_flags *flags = &st->args.flags;
	bool words = rights & ACL_WRITE, asked = flags->system || flags->keyword_count;
	st->kept = ~may;
	if (words)
		st->kept &= MESSAGE_SYSTEM_FLAGS;
	flags->system &= may;
	if (!words)
		flags->keyword_count = 0;
	bool left = flags->system || flags->keyword_count || (!asked && (may || words));
	/* FLAGS (\Seen) without the right to \Seen, but with others, takes these away. */
	if (left || (st->args.op == IMAP_STORE_REPLACE && may))
		return true;
	imap_no(st->r, "[NOPERM] Not permitted to change these flags");
	return false;
}

static int change_flags(struct store *st)
{
	static const enum flags_op ops[] = {
		[IMAP_STORE_REPLACE] = FLAGS_REPLACE, [IMAP_STORE_ADD] = FLAGS_ADD, [IMAP_STORE_REMOVE] = FLAGS_REMOVE,
	};
	struct flags_change change = {
		.op = ops[st->args.op], .flags = st->args.flags.system,
		.keywords = st->args.flags.keyword, .n_keywords = st->args.flags.keyword_count, .kept = st->kept,
		.conditional = st->args.conditional, .unchanged_since = st->args.unchanged_since,
	};
	int err = imap_numbers_to_uids(st->s->selected.view, &st->numbers, &st->own);
	if (!err && st->own.n)
		err = mailbox_flags(st->s->selected.account, st->s->selected.mailbox, &st->own, &change, NULL, &st->refused, NULL);
	for (size_t i = 0; i < st->refused.n; i++)
		rangeset_remove(&st->own, st->refused.v[i].lo, st->refused.v[i].hi);
	return err;
}

static void find_mask(struct store *st)
{
	unsigned n;
	const struct str *keyword = view_keywords(st->s->selected.view, &n);
	st->mask = st->args.flags.system;
	for (unsigned i = 0; i < n; i++)
		for (size_t k = 0; k < st->args.flags.keyword_count; k++)
			if (keyword[i].n && str_ieq(keyword[i], st->args.flags.keyword[k]))
				st->mask |= UINT64_C(1) << (MESSAGE_KEYWORD_SHIFT + i);
}

/* ---- the FETCH responses ---- */

/* What the client takes the flags to be when it is told nothing. */
static uint64_t expected_flags(const struct store *st, uint32_t uid)
{
	bool known;
	uint32_t index = view_find(st->before, uid, &known);
	uint64_t flags = known ? view_at(st->before, index).flags : 0;
	switch (st->args.op) {
	case IMAP_STORE_ADD:
		return flags | st->mask;
	case IMAP_STORE_REMOVE:
		return flags & ~st->mask;
	case IMAP_STORE_REPLACE:
		break;
	}
	return st->mask | (flags & st->kept);
}

/* RFC 3501 6.4.6: .SILENT keeps back what the client can work out; what somebody else changed at the same time it cannot. RFC
 * 7162 3.1.3: the MODSEQ is told even then. 0: nothing to tell. */
static uint32_t items_for(const struct store *st, const struct message *m)
{
	if (!rangeset_has(&st->own, m->uid))
		return 0;
	bool changed = rangeset_has(&st->changed, m->uid);
	uint32_t items = 0;
	if (!st->args.silent || (changed && expected_flags(st, m->uid) != m->flags))
		items = IMAP_FETCH_FLAGS;
	if (items || changed || st->args.conditional)
		items |= imap_items_unasked(st->s);
	return items && st->uid && !imap_uidonly(st->s) ? items | IMAP_FETCH_UID : items;
}

static void write_responses(struct store *st)
{
	struct imap_message_walk walk;
	struct imap_items items;
	const struct message *m;
	imap_items_init(&items, st->s);
	imap_message_walk_init(&walk, st->s->selected.view, &st->numbers);
	if (st->r->limited_uid)
		imap_message_walk_down(&walk);
	while ((m = imap_message_walk_next(&walk))) {
		if (m->flags & MESSAGE_GHOST) {
			st->missing = true;
			continue;
		}
		uint32_t which = items_for(st, m);
		if (!which)
			continue;
		imap_items_response(&items, conn_out(st->r->conn), walk.number, which, m);
		if (conn_out_check(st->r->conn))
			return;
	}
}

/* ---- the tagged line ---- */

/* "[MODIFIED 7,9]": numbers, or UIDs for UID STORE. */
static struct str modified_code(struct store *st)
{
	struct rangeset numbers = RANGESET_INIT;
	struct buf b = BUF_INIT(0);
	int err = st->uid ? 0 : imap_uids_to_numbers(st->s->selected.view, &st->refused, &numbers);
	buf_add_lit(&b, "[MODIFIED ");
	rangeset_format(st->uid ? &st->refused : &numbers, &b);
	buf_add_char(&b, ']');
	struct str code = err || b.failed ? STR_NONE : arena_dup(st->r->arena, buf_str(&b));
	rangeset_fini(&numbers);
	buf_fini(&b);
	return code;
}

static enum imap_result answer(struct store *st)
{
	/* What is gone cannot be changed, and is told as expunged with the next command that may. RFC 2180 4.2 leaves OK and NO open: mail programs show
	 * a NO to their users as a failure, so OK with the code. A conditional STORE has its NO from RFC 7162 3.1.3. */
	bool gone = st->missing && !st->args.silent && !st->uid;
	if (st->refused.n && st->s->selected.view) {
		struct str code = modified_code(st);
		if (gone)
			return imap_no(st->r, "%.*s Some of the messages no longer exist", STR_ARG(code));
		return imap_ok(st->r, "%.*s Conditional STORE failed", STR_ARG(code));
	}
	if (gone)
		return imap_ok(st->r, "[EXPUNGEISSUED] Some of the messages no longer exist");
	return imap_ok(st->r, "%s completed", st->r->row->name);
}

static enum imap_result run(struct store *st)
{
	if (st->args.conditional)
		imap_enable_condstore(st->r);
	if (!permit_flags(st))
		return IMAP_REPLIED;
	int err = change_flags(st);
	if (!err)
		err = imap_sync_except(st->s, &st->own, &st->changed, &st->before);
	if (err)
		return imap_error(st->r, err, NULL);
	if (st->before) {
		find_mask(st);
		write_responses(st);
	}
	return answer(st);
}

static enum imap_result store(struct imap_request *r, bool uid)
{
	struct store st = { .r = r, .s = r->s, .uid = uid };
	struct imap_seqset set;
	enum imap_result result = IMAP_REPLIED;
	if (!imap_seqset(&r->args, &set) || !imap_sp(&r->args) || !imap_store_args(&r->args, &st.args))
		result = imap_bad_args(r);
	else if (imap_resolve_messages(r, &set, uid, &st.numbers)) {
		imap_message_limit_cut(r, &st.numbers);
		result = run(&st);
	}
	view_unref(&st.before);
	rangeset_fini(&st.numbers);
	rangeset_fini(&st.own);
	rangeset_fini(&st.refused);
	rangeset_fini(&st.changed);
	return result;
}

enum imap_result imap_cmd_store(struct imap_request *r) { return store(r, false); }
enum imap_result imap_cmd_uid_store(struct imap_request *r) { return store(r, true); }
