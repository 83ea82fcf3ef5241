/* SEARCH and UID SEARCH: RFC 3501 6.4.4 and 6.4.8; RETURN: RFC 4731, RFC 5182, RFC 9394; MODSEQ: RFC 7162 3.1.5. */
#include "proto/imap/message_commands.h"

#include "codec/imap/search_key.h"
#include "proto/imap/context.h"
#include "proto/imap/esearch.h"
#include "proto/imap/search_command.h"
#include "proto/imap/sync.h"

static enum imap_result answer(struct imap_request *r, struct imap_esearch *e)
{
	/* RFC 9051 6.4.4: without RETURN, ALL is assumed. */
	static const struct imap_search_return all = { .options = IMAP_RETURN_ALL };
	if (!e->ret->given && imap_rev2(r->s))
		e->ret = &all;
	else if (!e->ret->given) {
		imap_search_write_plain(e, "SEARCH");
		return imap_search_completed(r, e);
	}
	enum imap_result result = IMAP_REPLIED;
	if (!imap_search_saved(r, e, &result))
		return result;
	if (e->ret->options & ~(unsigned)IMAP_RETURN_SAVE)
		imap_esearch_respond(e);
	return imap_search_completed(r, e);
}

static enum imap_result search(struct imap_request *r, bool uid)
{
	struct imap_search_return ret;
	struct imap_search args;
	struct imap_hits hits = IMAP_HITS_INIT;
	enum imap_result result = IMAP_REPLIED;
	if (!imap_search_return(&r->args, &ret))
		return imap_bad_args(r);
	struct str keys = str_make(r->args.p, (size_t)(r->args.end - r->args.p));
	if (ret.options & IMAP_RETURN_UPDATE && !imap_context_tag_is_new(r))
		return IMAP_REPLIED;
	if (imap_search_read(r, &ret, false, &args) && imap_search_selected_find(r, &ret, &args, imap_search_most(&ret), &hits)) {
		struct imap_esearch e = {
			.r = r, .view = r->s->selected.view, .uid = uid, .modseq = args.has_modseq, .mailbox_order = true, .ret = &ret, .hits = &hits,
		};
		result = answer(r, &e);
		if (ret.options & IMAP_RETURN_UPDATE)
			imap_context_begin(r, keys, false, uid, &hits);
	}
	imap_hits_fini(&hits);
	return result;
}

enum imap_result imap_cmd_search(struct imap_request *r) { return search(r, false); }
enum imap_result imap_cmd_uid_search(struct imap_request *r) { return search(r, true); }
