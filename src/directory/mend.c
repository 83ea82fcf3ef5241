/* What follows from the records after some were lost. */
#include "directory/inside.h"

#define LOST ((int64_t)1 << 32)                   /* a counter of which nothing is left: beyond all that it can have given out */
#define MARGIN ((int64_t)1 << 20)                 /* one that may have been set back */

struct mending {
	uint64_t account_least, secrets;
};

static int raise(struct store_write *w, struct str single, uint64_t least)
{
	struct key k = key_single(single);
	uint64_t now = 0;
	int code = key_exists(w, &k);
	if (code && code != ERR_NOT_FOUND)
		return code;
	code = counter_add(w, single, code == 0 ? MARGIN : LOST, &now);
	return code == 0 && now <= least ? counter_add(w, single, (int64_t)(least - now) + MARGIN, &now) : code;
}

static int mend(struct store_write *w, void *arg)
{
	const struct mending *m = arg;
	struct key secrets = key_single(SINGLE_SECRETS);
	char le[8];
	int code = raise(w, SINGLE_ACCOUNT, m->account_least);
	if (code == 0)
		code = raise(w, SINGLE_SEQUENCE, 0);
	if (code == 0)
		code = raise(w, STR("group"), 0);
	if (code == 0)
		code = raise(w, SINGLE_SIGNING, 0);
	store_le64(le, m->secrets);
	return code ? code : store_put(w, key_str(&secrets), str_make(le, sizeof(le)));
}

int directory_mend(struct directory *d, uint64_t account_least)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user *users;
	size_t n;
	struct mending m = { .account_least = account_least };
	int code = directory_user_list(d, &arena, &users, &n);
	for (size_t i = 0; code == 0 && i < n; i++) {
		if (users[i].account > m.account_least)
			m.account_least = users[i].account;
		m.secrets += users[i].has_secret;
		struct str domain = str_from(users[i].name, str_chr(users[i].name, '@') + 1);
		if (!directory_domain_is_local(d, domain))
			code = directory_domain_add(d, domain, NULL);
		if (code == ERR_EXISTS)
			code = 0;
	}
	if (code == 0)
		code = directory_commit(d, mend, &m, 0);
	arena_fini(&arena);
	return code;
}
