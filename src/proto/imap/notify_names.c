/* MailboxName and SubscriptionChange: what names there are now, beside what the client knows. RFC 5465 5.4 and 5.5. */
#include "base/map.h"
#include "proto/imap/limits.h"
#include "proto/imap/list_response.h"
#include "proto/imap/notify_state.h"

void notify_names_fini(struct notify_names *names)
{
	arena_fini(&names->arena);
	*names = (struct notify_names){ .n = 0 };
}

static int by_id(const void *a, const void *b)
{
	const struct notify_name *x = a, *y = b;
	if (x->account != y->account)
		return x->account < y->account ? -1 : 1;
	return (x->mailbox > y->mailbox) - (x->mailbox < y->mailbox);
}

static int by_text(const void *a, const void *b) { return str_cmp(*(const struct str *)a, *(const struct str *)b); }

/* Of name[], into an arena of its own. */
static int take(const struct notify_teller *t, struct notify_names *out)
{
	*out = (struct notify_names){ .n = 0 };
	arena_init(&out->arena, IMAP_ARENA_MAX);
	out->v = arena_array(&out->arena, t->name_count + 1, sizeof(*out->v));
	out->subscribed = arena_array(&out->arena, t->name_count + 1, sizeof(*out->subscribed));
	bool ok = out->v && out->subscribed;
	for (size_t i = 0; ok && i < t->name_count; i++) {
		const struct imap_listed *l = &t->name[i];
		struct str name = arena_dup(&out->arena, l->name);
		ok = name.p;
		if (l->mailbox && !l->mailbox->bin)
			out->v[out->n++] = (struct notify_name){ account_id(l->account), l->mailbox->id, l->mailbox->no_select, name };
		if (l->subscribed)
			out->subscribed[out->n_subscribed++] = name;
	}
	if (!ok) {
		notify_names_fini(out);
		return ERR_NO_MEMORY;
	}
	qsort(out->v, out->n, sizeof(*out->v), by_id);
	qsort(out->subscribed, out->n_subscribed, sizeof(*out->subscribed), by_text);
	return 0;
}

/* ---- telling ---- */

struct telling {
	struct notify_teller *t;
	const struct notify_names *was, *is;
	struct map *told;                        /* names that have had their LIST response */
};

static bool is_subscribed(const struct notify_names *names, struct str name)
{
	return names->n_subscribed && bsearch(&name, names->subscribed, names->n_subscribed, sizeof(name), by_text);
}

/* Does any group want this event of the name? Of subscriptions also when it has just ended. */
static bool is_wanted(const struct telling *x, struct str name, const struct notify_name *known, enum imap_notify_event event)
{
	bool own = !known || known->account == account_id(x->t->s->account);
	bool subscribed = is_subscribed(x->was, name) || is_subscribed(x->is, name);
	return notify_events_of(x->t->notify, name, own, subscribed) & event;
}

/* \Subscribed is always right, since the client cannot see of which event it is told (5.5: "if and only if"). */
static void tell_name(struct telling *x, struct str name, struct str old)
{
	struct imap_session *s = x->t->s;
	const struct imap_listed *l = notify_teller_find(x->t, name);
	struct imap_listed gone = { .name = name };
	imap_list_begin(s, l ? l : &gone, IMAP_TELL_SUBSCRIBED | IMAP_TELL_NONEXISTENT);
	if (old.n)
		imap_list_oldname(s, old);
	imap_list_end(s);
}

/* Created, deleted, or become a mailbox or a level: the name itself and the one above it. */
static void tell_affected(struct telling *x, const struct notify_name *known)
{
	struct str name = known->name;
	size_t at = str_rchr(name, MAILBOX_SEPARATOR);
	for (int i = 0; i < 2; i++) {
		if (is_wanted(x, name, known, IMAP_NOTIFY_NAME) && !map_get(x->told, name) && map_put(x->told, name, x) == 0)
			tell_name(x, name, STR_NONE);
		if (at == STR_NPOS)
			return;
		name = str_sub(name, 0, at);
	}
}

static const struct notify_name *find_name(const struct notify_names *names, struct str name)
{
	for (size_t i = 0; i < names->n; i++)
		if (str_eq(names->v[i].name, name))
			return &names->v[i];
	return NULL;
}

/* A child that moved along with what is above it: RFC 5465 5.4. */
static bool moved_along(const struct telling *x, const struct notify_name *was, const struct notify_name *is)
{
	size_t from = str_rchr(was->name, MAILBOX_SEPARATOR), to = str_rchr(is->name, MAILBOX_SEPARATOR);
	if (from == STR_NPOS || to == STR_NPOS || !str_eq(str_from(was->name, from), str_from(is->name, to)))
		return false;
	const struct notify_name *above_was = find_name(x->was, str_sub(was->name, 0, from));
	const struct notify_name *above_is = find_name(x->is, str_sub(is->name, 0, to));
	return above_was && above_is && by_id(above_was, above_is) == 0;
}

static void tell_renamed(struct telling *x, const struct notify_name *was, const struct notify_name *is)
{
	if (moved_along(x, was, is) || (!is_wanted(x, is->name, is, IMAP_NOTIFY_NAME) && !is_wanted(x, was->name, was, IMAP_NOTIFY_NAME)))
		return;
	if (map_put(x->told, is->name, x) == 0)
		tell_name(x, is->name, was->name);
}

/* Renames first: a name told with OLDNAME is not told once more as what its parent's change affects. */
static void tell_names(struct telling *x)
{
	for (int renames = 1; renames >= 0; renames--) {
		for (size_t i = 0, k = 0; i < x->was->n || k < x->is->n;) {
			const struct notify_name *was = i < x->was->n ? &x->was->v[i] : NULL, *is = k < x->is->n ? &x->is->v[k] : NULL;
			int order = !was ? 1 : !is ? -1 : by_id(was, is);
			i += order <= 0;
			k += order >= 0;
			if (order == 0 && !str_eq(was->name, is->name) && renames)
				tell_renamed(x, was, is);
			else if (!renames && (order || was->no_select != is->no_select))
				tell_affected(x, order < 0 ? was : is);
		}
	}
}

static void tell_subscriptions(struct telling *x)
{
	size_t i = 0, k = 0;
	while (i < x->was->n_subscribed || k < x->is->n_subscribed) {
		int order = i == x->was->n_subscribed ? 1 : k == x->is->n_subscribed ? -1 : str_cmp(x->was->subscribed[i], x->is->subscribed[k]);
		struct str name = order < 0 ? x->was->subscribed[i] : order > 0 ? x->is->subscribed[k] : STR_NONE;
		i += order <= 0;
		k += order >= 0;
		const struct imap_listed *l = name.n ? notify_teller_find(x->t, name) : NULL;
		struct notify_name known = { .account = l && l->account ? account_id(l->account) : account_id(x->t->s->account) };
		if (name.n && is_wanted(x, name, &known, IMAP_NOTIFY_SUBSCRIPTION))
			tell_name(x, name, STR_NONE);
	}
}

int notify_names_look(struct notify_teller *t)
{
	struct notify_names is;
	int rc = notify_teller_list(t);
	if (!rc)
		rc = take(t, &is);
	if (rc)
		return rc;
	struct telling x = { .t = t, .was = &t->notify->names, .is = &is };
	if (!t->silent)
		rc = map_create(&x.told);
	if (!rc && !t->silent && t->notify->others & IMAP_NOTIFY_NAME)
		tell_names(&x);
	if (!rc && !t->silent && t->notify->others & IMAP_NOTIFY_SUBSCRIPTION)
		tell_subscriptions(&x);
	map_destroy(&x.told);
	if (rc) {
		notify_names_fini(&is);
		return rc;
	}
	notify_names_fini(&t->notify->names);
	t->notify->names = is;
	return 0;
}
