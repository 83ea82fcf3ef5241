/* Looking into the bin. */
#include "model/bin.h"

#include "base/buf.h"
#include "model/keys.h"
#include "model/mailbox_record.h"
#include "model/model_private.h"
#include "model/origin.h"
#include "model/state.h"
#include "model/tomb.h"

struct find {
	struct mailbox_record mailbox;                /* out */
};

static int read_bin(struct store_read *r, void *arg)
{
	struct find *find = arg;
	struct state state;
	int rc = state_load(source_read(r), &state);
	if (!rc && !state.bin)
		rc = ERR_NOT_FOUND;
	return rc ? rc : mailbox_record_load(source_read(r), state.bin, &find->mailbox);
}

int bin_find(struct account *a, struct arena *arena, struct mailbox *out)
{
	struct find find;
	int rc = account_read(a->model, a->id, read_bin, &find);
	return rc ? rc : mailbox_record_show(&find.mailbox, arena, out);
}

/* ---- deleted mailboxes ---- */

/* What is nobody else's concern. */
struct tomb_more {
	uint32_t restored, from;                      /* tomb.h */
};

struct tombs {
	struct arena *arena;
	struct buf v;                                 /* struct bin_mailbox each */
	struct buf more;                              /* struct tomb_more each */
};

static int add_tomb(struct tombs *tombs, const struct tomb *t)
{
	struct bin_mailbox m = { .id = t->mailbox, .name = arena_dup(tombs->arena, tomb_name(t)), .use = t->use, .deleted = t->deleted,
							 .subscribed = t->subscribed, .restored = t->restored != 0 };
	buf_add(&tombs->v, &m, sizeof(m));
	struct tomb_more more = { t->restored, t->from };
	buf_add(&tombs->more, &more, sizeof(more));
	return !m.name.p || tombs->v.failed || tombs->more.failed ? ERR_NO_MEMORY : 0;
}

/* One that is damaged is left out. */
static int read_tombs(struct store_read *r, void *arg)
{
	struct tombs *tombs = arg;
	struct tomb t = { .mailbox = 0 };
	buf_reset(&tombs->v);
	buf_reset(&tombs->more);
	int rc;
	while ((rc = tomb_next(source_read(r), t.mailbox, &t)) == 1 || (rc == ERR_CORRUPT && t.mailbox))
		if (rc == 1 && (rc = add_tomb(tombs, &t)) != 0)
			return rc;
	return rc;
}

int bin_mailboxes(struct account *a, struct arena *arena, struct bin_mailbox **out, size_t *n_out)
{
	struct tombs tombs = { .arena = arena, .v = BUF_INIT(0), .more = BUF_INIT(0) };
	int rc = account_read(a->model, a->id, read_tombs, &tombs);
	size_t n = tombs.v.n / sizeof(**out);
	*out = rc ? NULL : arena_array(arena, n + 1, sizeof(**out));
	if (!rc && !*out)
		rc = ERR_NO_MEMORY;
	if (!rc && n)
		memcpy(*out, tombs.v.p, tombs.v.n);
	*n_out = rc ? 0 : n;
	buf_fini(&tombs.v);
	buf_fini(&tombs.more);
	return rc;
}

/* ---- messages ---- */

struct named {
	uint32_t id;
	bool selectable;
	struct str name;
};

struct visit {
	struct arena arena;
	struct buf origins;                           /* struct origin each, ascending */
	struct buf live;                              /* struct named each, ascending */
	struct tombs tombs;
};

static int read_origins(struct store_read *r, struct visit *v)
{
	struct origin_page page;
	uint32_t start;
	uint64_t from = 0;
	int rc = 0;
	buf_reset(&v->origins);
	while (from <= UINT32_MAX && (rc = origin_next(source_read(r), (uint32_t)from, &start, &page)) != 0) {
		if (rc == 1)
			buf_add(&v->origins, page.v, page.count * sizeof(*page.v));
		else if (rc != ERR_CORRUPT || !start)
			return rc;
		from = (uint64_t)start + 1;
	}
	return v->origins.failed ? ERR_NO_MEMORY : 0;
}

static int read_live(struct store_read *r, struct visit *v)
{
	struct key from = key_first(KEY_MAILBOX), to = key_after(KEY_MAILBOX);
	struct store_iter *it;
	buf_reset(&v->live);
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	struct str key, value;
	while ((rc = store_next(it, &key, &value)) == 1) {
		struct mailbox_record m;
		uint32_t id;
		if (!key_read_u32(key, KEY_MAILBOX, &id) || mailbox_record_decode(value, id, &m))
			continue;
		struct named named = { id, !m.no_select && !m.bin, arena_dup(&v->arena, mailbox_record_name(&m)) };
		buf_add(&v->live, &named, sizeof(named));
		if (!named.name.p || v->live.failed) {
			rc = ERR_NO_MEMORY;
			break;
		}
	}
	store_iter_end(&it);
	return rc;
}

static int read_all(struct store_read *r, void *arg)
{
	struct visit *v = arg;
	arena_reset(&v->arena);
	int rc = read_origins(r, v);
	if (!rc)
		rc = read_live(r, v);
	return rc ? rc : read_tombs(r, &v->tombs);
}

static int compare_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* Both structs begin with the id. */
static const void *find_id(const struct buf *b, size_t size, uint32_t id)
{
	return b->n ? bsearch(&id, b->p, b->n / size, size, compare_id) : NULL;
}

static const struct named *find_live(const struct visit *v, uint32_t id)
{
	const struct named *named = find_id(&v->live, sizeof(*named), id);
	return named && named->selectable ? named : NULL;
}

static void describe(const struct visit *v, struct bin_item *item)
{
	const struct bin_mailbox *tomb = find_id(&v->tombs.v, sizeof(*tomb), item->mailbox);
	const struct named *live = find_live(v, item->mailbox);
	struct tomb_more more = { 0, 0 };
	if (tomb)
		more = ((const struct tomb_more *)(const void *)v->tombs.more.p)[tomb - (const struct bin_mailbox *)(const void *)v->tombs.v.p];
	if (!live && more.restored)
		live = find_live(v, more.restored);
	item->name = live ? live->name : tomb ? tomb->name : STR_NONE;
	item->gone = !live && tomb;
	item->with_it = tomb && item->message->uid >= more.from;
}

static int tell(struct visit *v, struct view *view, bin_visit_fn *fn, void *arg)
{
	const struct origin *origin = (const struct origin *)(const void *)v->origins.p, *end = origin + v->origins.n / sizeof(*origin);
	struct view_iter it = view_iter_at(view, 0);
	for (const struct message *m; (m = view_iter_next(&it));) {
		while (origin < end && origin->at < m->uid)
			origin++;
		struct bin_item item = { .message = m };
		if (origin < end && origin->at == m->uid) {
			item.mailbox = origin->mailbox;
			item.uid = origin->uid;
			describe(v, &item);
		}
		int rc = fn(arg, &item);
		if (rc)
			return rc;
	}
	return 0;
}

int bin_visit(struct account *a, bin_visit_fn *fn, void *arg)
{
	struct visit v = { .origins = BUF_INIT(0), .live = BUF_INIT(0), .tombs = { .v = BUF_INIT(0), .more = BUF_INIT(0) } };
	struct find find;
	struct view *view;
	arena_init(&v.arena, 0);
	v.tombs.arena = &v.arena;
	int rc = account_read(a->model, a->id, read_bin, &find);
	if (!rc)
		rc = account_read(a->model, a->id, read_all, &v);
	if (!rc)
		rc = view_open(a, find.mailbox.id, &view);
	if (!rc) {
		rc = tell(&v, view, fn, arg);
		view_unref(&view);
	}
	buf_fini(&v.origins);
	buf_fini(&v.live);
	buf_fini(&v.tombs.v);
	buf_fini(&v.tombs.more);
	arena_fini(&v.arena);
	return rc;
}
