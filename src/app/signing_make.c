#include "app/signing.h"

#include "base/clock.h"
#include "rt/crypto.h"

#define DATED_TRIES 99       /* keys of one day */

static const struct {
	unsigned kind;
	enum signing_algorithm stored;
	enum dkim_algorithm algorithm;
	char letter;
	const char *suffix;
} kinds_known[] = {
	{ SIGNING_KIND_RSA, SIGNING_RSA, DKIM_RSA_SHA256, 'r', "-rsa" },
	{ SIGNING_KIND_ED25519, SIGNING_ED25519, DKIM_ED25519_SHA256, 'e', "-ed" },
};
#define KINDS (sizeof(kinds_known) / sizeof(kinds_known[0]))

/* "r20261126", "r20261126-2" ... */
static struct str dated_selector(struct arena *a, char letter, int64_t now, unsigned count)
{
	struct civil c = civil_from_unix(now);
	struct str s = arena_printf(a, "%c%04d%02d%02d", letter, c.year, c.month, c.day);
	return count > 1 ? arena_printf(a, "%.*s-%u", STR_ARG(s), count) : s;
}

static struct str selector_of(struct arena *a, size_t kind, unsigned kinds, struct str wanted, int64_t now, unsigned count)
{
	if (wanted.n == 0)
		return dated_selector(a, kinds_known[kind].letter, now, count);
	return kinds == SIGNING_KIND_BOTH ? arena_printf(a, "%.*s%s", STR_ARG(wanted), kinds_known[kind].suffix) : wanted;
}

static int make_pems(unsigned kinds, struct buf *pems, struct err *e)
{
	int code = 0;
	for (size_t i = 0; i < KINDS && code == 0; i++) {
		buf_reserve(&pems[i], SIGNING_PEM_MAX);        /* no copies of secrets are left behind by growing */
		if (kinds & kinds_known[i].kind)
			code = dkim_key_generate(kinds_known[i].algorithm, 0, &pems[i], e);
	}
	return code;
}

static int add(struct directory *d, struct arena *a, struct str domain, unsigned kinds, struct str selector, unsigned count, const struct buf *pems,
			   enum signing_state state, int64_t now, struct err *e)
{
	struct signing_key keys[KINDS];
	size_t n = 0;
	for (size_t i = 0; i < KINDS; i++)
		if (kinds & kinds_known[i].kind)
			keys[n++] = (struct signing_key){ .domain = domain, .selector = selector_of(a, i, kinds, selector, now, count),
											  .algorithm = kinds_known[i].stored, .state = state, .pem = buf_str(&pems[i]) };
	return a->failed ? ERR_NO_MEMORY : directory_signing_add(d, keys, n, now, e);
}

int signing_make(struct directory *d, struct str domain, unsigned kinds, struct str selector, enum signing_state state, int64_t now, struct err *e)
{
	struct arena a = ARENA_INIT(0);
	struct buf pems[KINDS] = { BUF_INIT(0), BUF_INIT(0) };
	int code = make_pems(kinds, pems, e);
	if (code == 0)
		code = ERR_EXISTS;
	/* a dated selector that is taken gets a number */
	for (unsigned count = 1; code == ERR_EXISTS && count <= (selector.n > 0 ? 1 : DATED_TRIES); count++)
		code = add(d, &a, domain, kinds, selector, count, pems, state, now, e);
	for (size_t i = 0; i < KINDS; i++) {
		if (pems[i].p)
			crypto_wipe(pems[i].p, pems[i].n);
		buf_fini(&pems[i]);
	}
	arena_fini(&a);
	return code;
}

int signing_record(const struct signing_key *k, struct buf *out)
{
	struct dkim_key *key;
	int code = dkim_key_parse(k->pem, &key, NULL);
	if (code != 0)
		return code;
	code = dkim_key_record(key, out);
	dkim_key_unref(&key);
	return code;
}
