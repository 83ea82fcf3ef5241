/* Reading views: from nothing, or from a former version and the change log. */
#include "model/keys.h"
#include "model/limits.h"
#include "model/changelog.h"
#include "model/model_private.h"
#include "model/state.h"
#include "model/view.h"

#define UID_END ((uint64_t)UINT32_MAX + 1)

struct load {
	struct account *account;
	uint32_t mailbox;
	struct view *base;                            /* a former version, or NULL */
	struct view *view;                            /* out */
};

/* ---- pages of the former version, asked for by ascending starts ---- */

struct finder {
	struct view_cursor at;
};

static struct page *find_like(struct finder *f, uint32_t start)
{
	const struct view *v = f->at.v;
	if (!v)
		return NULL;
	while (f->at.sheet + 1 < v->n_slots && v->slot[f->at.sheet + 1].sheet->slot[0].page->start <= start)
		view_cursor_skip_sheet(&f->at);
	struct page *page = view_cursor_page(&f->at);
	while (page && page->start < start) {
		view_cursor_skip_page(&f->at);
		page = view_cursor_page(&f->at);
	}
	return page && page->start == start ? page : NULL;
}

/* ---- everything ---- */

static int read_all(struct store_read *r, uint32_t mailbox, const struct view *base, struct view_builder *b)
{
	struct finder finder = { { .v = base } };
	struct key from = key_page(mailbox, 0), to = key_pages_after(mailbox);
	struct store_iter *it;
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	struct str key, value;
	while ((rc = store_next(it, &key, &value)) == 1) {
		uint32_t id, start;
		struct page *page = NULL;
		rc = key_read_page(key, &id, &start) ? page_from_value(value, start, find_like(&finder, start), &page)
											 : ERR_CORRUPT;
		if (rc)
			break;
		if (page)
			view_builder_add_page(b, page);
		page_unref(page);
	}
	store_iter_end(&it);
	return rc;
}

/* ---- only what the log says was touched ---- */

/* The pages that are now stored in the span from..to-1 of starts, for those that the former version had there. */
struct patch {
	uint64_t from, to;
	size_t page, n_pages;                         /* in patches.pages */
};
struct patches {
	struct patch *v;
	size_t n, cap;
	struct page **pages;
	size_t n_pages, cap_pages;
};

static void patches_fini(struct patches *p)
{
	for (size_t i = 0; i < p->n_pages; i++)
		page_unref(p->pages[i]);
	free(p->pages);
	free(p->v);
}

static int patches_reserve(struct patches *p)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 8;
		struct patch *grown = reallocarray(p->v, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		p->v = grown;
		p->cap = cap;
	}
	if (p->n_pages == p->cap_pages) {
		size_t cap = p->cap_pages ? p->cap_pages * 2 : 8;
		struct page **grown = reallocarray(p->pages, cap, sizeof(struct page *));
		if (!grown)
			return ERR_NO_MEMORY;
		p->pages = grown;
		p->cap_pages = cap;
	}
	return 0;
}

/* Which UIDs of the mailbox the commits after `since` touched, up to `until`. ERR_CORRUPT: a record is damaged or missing. */
static int read_log(struct store_read *r, uint32_t mailbox, uint64_t since, uint64_t until, struct rangeset *touched)
{
	struct key from = key_log(since + 1), to = key_after(KEY_LOG);
	struct store_iter *it;
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	struct str key, value;
	uint64_t modseq;
	while ((rc = store_next(it, &key, &value)) == 1) {
		struct changelog_reader reader;
		struct changelog_section section;
		rc = key_read_u64(key, KEY_LOG, &modseq) && modseq == ++since ? changelog_open(value, &reader) : ERR_CORRUPT;
		while (!rc && (rc = changelog_next(&reader, &section)) == 1) {
			struct range range;
			rc = section.mailbox == mailbox ? 1 : 0;
			while (rc == 1 && (rc = changelog_range(&section, &range)) == 1)
				if (rangeset_add(touched, range.lo, range.hi))
					rc = ERR_NO_MEMORY;
		}
		if (rc)
			break;
	}
	store_iter_end(&it);
	return rc == 0 && since != until ? ERR_CORRUPT : rc;
}

/* Reads the pages that cover lo..hi; pages are never split (page.h), so what the former version had in the same span of
 * starts is exactly what they replace. */
static int read_span(struct store_read *r, const struct load *load, struct range range, struct finder *finder,
					 struct patches *p)
{
	int rc = patches_reserve(p);
	if (rc)
		return rc;
	struct key first = key_page(load->mailbox, 0), at = key_page(load->mailbox, range.lo), after = key_next(&at);
	struct str key, value;
	uint32_t id, start = 0;
	rc = source_find(source_read(r), key_str(&first), key_str(&after), true, &key, &value);
	if (rc < 0 || (rc == 1 && !key_read_page(key, &id, &start)))
		return rc < 0 ? rc : ERR_CORRUPT;
	struct patch *patch = &p->v[p->n];
	*patch = (struct patch){ .from = start, .to = UID_END, .page = p->n_pages };
	struct key from = key_page(load->mailbox, start), to = key_pages_after(load->mailbox);
	struct store_iter *it;
	rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	while ((rc = store_next(it, &key, &value)) == 1) {
		if (!key_read_page(key, &id, &start)) {
			rc = ERR_CORRUPT;
			break;
		}
		if (start > range.hi) {
			patch->to = start;
			rc = 0;
			break;
		}
		rc = patches_reserve(p);
		if (!rc)
			rc = page_from_value(value, start, find_like(finder, start), &p->pages[p->n_pages]);
		if (rc)
			break;
		if (p->pages[p->n_pages])
			p->n_pages++, patch->n_pages++;
	}
	store_iter_end(&it);
	if (!rc)
		p->n++;
	return rc;
}

static int read_patches(struct store_read *r, const struct load *load, const struct rangeset *touched,
						struct patches *p)
{
	struct finder finder = { { .v = load->base } };
	uint64_t done = 0;
	for (size_t i = 0; i < touched->n; i++) {
		struct range range = touched->v[i];
		if (range.hi < done)
			continue;
		if (range.lo < done)
			range.lo = (uint32_t)done;
		int rc = read_span(r, load, range, &finder, p);
		if (rc)
			return rc;
		done = p->v[p->n - 1].to;
	}
	return 0;
}

static void emit_below(struct view_builder *b, const struct patches *p, size_t *next, uint64_t limit)
{
	for (; *next < p->n && p->v[*next].from < limit; ++*next)
		for (size_t i = 0; i < p->v[*next].n_pages; i++)
			view_builder_add_page(b, p->pages[p->v[*next].page + i]);
}

static void apply(const struct view *base, const struct patches *p, struct view_builder *b)
{
	size_t next = 0;
	for (uint32_t i = 0; i < base->n_slots; i++) {
		struct sheet *sheet = base->slot[i].sheet;
		uint64_t lo = sheet->slot[0].page->start;
		uint64_t hi = i + 1 < base->n_slots ? base->slot[i + 1].sheet->slot[0].page->start : UID_END;
		emit_below(b, p, &next, lo);
		if ((next == p->n || p->v[next].from >= hi) && (next == 0 || p->v[next - 1].to <= lo)) {
			view_builder_add_sheet(b, sheet);
			continue;
		}
		for (uint32_t k = 0; k < sheet->n; k++) {
			struct page *page = sheet->slot[k].page;
			emit_below(b, p, &next, (uint64_t)page->start + 1);
			if (next == 0 || p->v[next - 1].to <= page->start)
				view_builder_add_page(b, page);
		}
	}
	emit_below(b, p, &next, UID_END);
}

static int replay(struct store_read *r, const struct load *load, uint64_t since, uint64_t until, struct view_builder *b)
{
	struct rangeset touched = RANGESET_INIT;
	struct patches patches = { .n = 0 };
	int rc = read_log(r, load->mailbox, since, until, &touched);
	if (!rc)
		rc = read_patches(r, load, &touched, &patches);
	if (!rc)
		apply(load->base, &patches, b);
	patches_fini(&patches);
	rangeset_fini(&touched);
	return rc;
}

/* ---- */

static void note_checked(struct view *v, uint64_t version, uint64_t account_modseq)
{
	/* In this order: who sees the version also sees a modseq that is not older than it ought to be. */
	atomic_store_explicit(&v->account_modseq, account_modseq, memory_order_relaxed);
	atomic_store_explicit(&v->checked, version, memory_order_release);
}

static int load_newest(struct store_read *r, void *arg)
{
	struct load *load = arg;
	load->view = NULL;
	struct state state;
	struct mailbox_record mailbox;
	int rc = state_load(source_read(r), &state);
	if (!rc)
		rc = mailbox_record_load(source_read(r), load->mailbox, &mailbox);
	if (!rc && mailbox.no_select)
		rc = ERR_NOT_FOUND;
	if (rc)
		return rc;
	/* What is cached may be of the INBOX of an earlier life of the account: it has the same id, but nothing in common. */
	if (load->base && load->base->uidvalidity != mailbox.uidvalidity)
		load->base = NULL;
	struct view *base = load->base;
	if (base && base->modseq == mailbox.modseq) {
		note_checked(base, store_version(r), state.modseq);
		load->view = view_ref(base);
		return 0;
	}
	struct view_builder b;
	view_builder_init(&b);
	uint64_t since = base ? atomic_load_explicit(&base->account_modseq, memory_order_relaxed) : 0;
	bool logged = base && since >= state.log_from && state.modseq - since <= VIEW_REPLAY_MAX;
	rc = logged ? replay(r, load, since, state.modseq, &b) : 0;
	/* A damaged log tells as little as one that was trimmed. */
	if (!logged || rc == ERR_CORRUPT) {
		view_builder_fini(&b);
		view_builder_init(&b);
		rc = read_all(r, load->mailbox, base, &b);
	}
	if (!rc)
		rc = view_builder_finish(&b, load->account->model->views, load->account->id, &mailbox, &load->view);
	view_builder_fini(&b);
	if (!rc)
		note_checked(load->view, store_version(r), state.modseq);
	return rc;
}

static bool is_newest(struct account *a, struct view *v)
{
	return atomic_load_explicit(&v->checked, memory_order_acquire) ==
		   store_scope_version(a->model->store, account_scope(a->id));
}

/* hint: a version that the caller holds, or NULL. */
static int newest(struct account *a, uint32_t mailbox, struct view *hint, struct view **out)
{
	*out = NULL;
	struct view_cache *cache = a->model->views;
	struct view *base = view_cache_get(cache, a->id, mailbox);
	if (base && is_newest(a, base)) {
		*out = base;
		return 0;
	}
	view_unref(&base);
	pthread_mutex_lock(&a->load_lock);
	base = view_cache_get(cache, a->id, mailbox);      /* perhaps another thread has just read it */
	int rc = 0;
	if (base && is_newest(a, base)) {
		*out = view_ref(base);
	} else {
		if (!base && hint && hint->cache)
			base = view_ref(hint);
		struct load load = { a, mailbox, base, NULL };
		rc = account_read(a->model, a->id, load_newest, &load);
		*out = load.view;
		if (!rc)
			view_cache_put(cache, load.view);
		else if (rc == ERR_NOT_FOUND)
			view_cache_drop(cache, a->id, mailbox);
	}
	pthread_mutex_unlock(&a->load_lock);
	view_unref(&base);
	return rc;
}

int view_open(struct account *a, uint32_t mailbox, struct view **out) { return newest(a, mailbox, NULL, out); }

int view_refresh(struct account *a, struct view *old, struct view **out)
{
	if (old->cache && is_newest(a, old)) {
		*out = view_ref(old);
		return 0;
	}
	return newest(a, old->mailbox, old, out);
}
