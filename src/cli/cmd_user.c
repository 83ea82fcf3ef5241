#include "base/num.h"
#include "cli/admin.h"
#include "cli/sharing.h"
#include "rt/crypto.h"

static void drop_secret(char *secret)
{
	if (secret)
		crypto_wipe(secret, strlen(secret));
	free(secret);
}

static int set_secret(struct house *h, const struct options *o, const char *name, struct err *e)
{
	if (!o->secret_file)
		return 0;
	char *secret = options_read_secret(o->secret_file, "Secret for APOP and CRAM-MD5");
	int r = secret ? directory_user_secret(h->directory, str_from_c(name), str_from_c(secret), e) : err_set(e, ERR_INVALID, NULL, "no secret");
	drop_secret(secret);
	return r;
}

/* The mail account first, the user last: a crash in between leaves an account that nobody reaches, never a user without one. */
static int add(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user known;
	uint64_t id;

	(void)n;
	int r = directory_user_find(h->directory, &arena, str_from_c(words[0]), &known);
	arena_fini(&arena);
	if (r == 0)
		return err_set(e, ERR_EXISTS, NULL, "the user is there already; change the password with: troika user passwd");
	if (o->shared && (o->password_file || o->secret_file))
		return err_set(e, ERR_INVALID, NULL, "nobody logs in to a shared account: it has no password");
	char *password = o->shared ? NULL : options_read_secret(o->password_file, "Password");
	if (!password && !o->shared)
		return err_set(e, ERR_INVALID, NULL, "no password");
	r = directory_account_id_new(h->directory, &id);
	if (r == 0)
		r = account_create(h->model, id);
	if (r == 0) {
		struct str name = str_from_c(words[0]);
		r = o->shared ? directory_user_add_shared(h->directory, name, id, e) : directory_user_add(h->directory, name, str_from_c(password), id, e);
		if (r)
			account_delete(h->model, id);
	}
	drop_secret(password);
	return r ? r : set_secret(h, o, words[0], e);
}

/* After a repair: an account whose user is lost gets one. */
static int adopt(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user *users;
	struct account *a;
	size_t n_users = 0;
	uint64_t id;

	(void)n;
	if (!num_parse_u64(str_from_c(words[1]), &id) || id == 0)
		return err_set(e, ERR_INVALID, NULL, "'%s' is no number of an account; troika check names those without a user", words[1]);
	int r = directory_user_list(h->directory, &arena, &users, &n_users);
	for (size_t i = 0; r == 0 && i < n_users; i++)
		if (users[i].account == id)
			r = err_set(e, ERR_EXISTS, NULL, "account %s belongs to %.*s", words[1], STR_ARG(users[i].name));
	arena_fini(&arena);
	if (r == 0)
		r = account_open(h->model, id, &a);
	if (r)
		return r == ERR_NOT_FOUND ? err_set(e, r, NULL, "there is no account %s", words[1]) : r;
	account_close(&a);
	char *password = options_read_secret(o->password_file, "Password");
	r = password ? directory_user_add(h->directory, str_from_c(words[0]), str_from_c(password), id, e) : err_set(e, ERR_INVALID, NULL, "no password");
	drop_secret(password);
	return r;
}

static int passwd(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)n;
	if (o->secret_file && !o->password_file)
		return set_secret(h, o, words[0], e);
	char *password = options_read_secret(o->password_file, "New password");
	int r = password ? directory_user_passwd(h->directory, str_from_c(words[0]), str_from_c(password), e) : err_set(e, ERR_INVALID, NULL, "no password");
	drop_secret(password);
	return r ? r : set_secret(h, o, words[0], e);
}

static int disable(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	(void)n;
	return directory_user_disable(h->directory, str_from_c(words[0]), true, e);
}

static int enable(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	(void)n;
	return directory_user_disable(h->directory, str_from_c(words[0]), false, e);
}

static int del(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user user;
	uint64_t account;

	(void)o;
	(void)n;
	int found = directory_user_find(h->directory, &arena, str_from_c(words[0]), &user);
	int r = directory_user_del(h->directory, str_from_c(words[0]), &account, e);
	/* Somebody else may get the name: what was granted to this one is not for that one. */
	if (r == 0 && found == 0)
		r = sharing_forget(h, user.name);
	arena_fini(&arena);
	if (r == 0)
		r = sharing_withdraw(h, account);
	if (r == 0)
		r = account_delete(h->model, account);
	if (r == 0)
		r = house_open_search(h, NULL, 0, e);
	return r ? r : search_forget(h->search, account, e);
}

/* "0" lifts it. troika quota knows the other limits. */
static int quota(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct account *a;
	uint64_t bytes;

	(void)o;
	(void)n;
	if (!num_parse_size(str_from_c(words[1]), &bytes))
		return err_set(e, ERR_INVALID, NULL, "'%s' is no size: bytes, or 500M, 2G; 0 for none", words[1]);
	int r = house_open_account(h, words[0], &a, e);
	if (r == 0) {
		struct quota q;
		r = account_quota(a, &q);
		q.bytes_max = bytes;
		if (r == 0)
			r = account_set_quota(a, &q);
		account_close(&a);
	}
	return r;
}

static int list(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user *users;
	struct directory_damaged *damaged;
	size_t n_users = 0;

	(void)o;
	(void)words;
	(void)n;
	int r = directory_user_list_sound(h->directory, &arena, &users, &n_users, &damaged);
	for (size_t i = 0; r == 0 && i < n_users; i++) {
		struct account *a;
		struct quota q = { 0 };
		if (account_open(h->model, users[i].account, &a) == 0) {
			account_quota(a, &q);
			account_close(&a);
		}
		printf("%.*s\t%llu messages\t%llu bytes", STR_ARG(users[i].name), (unsigned long long)q.messages, (unsigned long long)q.bytes);
		if (q.bytes_max)
			printf(" of %llu", (unsigned long long)q.bytes_max);
		printf("%s%s\n", users[i].shared ? "\tshared" : users[i].has_secret ? "\tsecret" : "", users[i].disabled ? "\tdisabled" : "");
	}
	if (r == 0)
		r = admin_left_out(damaged, "users", e);
	arena_fini(&arena);
	return r;
}

static const struct admin_verb verbs[] = {
	{ "add", 1, 1, OPT_PASSWORD_FILE | OPT_SECRET_FILE | OPT_SHARED, add },
	{ "adopt", 2, 2, OPT_PASSWORD_FILE, adopt },
	{ "passwd", 1, 1, OPT_PASSWORD_FILE | OPT_SECRET_FILE, passwd },
	{ "disable", 1, 1, 0, disable },
	{ "enable", 1, 1, 0, enable },
	{ "del", 1, 1, 0, del },
	{ "quota", 2, 2, 0, quota },
	{ "list", 0, 0, 0, list },
	{ 0 },
};

int cli_user(int argc, char **argv)
{
	return admin_run("user", verbs, argc, argv);
}
