#include "cli/sharing.h"

#include "directory/identity.h"
#include "model/acl.h"

int sharing_forget(struct house *h, struct str identifier)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_share *v;
	size_t n;
	int r = directory_share_find(h->directory, &arena, &identifier, 1, &v, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct account *a;
		r = account_open(h->model, v[i].account, &a);
		if (r == 0) {
			r = account_acl_forget(a, identifier);
			account_close(&a);
		}
		/* the account may be gone */
		if (r == 0 || r == ERR_NOT_FOUND)
			r = directory_share_drop(h->directory, identifier, v[i].account);
	}
	arena_fini(&arena);
	return r;
}

/* Tells each identifier that some list of the account lets in, perhaps more than once. */
static int each_guest(struct house *h, uint64_t account, int (*fn)(void *arg, struct str identifier), void *arg)
{
	struct arena arena = ARENA_INIT(0);
	struct acl_of_mailbox *v;
	struct account *a;
	size_t n;
	int r = account_open(h->model, account, &a);
	if (r)
		return r == ERR_NOT_FOUND ? 0 : r;
	r = account_acls(a, &arena, &v, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		for (size_t k = 0; r == 0 && k < v[i].acl.n; k++)
			if (!v[i].acl.v[k].negative)
				r = fn(arg, v[i].acl.v[k].identifier);
	account_close(&a);
	arena_fini(&arena);
	return r;
}

struct withdrawal {
	struct house *h;
	uint64_t account;
};

static int withdraw(void *arg, struct str identifier)
{
	const struct withdrawal *w = arg;
	return directory_share_drop(w->h->directory, identifier, w->account);
}

int sharing_withdraw(struct house *h, uint64_t account)
{
	struct withdrawal w = { h, account };
	return each_guest(h, account, withdraw, &w);
}

/* ---- checking ---- */

struct check {
	struct house *h;
	bool repair;
	store_report_fn *fn;
	void *arg;
	uint64_t faults;
	struct directory_share *v;           /* sorted by account and identifier */
	bool *needed;                        /* each of them */
	size_t n;
	const struct directory_user *user;   /* whose account is looked at */
	struct arena noted;                  /* what this check has noted itself, to tell it once */
	struct directory_share last;
};

static int compare(const void *a, const void *b)
{
	const struct directory_share *l = a, *r = b;
	return l->account != r->account ? (l->account > r->account) - (l->account < r->account) : str_cmp(l->identifier, r->identifier);
}

static void tell(const struct check *c, const char *mark, struct str identifier, uint64_t account, const char *what)
{
	char line[512];
	snprintf(line, sizeof(line), "%saccount %llu: %.*s %s", mark, (unsigned long long)account, STR_ARG(identifier), what);
	c->fn(c->arg, line);
}

static int compare_guest(void *arg, struct str identifier)
{
	struct check *c = arg;
	struct directory_share key = { .identifier = identifier, .account = c->user->account };
	struct directory_share *found = c->n ? bsearch(&key, c->v, c->n, sizeof(key), compare) : NULL;
	if (found && str_eq(found->owner, c->user->name)) {
		c->needed[found - c->v] = true;
		return 0;
	}
	if (c->last.account == key.account && str_eq(c->last.identifier, identifier))
		return 0;
	c->last = (struct directory_share){ .identifier = arena_dup(&c->noted, identifier), .account = key.account };
	if (!c->last.identifier.p)
		return ERR_NO_MEMORY;
	c->faults++;
	tell(c, "", identifier, key.account, "is let in, but that is not noted");
	if (!c->repair)
		return 0;
	/* one with another owner's name is written anew */
	int r = found ? directory_share_drop(c->h->directory, identifier, key.account) : 0;
	if (found)
		c->needed[found - c->v] = true;
	return r ? r : directory_share_note(c->h->directory, identifier, key.account, c->user->name);
}

static int drop_vain(struct check *c)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->n; i++) {
		if (c->needed[i])
			continue;
		tell(c, "note: ", c->v[i].identifier, c->v[i].account, "is noted, but not let in");
		if (c->repair)
			r = directory_share_drop(c->h->directory, c->v[i].identifier, c->v[i].account);
	}
	return r;
}

int sharing_check(struct house *h, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out)
{
	struct check c = { .h = h, .repair = repair, .fn = fn, .arg = arg, .noted = ARENA_INIT(0) };
	struct arena arena = ARENA_INIT(0);
	struct directory_user *users;
	size_t n_users = 0;
	int r = directory_share_list(h->directory, &arena, &c.v, &c.n);
	if (r == 0)
		r = directory_user_list(h->directory, &arena, &users, &n_users);
	c.needed = calloc(c.n + 1, sizeof(*c.needed));
	if (r == 0 && !c.needed)
		r = ERR_NO_MEMORY;
	if (r == 0 && c.n)
		qsort(c.v, c.n, sizeof(*c.v), compare);
	for (size_t i = 0; r == 0 && i < n_users; i++) {
		c.user = &users[i];
		r = each_guest(h, users[i].account, compare_guest, &c);
	}
	if (r == 0)
		r = drop_vain(&c);
	*faults_out = c.faults;
	free(c.needed);
	arena_fini(&c.noted);
	arena_fini(&arena);
	return r;
}
