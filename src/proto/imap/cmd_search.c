/* SEARCH and UID SEARCH: RFC 3501 6.4.4 and 6.4.8; MODSEQ: RFC 7162 3.1.5. */
#include "proto/imap/message_commands.h"

#include "base/clock.h"
#include "codec/imap/search_key.h"
#include "proto/imap/search_match.h"
#include "proto/imap/search_program.h"
#include "proto/imap/sync.h"

/* A search of many messages looks now and then whether anybody still waits for it. */
#define LOOK_EVERY_MS 200
#define LOOK_EVERY_MESSAGES 1024

struct search {
	struct imap_request *r;
	struct imap_session *s;
	struct imap_search args;
	struct imap_test *root;
	bool uid;
	struct imap_matcher matcher;
	struct rangeset found;           /* numbers, or UIDs */
	uint64_t modseq;                 /* the highest of those found */
	uint64_t looked_ms;
	bool missing;                    /* a message was expunged meanwhile */
	int err;
};

static bool is_abandoned(struct search *x, uint32_t number)
{
	if (!imap_match_was_slow(&x->matcher) && number % LOOK_EVERY_MESSAGES)
		return false;
	uint64_t now = clock_mono_ms();
	if (now - x->looked_ms < LOOK_EVERY_MS)
		return false;
	x->looked_ms = now;
	return conn_peer_gone(x->r->conn);
}

static void find_all(struct search *x)
{
	struct view_iter it = view_iter_at(x->s->selected.view, 0);
	const struct message *m;
	while (!x->err && (m = view_iter_next(&it))) {
		if (is_abandoned(x, it.index)) {
			x->err = ERR_CLOSED;
			return;
		}
		/* RFC 2180 4.3. */
		if (m->flags & MESSAGE_GHOST) {
			x->missing = true;
			continue;
		}
		int matched = imap_match(&x->matcher, x->root, m, it.index);
		if (matched < 0) {
			x->err = matched;
		} else if (matched) {
			uint32_t v = x->uid ? m->uid : it.index;
			x->err = rangeset_add(&x->found, v, v);
			if (m->modseq > x->modseq)
				x->modseq = m->modseq;
		}
	}
}

static void write_found(struct search *x)
{
	struct buf *out = conn_out(x->r->conn);
	buf_add_lit(out, "* SEARCH");
	for (size_t i = 0; i < x->found.n; i++) {
		for (uint64_t v = x->found.v[i].lo; v <= x->found.v[i].hi; v++) {
			buf_add_char(out, ' ');
			buf_add_u64(out, v);
		}
		if (conn_out_check(x->r->conn))
			return;
	}
	/* RFC 7162 3.1.5. */
	if (x->args.has_modseq && x->found.n) {
		buf_add_lit(out, " (MODSEQ ");
		buf_add_u64(out, x->modseq);
		buf_add_char(out, ')');
	}
	buf_add_lit(out, "\r\n");
}

static enum imap_result run(struct search *x)
{
	struct imap_request *r = x->r;
	if (x->args.has_modseq)
		imap_enable_condstore(r);
	x->looked_ms = clock_mono_ms();
	find_all(x);
	if (x->err)
		return imap_error(r, x->err, NULL);
	write_found(x);
	/* RFC 5530 3. */
	if (x->missing && !x->uid)
		return imap_ok(r, "[EXPUNGEISSUED] %s completed", r->row->name);
	return imap_ok(r, "%s completed", r->row->name);
}

static enum imap_result search(struct imap_request *r, bool uid)
{
	struct search x = { .r = r, .s = r->s, .uid = uid, .matcher = IMAP_MATCHER_INIT(r->s) };
	int err = imap_search_args(&r->args, &x.args);
	if (err == ERR_UNSUPPORTED)
		return imap_no(r, "[BADCHARSET (US-ASCII UTF-8)] Unknown charset");
	if (err)
		return imap_bad_args(r);
	/* The client shall find what has come up to now, not up to its last command. */
	err = imap_sync(r->s, false);
	if (err)
		return imap_error(r, err, NULL);
	enum imap_result result = IMAP_REPLIED;
	if (imap_search_prepare(r, &x.args, &x.root))
		result = run(&x);
	imap_matcher_fini(&x.matcher);
	rangeset_fini(&x.found);
	return result;
}

enum imap_result imap_cmd_search(struct imap_request *r) { return search(r, false); }
enum imap_result imap_cmd_uid_search(struct imap_request *r) { return search(r, true); }
