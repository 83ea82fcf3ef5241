#include "app/signing.h"
#include "base/clock.h"
#include "cli/admin.h"

#define DAY ((int64_t)86400)
#define TXT_STRING_MAX 255        /* RFC 1035 3.3 */

static const char *const state_names[] = { [SIGNING_PENDING] = "pending", [SIGNING_ACTIVE] = "active", [SIGNING_RETIRED] = "retired" };

static void print_date(int64_t when)
{
	struct civil c = civil_from_unix(when);
	printf("%04d-%02d-%02d", c.year, c.month, c.day);
}

/* ---- showing ---- */

/* One line of a zone file. */
static int print_record(const struct signing_key *k)
{
	struct buf record = BUF_INIT(0);
	int r = signing_record(k, &record);

	if (r == 0)
		printf("%.*s._domainkey.%.*s. IN TXT (", STR_ARG(k->selector), STR_ARG(k->domain));
	for (struct str rest = buf_str(&record); r == 0 && rest.n > 0; rest = str_from(rest, TXT_STRING_MAX)) {
		struct str piece = str_sub(rest, 0, TXT_STRING_MAX);
		printf(" \"%.*s\"", STR_ARG(piece));
	}
	if (r == 0)
		puts(" )");
	buf_fini(&record);
	return r;
}

static void print_state(const struct signing_key *k)
{
	printf("%s since ", state_names[k->state]);
	print_date(k->changed);
	if (k->state == SIGNING_RETIRED) {
		printf(", to be published until ");
		print_date(k->until);
	}
}

typedef int key_fn(const struct signing_key *k);

static int print_for_dns(const struct signing_key *k)
{
	printf("; ");
	print_state(k);
	putchar('\n');
	return print_record(k);
}

static int print_line(const struct signing_key *k)
{
	printf("%-30.*s %-20.*s %-8s ", STR_ARG(k->domain), STR_ARG(k->selector), k->algorithm == SIGNING_RSA ? "rsa" : "ed25519");
	print_state(k);
	putchar('\n');
	return 0;
}

static int print_pending(const struct signing_key *k)
{
	return k->state == SIGNING_PENDING ? print_record(k) : 0;
}

static int print_name(const struct signing_key *k, enum signing_state state)
{
	if (k->state == state)
		printf(" %.*s", STR_ARG(k->selector));
	return 0;
}

static int print_pending_name(const struct signing_key *k)
{
	return print_name(k, SIGNING_PENDING);
}

static int print_active_name(const struct signing_key *k)
{
	return print_name(k, SIGNING_ACTIVE);
}

static int for_each(struct house *h, const char *domain, key_fn *fn, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct signing_key *keys;
	size_t n = 0;
	int r = directory_signing_list(h->directory, &arena, str_from_c(domain), &keys, &n);

	if (r == 0 && n == 0 && domain)
		r = err_set(e, ERR_NOT_FOUND, NULL, directory_domain_is_local(h->directory, str_from_c(domain)) ? "%s has no keys; make some with: troika dkim add %s"
																										  : "there is no domain %s", domain, domain);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = fn(&keys[i]);
	directory_signing_wipe(keys, n);
	arena_fini(&arena);
	return r;
}

static int show(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	(void)n;
	return for_each(h, words[0], print_for_dns, e);
}

static int list(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	return for_each(h, n > 0 ? words[0] : NULL, print_line, e);
}

/* ---- making ---- */

/* What to publish and to call, as comments of a zone file. */
static int print_todo(struct house *h, const struct options *o, const char *domain, bool replaces, struct err *e)
{
	int r = for_each(h, domain, print_pending, e);

	if (r == 0)
		printf("; publish that; when it can be seen everywhere (after %d days, or the TTL of what was there before):\n;     troika dkim activate %s",
			   SIGNING_PUBLISH_DAYS, domain);
	if (r == 0)
		r = for_each(h, domain, print_pending_name, e);
	if (r == 0)
		printf(" -d %s\n", o->dir);
	if (r == 0 && replaces) {
		printf(";     troika dkim retire %s", domain);
		r = for_each(h, domain, print_active_name, e);
		printf(" -d %s\n", o->dir);
	}
	return r;
}

static int add(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	static const struct { const char *name; unsigned kinds; } known[] = {
		{ "both", SIGNING_KIND_BOTH }, { "rsa", SIGNING_KIND_RSA }, { "ed25519", SIGNING_KIND_ED25519 } };
	unsigned kinds = o->algorithm ? 0 : SIGNING_KIND_BOTH;

	(void)n;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (o->algorithm && !strcmp(o->algorithm, known[i].name))
			kinds = known[i].kinds;
	if (kinds == 0)
		return err_set(e, ERR_INVALID, NULL, "--algorithm is rsa, ed25519 or both");
	int r = signing_make(h->directory, str_from_c(words[0]), kinds, str_from_c(o->selector), SIGNING_PENDING, clock_now(), e);
	return r ? r : print_todo(h, o, words[0], false, e);
}

static int rotate(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)n;
	int r = signing_make(h->directory, str_from_c(words[0]), SIGNING_KIND_BOTH, STR_NONE, SIGNING_PENDING, clock_now(), e);
	return r ? r : print_todo(h, o, words[0], true, e);
}

/* ---- changing ---- */

static int change(struct house *h, char *const *words, unsigned n, enum signing_state state, struct err *e)
{
	struct signing_change changes[SIGNING_KEYS_MAX];
	int64_t now = clock_now();

	for (unsigned i = 1; i < n; i++)
		changes[i - 1] = (struct signing_change){ str_from_c(words[0]), str_from_c(words[i]), state, now + SIGNING_RETIRED_DAYS * DAY };
	return directory_signing_change(h->directory, changes, n - 1, now, e);
}

static int activate(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	return change(h, words, n, SIGNING_ACTIVE, e);
}

static int retire(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	return change(h, words, n, SIGNING_RETIRED, e);
}

static int del(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	return change(h, words, n, SIGNING_DELETED, e);
}

static const struct admin_verb verbs[] = {
	{ "show", 1, 1, 0, show },
	{ "list", 0, 1, 0, list },
	{ "add", 1, 1, OPT_ALGORITHM | OPT_SELECTOR, add },
	{ "rotate", 1, 1, 0, rotate },
	{ "activate", 2, 1 + SIGNING_KEYS_MAX, 0, activate },
	{ "retire", 2, 1 + SIGNING_KEYS_MAX, 0, retire },
	{ "del", 2, 1 + SIGNING_KEYS_MAX, 0, del },
	{ 0 },
};

int cli_dkim(int argc, char **argv)
{
	return admin_run("dkim", verbs, argc, argv);
}
