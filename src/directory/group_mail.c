/* Groups as mail meets them: who may write, and whose mail comes back. */
#include "directory/group_inside.h"

#include "base/utf8.h"

#define DAY 86400

/* ---- who may write ---- */

struct question {
	struct name group, sender, user;     /* the last two may be empty */
	bool has_sender, has_user;
};

/* An address of the list, or a domain of it. */
static int list_has(struct text_list l, const struct name *n)
{
	struct str text;
	int code;
	while ((code = text_list_next(&l, &text)) == 1)
		if (str_eq(text, name_str(n)) || (text.p[0] == '@' && str_eq(str_from(text, 1), name_domain(n))))
			return 1;
	return code;
}

static int is_member(struct store_read *r, uint64_t id, const struct name *n)
{
	struct group_chunk_entry e;
	int code = group_member_find(r, id, name_str(n), &e);
	return code == ERR_NOT_FOUND ? 0 : code ? code : 1;
}

/* 1, 0, or an error. */
static int may_by_policy(struct store_read *r, const struct question *q, const struct group_record *g)
{
	int may = 0;
	switch (g->post) {
	case GROUP_POST_ANYONE:
		return 1;
	case GROUP_POST_AUTHENTICATED:
		return q->has_user;
	case GROUP_POST_LOCAL:
		return q->has_user && str_eq(name_domain(&q->user), name_domain(&q->group));
	case GROUP_POST_MEMBERS:
		may = is_member(r, g->id, &q->sender);
		return may == 0 && q->has_user ? is_member(r, g->id, &q->user) : may;
	case GROUP_POST_OWNERS:
	case GROUP_POST_LISTED:
		break;
	}
	return may;
}

static int answer(struct store_read *r, void *arg)
{
	const struct question *q = arg;
	struct group_record g;
	int code = group_record_read(r, &q->group, &g);
	if (code != 0)
		return code;
	if (!q->has_sender)
		return ERR_DENIED;
	int may = may_by_policy(r, q, &g);
	if (may == 0)
		may = list_has(g.owners, &q->sender);
	if (may == 0 && g.post != GROUP_POST_OWNERS)
		may = list_has(g.senders, &q->sender);
	if (may == 0 && q->has_user)
		may = list_has(g.owners, &q->user);
	return may == 1 ? 0 : may ? may : ERR_DENIED;
}

int directory_group_may_send(struct directory *d, struct str name, struct str sender, struct str user)
{
	struct question q = { .has_user = false };
	if (name_parse(name, &q.group) != 0)
		return ERR_NOT_FOUND;
	q.has_sender = sender.n && name_parse(sender, &q.sender) == 0;
	q.has_user = user.n && name_parse(user, &q.user) == 0;
	return directory_read(d, answer, &q);
}

/* ---- members for the operator ---- */

struct tour {
	struct name group;
	struct store_read *r;
	uint64_t id;
	int (*fn)(void *arg, const struct group_member *m);
	void *arg;
};

static int show_member(void *arg, const struct group_chunk_entry *e)
{
	const struct tour *t = arg;
	struct group_member m = { .address = e->address, .disabled = e->disabled };
	struct key k = group_bounce_key(t->id, e->address);
	struct bounce_record b;
	struct str value;
	int code = store_get(t->r, key_str(&k), &value);
	if (code == 0)
		code = bounce_record_parse(value, &b);
	if (code == 0) {
		m.bounces = b.count;
		m.last_bounce = b.last;
		m.status = b.status;
	}
	return code && code != ERR_NOT_FOUND ? code : t->fn(t->arg, &m);
}

int directory_group_members(struct directory *d, struct str name, int (*fn)(void *arg, const struct group_member *m), void *arg)
{
	struct tour t = { .fn = fn, .arg = arg };
	struct group_record g;
	if (name_parse(name, &t.group) != 0)
		return ERR_NOT_FOUND;
	/* not directory_read: what fn was given cannot be taken back, so a stale read ends it */
	int code = store_begin(d->store, DIRECTORY_SCOPE, &t.r);
	if (code == 0)
		code = group_record_read(t.r, &t.group, &g);
	if (code == 0) {
		t.id = g.id;
		code = group_member_visit(t.r, g.id, show_member, &t);
	}
	store_end(&t.r);
	return code;
}

/* ---- what comes back ---- */

struct bounce {
	struct name group, member;
	int64_t now;
	struct str status;
	bool disabled;
};

static int load_bounce(struct store_write *w, const struct key *k, struct bounce_record *out)
{
	struct str value;
	int code = store_wget(w, key_str(k), &value);
	*out = (struct bounce_record){ .count = 0 };
	return code == 0 ? bounce_record_parse(value, out) : code == ERR_NOT_FOUND ? 0 : code;
}

static int save_bounce(struct store_write *w, const struct key *k, const struct bounce_record *r)
{
	struct buf value = BUF_INIT(0);
	bounce_record_format(r, &value);
	int code = value.failed ? ERR_NO_MEMORY : store_put(w, key_str(k), buf_str(&value));
	buf_fini(&value);
	return code;
}

/* Is it a member that gets mail? 1 yes, 0 a disabled one, or an error. */
static int is_enabled(struct store_write *w, const struct group_record *g, struct str address)
{
	struct key from = group_members_key(g->id, STR_NONE), to = group_members_key(g->id, address);
	struct group_chunk_entry e;
	struct cursor c;
	struct str key, value;
	to.bytes[to.n++] = '\0';
	int code = store_wfind(w, key_str(&from), key_str(&to), true, &key, &value);
	if (code == 1)
		code = group_chunk_open(value, &c) == 0 ? 1 : ERR_CORRUPT;
	while (code == 1 && (code = group_chunk_next(&c, &e)) == 1)
		if (str_eq(e.address, address))
			return !e.disabled;
	return code ? code : ERR_NOT_FOUND;
}

/* Counts it. 1: that was one too many. */
static int count_bounce(struct store_write *w, const struct group_record *g, const struct bounce *b)
{
	struct key k = group_bounce_key(g->id, name_str(&b->member));
	struct bounce_record was;
	int code = load_bounce(w, &k, &was);
	if (code != 0 || (was.count && was.last / DAY == b->now / DAY))
		return code;
	unsigned days = g->bounce_days ? g->bounce_days : GROUP_BOUNCE_DAYS_DEFAULT, max = g->bounces_max ? g->bounces_max : GROUP_BOUNCES_DEFAULT;
	bool stale = b->now - was.last > (int64_t)days * DAY;
	struct bounce_record now = { .count = stale ? 1 : was.count + 1, .last = b->now, .status = b->status };
	code = save_bounce(w, &k, &now);
	return code ? code : now.count >= max;
}

/* Was it this very bounce that disabled the member, in a commit whose fate nobody could tell? */
static int was_it(struct store_write *w, const struct group_record *g, const struct bounce *b)
{
	struct key k = group_bounce_key(g->id, name_str(&b->member));
	struct bounce_record was;
	int code = load_bounce(w, &k, &was);
	return code ? code : was.last == b->now;
}

static int note_bounce(struct store_write *w, void *arg)
{
	struct bounce *b = arg;
	struct buf keep = BUF_INIT(0);
	struct group_record g;
	b->disabled = false;
	int code = group_record_load(w, &b->group, &keep, &g);
	int enabled = code ? code : is_enabled(w, &g, name_str(&b->member));
	if (enabled >= 0)
		code = enabled ? count_bounce(w, &g, b) : was_it(w, &g, b);
	else
		code = enabled;
	b->disabled = code == 1;
	if (code == 1 && enabled) {
		code = group_member_edit(w, &g, name_str(&b->member), MEMBER_DISABLE);
		code = code < 0 ? code : group_record_save(w, &b->group, &g);
	}
	buf_fini(&keep);
	return code < 0 ? code : 0;
}

int directory_group_bounce(struct directory *d, struct str name, struct str member, int64_t now, struct str status, bool *disabled_out)
{
	struct bounce b = { .now = now, .status = utf8_is_valid(status) ? utf8_clip(status, GROUP_STATUS_MAX) : STR_NONE };
	*disabled_out = false;
	if (name_parse(name, &b.group) != 0 || name_parse(member, &b.member) != 0)
		return ERR_NOT_FOUND;
	int code = directory_commit(d, note_bounce, &b, 0);
	*disabled_out = code == 0 && b.disabled;
	return code;
}
