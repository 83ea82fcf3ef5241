#include "cli/unfinished.h"

#include "backup/intent.h"

struct unfinished {
	struct house *h;
	FILE *to;
	const char *lead;
	bool forget;
};

/* Whose it is: 0, ERR_NOT_FOUND, or another code. */
static int find_owner(struct directory *d, struct arena *a, uint64_t account, struct str *name_out)
{
	struct directory_user *users;
	size_t n = 0;
	int r = directory_user_list(d, a, &users, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (users[i].account == account) {
			*name_out = users[i].name;
			return 0;
		}
	return r ? r : ERR_NOT_FOUND;
}

static bool tell_one(void *arg, struct str user, uint64_t account, const char *path)
{
	struct unfinished *u = arg;
	struct arena arena = ARENA_INIT(0);
	struct account *a = NULL;
	struct str owner = STR_NONE;
	int there = account_open(u->h->model, account, &a), owned = find_owner(u->h->directory, &arena, account, &owner);
	bool gone = there == ERR_NOT_FOUND && owned == ERR_NOT_FOUND;
	account_close(&a);
	if (!gone && owned == ERR_NOT_FOUND)
		fprintf(u->to, "%sa restore was making account %llu for %.*s, and did not end: begin it again, or give the account a user with: troika user adopt NAME %llu\n", u->lead,
				(unsigned long long)account, STR_ARG(user), (unsigned long long)account);
	else if (!gone)
		fprintf(u->to, "%sa restore into the account of %.*s did not end, so that it may hold only part of what was there: begin it again; if it shall stay as it is, remove %s\n",
				u->lead, STR_ARG(owned ? user : owner), path);
	arena_fini(&arena);
	return gone && u->forget;
}

void unfinished_tell(struct house *h, FILE *to, const char *lead, bool forget)
{
	intent_each(h->dir, tell_one, &(struct unfinished){ h, to, lead, forget });
}
