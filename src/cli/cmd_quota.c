#include "base/num.h"
#include "cli/admin.h"

static void print_limit(const char *name, uint64_t used, uint64_t max)
{
	printf("%s\t%llu of ", name, (unsigned long long)used);
	if (max)
		printf("%llu\n", (unsigned long long)(max == QUOTA_ZERO ? 0 : max));
	else
		puts("any number");
}

static int show(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct account *a;
	struct quota q;

	(void)o;
	(void)n;
	int r = house_open_account(h, words[0], &a, e);
	if (r)
		return r;
	r = account_quota(a, &q);
	account_close(&a);
	if (r)
		return r;
	print_limit("storage", q.bytes, q.bytes_max);
	print_limit("messages", q.messages, q.messages_max);
	print_limit("mailboxes", q.mailboxes, q.mailboxes_max ? q.mailboxes_max : MAILBOXES_MAX);
	return 0;
}

/* "storage=500M", "messages=10000", "mailboxes=none". */
static int read_limit(struct str word, struct quota *q, struct err *e)
{
	struct str key, value;
	uint64_t limit = 0;

	str_cut(word, '=', &key, &value);
	bool storage = str_eq(key, STR("storage"));
	uint64_t *to = storage ? &q->bytes_max : str_eq(key, STR("messages")) ? &q->messages_max : str_eq(key, STR("mailboxes")) ? &q->mailboxes_max : NULL;
	if (!to)
		return err_set(e, ERR_INVALID, NULL, "'%.*s': storage=SIZE, messages=N or mailboxes=N", STR_ARG(word));
	if (!str_eq(value, STR("none")) && !(storage ? num_parse_size(value, &limit) : num_parse_u64(value, &limit)))
		return err_set(e, ERR_INVALID, NULL, "'%.*s' is no limit: %s, or none", STR_ARG(value), storage ? "bytes, 500M, 2G" : "a number");
	if (limit > INT64_MAX)
		return err_set(e, ERR_INVALID, NULL, "'%.*s' is too big", STR_ARG(value));
	*to = limit || str_eq(value, STR("none")) ? limit : QUOTA_ZERO;
	return 0;
}

static int set(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct account *a;
	struct quota q;

	(void)o;
	int r = house_open_account(h, words[0], &a, e);
	if (r)
		return r;
	r = account_quota(a, &q);
	for (unsigned i = 1; r == 0 && i < n; i++)
		r = read_limit(str_from_c(words[i]), &q, e);
	if (r == 0)
		r = account_set_quota(a, &q);
	account_close(&a);
	return r;
}

static const struct admin_verb verbs[] = {
	{ "show", 1, 1, 0, show },
	{ "set", 2, 4, 0, set },
	{ 0 },
};

int cli_quota(int argc, char **argv)
{
	return admin_run("quota", verbs, argc, argv);
}
