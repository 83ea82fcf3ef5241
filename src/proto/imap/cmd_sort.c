/* SORT and UID SORT: RFC 5256 BASE.6.4.SORT, RFC 5957 (DISPLAYFROM, DISPLAYTO), RFC 5267 section 3 (RETURN), RFC 6203 section 6 (RELEVANCY). */
#include "proto/imap/message_commands.h"

#include "codec/imap/search_key.h"
#include "proto/imap/context.h"
#include "proto/imap/search_command.h"
#include "proto/imap/sort.h"

static enum imap_result sorted(struct imap_request *r, const struct imap_sort *sort, struct imap_esearch *e, struct imap_hits *hits)
{
	struct imap_search_scope scope = imap_search_selected(r->s);
	scope.request = r;
	enum imap_result result = IMAP_REPLIED;
	int err = imap_sort_hits(r, &scope, sort, hits);
	if (err)
		return imap_search_failed(r, e->ret, err);
	if (!e->ret->given)
		imap_search_write_plain(e, "SORT");
	else if (!imap_search_saved(r, e, &result))
		return result;
	else if (e->ret->options & ~(unsigned)IMAP_RETURN_SAVE)
		imap_esearch_respond(e);
	return imap_search_completed(r, e);
}

static enum imap_result sort(struct imap_request *r, bool uid)
{
	struct imap_search_return ret;
	struct imap_sort by;
	struct imap_search args;
	struct imap_hits hits = IMAP_HITS_INIT;
	enum imap_result result = IMAP_REPLIED;
	if (!imap_search_return(&r->args, &ret))
		return imap_bad_args(r);
	struct str keys = str_make(r->args.p, (size_t)(r->args.end - r->args.p));
	if (!imap_sort_args(&r->args, &by) || !imap_sp(&r->args))
		return imap_bad_args(r);
	if (ret.options & IMAP_RETURN_UPDATE && !imap_context_tag_is_new(r))
		return IMAP_REPLIED;
	bool read = imap_search_read(r, &ret, true, &args);
	/* RFC 6203 6. */
	if (read && imap_sort_has(&by, IMAP_SORT_RELEVANCY) && !args.has_fuzzy)
		return imap_bad(r, "RELEVANCY goes with a FUZZY key only");
	if (read && imap_search_selected_find(r, &ret, &args, 0, &hits)) {
		struct imap_esearch e = { .r = r, .view = r->s->selected.view, .uid = uid, .modseq = args.has_modseq, .ret = &ret, .hits = &hits };
		result = sorted(r, &by, &e, &hits);
		if (ret.options & IMAP_RETURN_UPDATE)
			imap_context_begin(r, keys, true, uid, &hits);
	}
	imap_hits_fini(&hits);
	return result;
}

enum imap_result imap_cmd_sort(struct imap_request *r) { return sort(r, false); }
enum imap_result imap_cmd_uid_sort(struct imap_request *r) { return sort(r, true); }
