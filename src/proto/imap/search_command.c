#include "proto/imap/search_command.h"

#include "model/annotation.h"
#include "proto/imap/sync.h"

/* RFC 5182 2.1: NO empties "$", BAD does not. */
static bool refused(struct imap_request *r, const struct imap_search_return *ret)
{
	if (ret->options & IMAP_RETURN_SAVE && str_starts(r->reply, STR("NO")))
		rangeset_fini(&r->s->saved);
	return false;
}

/* RFC 5466 3.1: the user's own value, else the shared one. They are annotations of the server (metadata.h). */
static int find_filter(void *arg, struct str name, struct str *value_out)
{
	struct imap_request *r = arg;
	struct annotation *own, *shared;
	size_t n_own, n_shared;
	int err = annotation_list(r->s->account, 0, account_id(r->s->account), r->arena, &own, &n_own);
	if (!err)
		err = model_annotation_list(services_model(r->s->services), r->arena, &shared, &n_shared);
	if (err)
		return err;
	struct str entry = arena_printf(r->arena, "/private/filters/values/%.*s", STR_ARG(name));
	for (size_t i = 0; i < n_own; i++)
		if (str_ieq(own[i].name, entry)) {
			*value_out = own[i].value;
			return 0;
		}
	entry = arena_printf(r->arena, "/shared/filters/values/%.*s", STR_ARG(name));
	for (size_t i = 0; i < n_shared; i++)
		if (str_ieq(shared[i].name, entry)) {
			*value_out = shared[i].value;
			return 0;
		}
	return entry.p ? ERR_NOT_FOUND : ERR_NO_MEMORY;
}

bool imap_search_read(struct imap_request *r, const struct imap_search_return *ret, bool criteria, struct imap_search *out)
{
	const struct imap_search_filters filters = { find_filter, r };
	int err = imap_search_filtered(&r->args, criteria, &filters, out);
	bool numbers = !err && imap_search_has_numbers(out);
	if (numbers)
		r->numbers_used = true;              /* RFC 7162 3.2.10.2: no VANISHED then, though it be UID SEARCH */
	if (numbers && imap_uidonly(r->s))
		imap_bad(r, "[UIDREQUIRED] Message numbers were given up by ENABLE UIDONLY");
	else if (!err && ret->options & IMAP_RETURN_RELEVANCY && !out->has_fuzzy)
		imap_bad(r, "RELEVANCY goes with a FUZZY key only");          /* RFC 6203 4 */
	else if (!err)
		return true;
	else if (err == ERR_UNSUPPORTED)
		imap_no(r, "[BADCHARSET (US-ASCII UTF-8)] Unknown charset");
	else if (err == ERR_NOT_FOUND)
		imap_no(r, "[UNDEFINED-FILTER %.*s] There is no such filter", STR_ARG(out->filter));
	else if (err == ERR_DENIED)
		imap_bad(r, "[BADCHARSET (US-ASCII UTF-8)] FILTER goes with UTF-8");
	else if (err == ERR_INVALID || err == ERR_NO_MEMORY)
		imap_bad_args(r);
	else
		imap_error(r, err, NULL);
	return refused(r, ret);
}

size_t imap_search_most(const struct imap_search_return *ret)
{
	return ret->given && !(ret->options & ~(unsigned)(IMAP_RETURN_MIN | IMAP_RETURN_SAVE)) && ret->options & IMAP_RETURN_MIN;
}

enum imap_result imap_search_failed(struct imap_request *r, const struct imap_search_return *ret, int err)
{
	imap_error(r, err, NULL);
	refused(r, ret);
	return IMAP_REPLIED;
}

/* RFC 9738: SEARCH tells what it did not look at; of SORT and THREAD a part would be wrong (3.3). False: the reply is set. */
static bool limited(struct imap_request *r, const struct imap_search_return *ret, const struct imap_hits *hits)
{
	if (!hits->limited_uid || str_ends(str_from_c(r->row->name), STR("SEARCH"))) {
		r->limited_uid = hits->limited_uid;
		return true;
	}
	imap_no(r, "[MESSAGELIMIT %u] Too many messages for one command", r->s->config->imap_message_limit);
	return refused(r, ret);
}

bool imap_search_selected_find(struct imap_request *r, const struct imap_search_return *ret, const struct imap_search *search,
							   size_t most, struct imap_hits *out)
{
	struct imap_test *root;
	if (search->has_modseq)
		imap_enable_condstore(r);
	/* The client shall find what has come up to now, not up to its last command. */
	int err = imap_sync(r->s, false);
	struct imap_search_scope scope = imap_search_selected(r->s);
	scope.request = r;
	if (!err && !scope.view)
		err = ERR_NOT_FOUND;
	if (!err)
		err = imap_search_prepare(r->arena, &scope, search, &root);
	if (!err)
		err = imap_search_run(r->conn, &scope, root, most, out);
	if (err)
		imap_search_failed(r, ret, err);
	return err == 0 && limited(r, ret, out);
}

bool imap_search_saved(struct imap_request *r, const struct imap_esearch *e, enum imap_result *result_out)
{
	if (!(e->ret->options & IMAP_RETURN_SAVE))
		return true;
	int err = imap_esearch_save(e);
	if (err == ERR_TOO_BIG)
		*result_out = imap_no(r, "[NOTSAVED] Too much to save");
	else if (err)
		*result_out = imap_error(r, err, NULL);
	return err == 0;
}

void imap_search_write_plain(const struct imap_esearch *e, const char *name)
{
	struct imap_request *r = e->r;
	struct buf *out = conn_out(r->conn);
	uint64_t modseq = 0;
	buf_printf(out, "* %s", name);
	for (size_t i = 0; i < e->hits->n; i++) {
		buf_add_char(out, ' ');
		buf_add_u64(out, e->uid ? e->hits->v[i].uid : e->hits->v[i].number);
		if (conn_out_check(r->conn))
			return;
		if (!e->modseq)
			continue;
		uint64_t m = view_at(e->view, e->hits->v[i].number - 1).modseq;
		modseq = m > modseq ? m : modseq;
	}
	/* RFC 7162 3.1.5 and section 7, for SORT too. */
	if (modseq) {
		buf_add_lit(out, " (MODSEQ ");
		buf_add_u64(out, modseq);
		buf_add_char(out, ')');
	}
	buf_add_lit(out, "\r\n");
}

enum imap_result imap_search_completed(struct imap_request *r, const struct imap_esearch *e)
{
	/* RFC 5530 3. */
	if (e->hits->missing && !e->uid)
		return imap_ok(r, "[EXPUNGEISSUED] %s completed", r->row->name);
	return imap_ok(r, "%s completed", r->row->name);
}
