#include "proto/imap/context.h"

#include "codec/imap/search_key.h"
#include "codec/imap/sort_args.h"
#include "proto/imap/esearch.h"
#include "proto/imap/limits.h"
#include "proto/imap/search_command.h"
#include "proto/imap/sort.h"

struct context {
	struct arena arena;              /* of all below but hits */
	struct str tag;
	bool sort, uid;
	struct imap_sort by;
	struct imap_search search;
	struct imap_hits hits;           /* what the client knows: UIDs in order; numbers are of the view of the moment */
};
struct imap_contexts {
	size_t n;
	struct context *v[IMAP_CONTEXTS_MAX];
};

static void destroy(struct context *c)
{
	imap_hits_fini(&c->hits);
	arena_fini(&c->arena);
	free(c);
}

void imap_contexts_end(struct imap_session *s)
{
	for (size_t i = 0; s->contexts && i < s->contexts->n; i++)
		destroy(s->contexts->v[i]);
	free(s->contexts);
	s->contexts = NULL;
}

static void drop(struct imap_session *s, size_t at)
{
	struct imap_contexts *all = s->contexts;
	destroy(all->v[at]);
	memmove(&all->v[at], &all->v[at + 1], (--all->n - at) * sizeof(all->v[0]));        // NOLINT(bugprone-sizeof-expression): pointers are what it holds
	if (all->n == 0)
		imap_contexts_end(s);
}

static size_t find(const struct imap_session *s, struct str tag)
{
	for (size_t i = 0; s->contexts && i < s->contexts->n; i++)
		if (str_eq(s->contexts->v[i]->tag, tag))
			return i;
	return SIZE_MAX;
}

bool imap_context_tag_is_new(struct imap_request *r)
{
	if (find(r->s, r->tag) == SIZE_MAX)
		return true;
	imap_bad(r, "That tag has a search that is kept up to date");
	return false;
}

bool imap_context_cancel(struct imap_session *s, struct str tag)
{
	size_t at = find(s, tag);
	if (at == SIZE_MAX)
		return false;
	drop(s, at);
	return true;
}

/* ---- making one ---- */

/* "$" is message numbers of the moment too. */
static bool has_saved(const struct imap_search_key *key)
{
	for (; key; key = key->next)
		if (((key->kind == IMAP_SEARCH_SEQSET || key->kind == IMAP_SEARCH_UIDSET) && key->set.saved) || has_saved(key->child))
			return true;
	return false;
}

/* Reads the arguments again, which were right a moment ago, into memory that stays. */
static bool read_again(struct imap_request *r, struct str args, struct context *c)
{
	static const struct imap_search_return none = { .given = true };
	struct imap_request again = { .s = r->s, .conn = r->conn, .row = r->row, .arena = &c->arena };
	struct str kept = arena_dup(&c->arena, args);
	c->tag = arena_dup(&c->arena, r->tag);
	if (!kept.p || !c->tag.p)
		return false;
	imap_cursor_init(&again.args, kept, &c->arena, imap_utf8(r->s));
	return (!c->sort || (imap_sort_args(&again.args, &c->by) && imap_sp(&again.args))) && imap_search_read(&again, &none, c->sort, &c->search);
}

static size_t results(const struct imap_session *s)
{
	size_t n = 0;
	for (size_t i = 0; s->contexts && i < s->contexts->n; i++)
		n += s->contexts->v[i]->hits.n;
	return n;
}

/* NULL, or why it cannot be kept up to date. */
static const char *refuse(struct imap_request *r, const struct context *c, const struct imap_hits *hits)
{
	const struct imap_session *s = r->s;
	if (s->contexts && s->contexts->n == IMAP_CONTEXTS_MAX)
		return "Too many contexts";
	if (hits->limited_uid || results(s) + hits->n > IMAP_CONTEXT_RESULTS_MAX)
		return "Too many results";
	if (imap_search_has_numbers(&c->search) || has_saved(c->search.root))
		return "Message numbers are those of the moment";
	if (c->search.has_fuzzy)
		return "FUZZY is of the moment";
	return NULL;
}

static int copy_hits(const struct imap_hits *from, struct imap_hits *to)
{
	int err = 0;
	for (size_t i = 0; !err && i < from->n; i++)
		err = imap_hits_add(to, from->v[i].number, from->v[i].uid);
	return err;
}

static const char *keep(struct imap_request *r, struct context *c, struct str args, const struct imap_hits *hits)
{
	struct imap_session *s = r->s;
	if (!read_again(r, args, c))
		return "It is too long";
	const char *why = refuse(r, c, hits);
	if (why)
		return why;
	if (!s->contexts)
		s->contexts = calloc(1, sizeof(*s->contexts));
	if (!s->contexts || copy_hits(hits, &c->hits))
		return "Out of memory";
	s->contexts->v[s->contexts->n++] = c;
	return NULL;
}

/* A tag has no character that would need quoting (RFC 3501 9). */
static void write_refusal(struct conn *conn, struct str tag, const char *why)
{
	conn_printf(conn, "* NO [NOUPDATE \"%.*s\"] %s\r\n", STR_ARG(tag), why);
}

void imap_context_begin(struct imap_request *r, struct str args, bool sort, bool uid, const struct imap_hits *hits)
{
	struct context *c = calloc(1, sizeof(*c));
	const char *why = "Out of memory";
	if (c) {
		arena_init(&c->arena, IMAP_CONTEXT_BYTES_MAX);
		c->hits = (struct imap_hits)IMAP_HITS_INIT;
		c->sort = sort;
		c->uid = uid;
		why = keep(r, c, args, hits);
	}
	if (!why)
		return;
	write_refusal(r->conn, r->tag, why);
	if (c)
		destroy(c);
	if (r->s->contexts && r->s->contexts->n == 0)
		imap_contexts_end(r->s);
}

/* ---- telling ---- */

/* One response with pairs of position and set, begun when there is a first pair. */
struct pairs {
	struct conn *conn;
	const struct context *c;
	const char *item;
	unsigned n;
};

static void write_pair(struct pairs *p, size_t position, const struct imap_hit *v, size_t n)
{
	struct buf *out = conn_out(p->conn);
	if (p->n++ == 0)
		buf_printf(out, "* ESEARCH (TAG \"%.*s\")%s %s (", STR_ARG(p->c->tag), p->c->uid ? " UID" : "", p->item);
	else
		buf_add_char(out, ' ');
	buf_add_u64(out, position);
	buf_add_char(out, ' ');
	imap_write_hits(p->conn, v, n, p->c->uid);
}

static void end_pairs(struct pairs *p)
{
	if (p->n)
		conn_write_lit(p->conn, ")\r\n");
}

/* Those of `in` that are (not) marked: in mailbox order with position 0 for SEARCH (4.3.3, 4.3.4), run by run for SORT. */
static void tell(struct imap_session *s, const struct context *c, const char *item, const struct imap_hits *in, const bool *marked)
{
	struct pairs p = { s->conn, c, item, 0 };
	struct imap_hits all = IMAP_HITS_INIT;
	bool adding = item[0] == 'A';
	if (!c->sort) {
		for (size_t i = 0; i < in->n; i++)
			if (marked[i] && imap_hits_add(&all, in->v[i].number, in->v[i].uid))
				break;
		if (all.n)
			write_pair(&p, 0, all.v, all.n);
		imap_hits_fini(&all);
	} else if (adding) {
		/* Upwards: what is put in stands where it will stay. */
		for (size_t i = 0, n; i < in->n; i += n) {
			for (n = 0; i + n < in->n && marked[i + n]; n++)
				;
			if (n)
				write_pair(&p, i + 1, in->v + i, n);
			n += n == 0;
		}
	} else {
		/* Downwards: what is taken out moves nothing that comes later. */
		for (size_t end = in->n, n; end > 0; end -= n) {
			for (n = 0; n < end && marked[end - 1 - n]; n++)
				;
			if (n)
				write_pair(&p, end - n + 1, in->v + end - n, n);
			n += n == 0;
		}
	}
	end_pairs(&p);
}

static void take_out(struct imap_hits *hits, const bool *marked)
{
	size_t n = 0;
	for (size_t i = 0; i < hits->n; i++)
		if (!marked[i])
			hits->v[n++] = hits->v[i];
	hits->n = n;
}

/* The numbers that the client knows them by; those it does not know (any more) stay as they are. */
static void number(const struct view *v, struct imap_hits *hits)
{
	for (size_t i = 0; i < hits->n; i++) {
		bool exact;
		uint32_t index = view_find(v, hits->v[i].uid, &exact);
		if (exact)
			hits->v[i].number = index + 1;
	}
}

void imap_contexts_removed(struct imap_session *s, const struct view *before, const struct rangeset *uids)
{
	for (size_t k = 0; s->contexts && uids->n && k < s->contexts->n; k++) {
		struct context *c = s->contexts->v[k];
		bool *gone = calloc(c->hits.n + 1, sizeof(*gone));
		if (!gone)
			continue;            /* the search that follows finds out, and the client knows that they are gone */
		if (!c->uid)
			number(before, &c->hits);
		for (size_t i = 0; i < c->hits.n; i++)
			gone[i] = rangeset_has(uids, c->hits.v[i].uid);
		tell(s, c, "REMOVEFROM", &c->hits, gone);
		take_out(&c->hits, gone);
		free(gone);
	}
}

static int run(struct imap_session *s, const struct context *c, struct imap_hits *out)
{
	struct arena arena;
	struct imap_test *root;
	arena_init(&arena, IMAP_ARENA_MAX);
	struct imap_request r = { .s = s, .conn = s->conn, .arena = &arena };
	struct imap_search_scope scope = imap_search_selected(s);
	scope.limit = 0;
	int err = imap_search_prepare(&arena, &scope, &c->search, &root);
	if (!err)
		err = imap_search_run(s->conn, &scope, root, 0, out);
	if (!err && c->sort)
		err = imap_sort_hits(&r, &scope, &c->by, out);
	arena_fini(&arena);
	return err;
}

static int set_of(const struct imap_hits *hits, struct rangeset *out)
{
	int err = 0;
	for (size_t i = 0; !err && i < hits->n; i++)
		err = rangeset_add(out, hits->v[i].uid, hits->v[i].uid);
	return err;
}

/* Marks those of hits that are not in the set. */
static bool *mark_missing(const struct imap_hits *hits, const struct rangeset *set)
{
	bool *marked = calloc(hits->n + 1, sizeof(*marked));
	for (size_t i = 0; marked && i < hits->n; i++)
		marked[i] = !rangeset_has(set, hits->v[i].uid);
	return marked;
}

/* From what the client knows to `now`, which becomes the context's. What stays keeps its order: no key of SORT ever changes. */
static int compare(struct imap_session *s, struct context *c, struct imap_hits *now)
{
	struct rangeset old_set = RANGESET_INIT, new_set = RANGESET_INIT;
	int err = set_of(&c->hits, &old_set);
	if (!err)
		err = set_of(now, &new_set);
	bool *gone = err ? NULL : mark_missing(&c->hits, &new_set), *come = err ? NULL : mark_missing(now, &old_set);
	if (gone && come) {
		if (!c->uid)
			number(s->selected.view, &c->hits);
		tell(s, c, "REMOVEFROM", &c->hits, gone);
		tell(s, c, "ADDTO", now, come);
		imap_hits_fini(&c->hits);
		c->hits = *now;
		*now = (struct imap_hits)IMAP_HITS_INIT;
	} else {
		err = ERR_NO_MEMORY;
	}
	free(gone);
	free(come);
	rangeset_fini(&old_set);
	rangeset_fini(&new_set);
	return err;
}

int imap_contexts_changed(struct imap_session *s)
{
	int err = 0;
	for (size_t k = 0; !err && s->contexts && s->selected.view && k < s->contexts->n; k++) {
		struct context *c = s->contexts->v[k];
		struct imap_hits now = IMAP_HITS_INIT;
		err = run(s, c, &now);
		if (!err)
			err = compare(s, c, &now);
		imap_hits_fini(&now);
		if (!err && results(s) > IMAP_CONTEXT_RESULTS_MAX) {
			write_refusal(s->conn, c->tag, "Too many results");
			drop(s, k--);
		}
	}
	return err;
}
