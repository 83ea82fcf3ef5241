#include "migrate/names.h"

#include "base/map.h"
#include "base/utf8.h"

#define USES (MAILBOX_USE_ARCHIVE | MAILBOX_USE_DRAFTS | MAILBOX_USE_JUNK | MAILBOX_USE_SENT | MAILBOX_USE_TRASH)

bool names_match(struct str pattern, struct str name)
{
	size_t p = 0, n = 0, star = STR_NPOS, again = 0;
	while (n < name.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			again = n;
		} else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == name.p[n])) {
			p++;
			n++;
		} else if (star != STR_NPOS) {
			p = star + 1;
			n = ++again;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

/* ---- names that are allowed ---- */

static bool is_bad(uint32_t c) { return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 || c == '%' || c == '*'; }

bool names_clean(struct str name, struct buf *out)
{
	bool changed = false;
	size_t start = out->n, level = out->n;
	unsigned depth = 1;
	for (size_t at = 0; at < name.n;) {
		uint32_t c = utf8_next(name, &at);
		if (c == MAILBOX_SEPARATOR && out->n == level) {      /* an empty level */
			buf_add_char(out, '_');
			changed = true;
		}
		if (c == MAILBOX_SEPARATOR && depth == MAILBOX_DEPTH_MAX) {
			c = '_';
			changed = true;
		}
		bool bad = is_bad(c);
		changed |= bad || c == 0xfffd;        /* what stood there is not known any more */
		if (out->n - start > MAILBOX_NAME_MAX - 16) {         /* room for what makes it the only one */
			changed = true;
			break;
		}
		utf8_add(out, bad ? '_' : c);
		if (c == MAILBOX_SEPARATOR) {
			depth++;
			level = out->n;
		}
	}
	if (out->n == level) {
		buf_add_char(out, '_');
		changed = true;
	}
	return changed;
}

/* ---- the plan ---- */

struct plan {
	const struct names_rules *rules;
	struct arena *arena;
	struct planned *v;
	size_t n;
	struct map *by_name;              /* of the source: planned * whose target is chosen and hands itself down to what is below */
	struct map *taken;                /* target -> planned * */
	const struct mailbox *ours;
	size_t n_ours;
};

static const char *reason(const struct names_rules *r, const struct source_folder *f, bool is_gmail)
{
	bool wanted = r->n_only == 0;
	for (size_t i = 0; i < r->n_only; i++)
		wanted |= names_match(r->only[i], f->name);
	if (f->no_select)
		return "";
	if (!wanted)
		return "not asked for (--only)";
	for (size_t i = 0; i < r->n_exclude; i++)
		if (names_match(r->exclude[i], f->name))
			return "excluded (--exclude)";
	if (f->foreign && r->n_only == 0)
		return "belongs to others or is shared (name it with --only)";
	if (is_gmail && (f->use & (MAILBOX_USE_FLAGGED | MAILBOX_USE_IMPORTANT)) && r->n_only == 0)
		return "shows only what lies in other folders";
	return NULL;
}

static struct str our_name(const struct plan *p, uint32_t use)
{
	for (size_t i = 0; i < p->n_ours; i++)
		if (p->ours[i].use & use)
			return p->ours[i].name;
	return STR_NONE;
}

/* The bin, where nothing can be put, when the name is its own or below it (model/bin.h). */
static const struct mailbox *bin_over(const struct plan *p, struct str name)
{
	for (size_t i = 0; i < p->n_ours; i++) {
		struct str bin = p->ours[i].name;
		if (p->ours[i].bin && str_starts(name, bin) && (name.n == bin.n || name.p[bin.n] == MAILBOX_SEPARATOR))
			return &p->ours[i];
	}
	return NULL;
}

static int give(struct plan *p, struct planned *one, struct str target)
{
	struct str canonical;
	int r = mailbox_name_check(p->arena, target, &canonical, NULL);
	if (r == 0 && bin_over(p, canonical))
		r = ERR_DENIED;
	if (r)
		return r;
	one->target = canonical;
	if (map_put(p->by_name, one->folder->name, one) || map_put(p->taken, canonical, one))
		return ERR_NO_MEMORY;
	return 0;
}

static int by_map(struct plan *p, struct err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; k < p->rules->n_map; k++) {
			if (p->v[i].target.n || !str_eq(p->rules->map[k].from, p->v[i].folder->name))
				continue;
			int r = give(p, &p->v[i], p->rules->map[k].to);
			if (r)
				return err_set(e, r, NULL, "--mailbox-map: '%.*s' is no name for a mailbox", STR_ARG(p->rules->map[k].to));
		}
	}
	return 0;
}

/* The last level of what stands at the top, or in Gmail's own folder. */
static struct str top_name(struct str name)
{
	static const struct str gmail[] = { STR_INIT("[Gmail]/"), STR_INIT("[Google Mail]/") };
	for (size_t i = 0; i < sizeof gmail / sizeof *gmail; i++)
		if (str_istarts(name, gmail[i]))
			name = str_from(name, gmail[i].n);
	return str_chr(name, MAILBOX_SEPARATOR) == STR_NPOS ? name : STR_NONE;
}

/* The folder that the server, or else its name, says is for that use. */
static struct planned *holder(struct plan *p, uint32_t use)
{
	struct planned *best = NULL;
	unsigned best_rank = UINT32_MAX, rank;
	for (size_t i = 0; i < p->n; i++)
		if ((p->v[i].folder->use & use) && !p->v[i].target.n && !p->v[i].folder->no_select && !p->v[i].folder->foreign)
			return &p->v[i];
	for (size_t i = 0; i < p->n; i++) {
		const struct source_folder *f = p->v[i].folder;
		if (p->v[i].target.n || f->use || f->no_select || f->foreign || names_known_use(top_name(f->name), &rank) != use || rank >= best_rank)
			continue;
		best = &p->v[i];
		best_rank = rank;
	}
	return best;
}

static int by_use(struct plan *p, bool has_emails)
{
	for (uint32_t use = 1; use <= MAILBOX_USE_TRASH; use <<= 1) {
		struct planned *one = use & USES ? holder(p, use) : NULL;
		if (!one)
			continue;
		one->use = use;
		struct str ours = our_name(p, use);
		int r = ours.n ? give(p, one, ours) : 0;
		if (r)
			return r;
	}
	for (size_t i = 0; i < p->n && has_emails; i++) {
		struct planned *one = &p->v[i];
		if (!(one->folder->use & MAILBOX_USE_ALL))
			continue;
		one->rest = true;
		struct str ours = our_name(p, MAILBOX_USE_ARCHIVE);
		int r = one->target.n ? 0 : give(p, one, ours.n ? ours : STR("Archive"));
		if (r)
			return r;
	}
	return 0;
}

/* The target of the nearest level above that has one which is not simply its name. */
static struct str below(const struct plan *p, struct str name, struct str *rest_out)
{
	for (size_t n = name.n; n > 0; n--) {
		const struct planned *above = name.p[n - 1] == MAILBOX_SEPARATOR ? map_get(p->by_name, str_sub(name, 0, n - 1)) : NULL;
		if (above && !above->rest) {
			*rest_out = str_from(name, n - 1);
			return above->target;
		}
	}
	*rest_out = STR_NONE;
	return STR_NONE;
}

/* So that two folders with odd names do not become one. */
static struct str only_one(const struct plan *p, const struct planned *one, struct str target)
{
	for (unsigned k = 2; one->renamed && map_get(p->taken, target) && k < 10000; k++) {
		struct str other = arena_printf(p->arena, "%.*s~%u", STR_ARG(target), k);
		if (!map_get(p->taken, other))
			return other;
	}
	return target;
}

static int by_name(struct plan *p, struct planned *one)
{
	struct buf b = BUF_INIT(0);
	struct str rest, canonical, above = below(p, one->folder->name, &rest);
	const struct mailbox *bin;
	bool inbox = str_eq(one->folder->name, STR("INBOX"));

	if (above.n) {
		struct str whole = arena_printf(p->arena, "%.*s%.*s", STR_ARG(above), STR_ARG(rest));
		one->renamed = names_clean(whole, &b);
	} else if (inbox) {
		buf_add_lit(&b, "INBOX");
	} else {
		one->renamed = names_clean(one->folder->name, &b);
	}
	one->renamed |= one->folder->altered;
	if (!b.failed && (bin = bin_over(p, buf_str(&b)))) {
		struct str beside = arena_printf(p->arena, "%.*s~2%.*s", STR_ARG(bin->name), STR_ARG(str_from(buf_str(&b), bin->name.n)));
		one->renamed = true;
		buf_reset(&b);
		buf_add_str(&b, beside);
	}
	int r = b.failed ? ERR_NO_MEMORY : mailbox_name_check(p->arena, only_one(p, one, buf_str(&b)), &canonical, NULL);
	if (r && r != ERR_NO_MEMORY) {
		one->renamed = true;
		canonical = only_one(p, one, STR("Imported"));
		r = 0;
	}
	one->target = arena_dup(p->arena, canonical);
	if (r == 0)
		r = one->target.p ? map_put(p->taken, one->target, one) : ERR_NO_MEMORY;
	buf_fini(&b);
	return r;
}

int names_plan(const struct names_rules *rules, bool has_emails, bool is_gmail, const struct source_folder *folders, size_t n, const struct mailbox *ours,
			   size_t n_ours, struct arena *a, struct planned **out, struct err *e)
{
	struct plan p = { .rules = rules, .arena = a, .ours = ours, .n_ours = n_ours };

	p.v = arena_array(a, n, sizeof *p.v);
	int r = p.v ? map_create(&p.by_name) : ERR_NO_MEMORY;
	if (r == 0)
		r = map_create(&p.taken);
	/* what must come last: \All, which wants to know what all others hold */
	for (int last = 0; r == 0 && last < 2; last++)
		for (size_t i = 0; i < n; i++)
			if ((has_emails && (folders[i].use & MAILBOX_USE_ALL)) == (last == 1))
				p.v[p.n++] = (struct planned){ .folder = &folders[i], .skip = reason(rules, &folders[i], is_gmail) };
	if (r == 0)
		r = by_map(&p, e);
	if (r == 0)
		r = by_use(&p, has_emails);
	for (size_t i = 0; r == 0 && i < p.n; i++)
		if (!p.v[i].target.n)
			r = by_name(&p, &p.v[i]);
	map_destroy(&p.by_name);
	map_destroy(&p.taken);
	*out = p.v;
	return r && e && !e->log[0] ? err_set(e, r, NULL, "names of folders: %s", err_text(r)) : r;
}
