/* Proofs: passwords verified here, and what mechanisms that prove it themselves need. Unknown users must look like
 * known ones: the same answers, after the same work, with salts that stay the same. */
#include "directory/inside.h"

#include "directory/app_password_inside.h"

#include "base/clock.h"
#include "base/hash.h"
#include "directory/familiar.h"
#include "rt/crypto.h"

static struct str ip_of(const struct directory_login *l) { return l ? l->ip : STR_NONE; }

struct lookup {
	struct arena *arena;
	struct str wanted;
	struct str password;         /* for directory_verify */
	const char *protocol;
	bool by_app_password;        /* it is one of the user's for this protocol, */
	struct str label;            /* of this name */
	uint64_t network;            /* where the login comes from, as a keyed hash; 0: nowhere */
	bool familiar, fresh;        /* the user has logged in from there; that is written down */
	struct name name;            /* canonical, or empty */
	char *record;                /* a copy of the whole record, NULL when unknown; holds the clear secret */
	size_t record_n;
	struct user_record user;     /* slices of it */
};

#define DAY_S 86400

static uint32_t today(void) { return (uint32_t)(clock_now() / DAY_S); }

/* The same after a restart; who reads the store learns no addresses. */
static uint64_t network_hash(const struct directory *d, const struct directory_login *l)
{
	uint64_t network = brake_network(ip_of(l));
	return network ? hash_siphash_keyed(d->made_up_key, str_make(&network, sizeof(network))) | 1 : 0;
}

static void look_up_network(struct store_read *r, struct lookup *x)
{
	struct key k = key_familiar(&x->name);
	struct str value;
	x->familiar = x->fresh = false;
	if (x->network && store_get(r, key_str(&k), &value) == 0)
		x->familiar = familiar_has(value, x->network, today(), &x->fresh);
}

/* A shared account has nobody who could log in. */
static bool may_log_in(const struct lookup *x) { return !x->user.disabled && !x->user.shared; }

static int look_up(struct store_read *r, void *arg)
{
	struct lookup *x = arg;
	struct str value;
	x->record = NULL;
	x->record_n = 0;
	x->user = (struct user_record){ 0 };
	int code = user_name_complete(r, x->wanted, &x->name);
	if (code != 0)
		x->name.n = 0;
	if (code == 0)
		code = user_read(r, &x->name, &value, &x->user);
	if (code != 0)
		return code;
	look_up_network(r, x);
	code = x->password.n ? app_password_find(r, x->arena, &x->name, x->password, x->protocol, &x->label) : ERR_NOT_FOUND;
	if (code != 0 && code != ERR_NOT_FOUND)
		return code;
	x->by_app_password = code == 0;
	x->record = arena_dup_c(x->arena, value);
	x->record_n = value.n;
	return x->record ? user_record_parse(str_make(x->record, x->record_n), &x->user) : ERR_NO_MEMORY;
}

/* What stands for the user in keyed hashes: the spelling must not matter. */
static struct str name_of(const struct lookup *x) { return x->name.n ? name_str(&x->name) : x->wanted; }

/* 0 also for an unknown user, whose record is empty then. */
static int find_user(struct directory *d, struct lookup *x)
{
	int code = directory_read(d, look_up, x);
	return code == ERR_NOT_FOUND || code == ERR_INVALID ? 0 : code;
}

/* ---- guesses at one account, from everywhere ---- */

static uint64_t account_key(const struct lookup *x) { return hash_siphash(name_of(x)) | 1; }

/* Under attack strangers get through now and then only; whence the user has come before, nobody is held up. */
static bool may_try(struct directory *d, const struct lookup *x)
{
	return !x->network || x->familiar || brake_admits(d->accounts, account_key(x), BRAKE_ACCOUNT_EVERY_MS, clock_mono_ms());
}

/* ---- the answer ---- */

static bool account_tells(struct directory *d, const struct lookup *x, bool wrong, uint64_t now_ms)
{
	if (x->network && !x->familiar)
		return brake_tells_of(d->accounts, account_key(x), wrong, BRAKE_ACCOUNT_EVERY_MS, now_ms);
	if (wrong)
		brake_count(d->accounts, account_key(x), now_ms);
	return true;
}

/* Whoever tries many at once must not learn of more than who tries one after the other: what has been verified is held against the brake as it stands
 * now, and nothing of it is told when that has come over a limit meanwhile. 0, ERR_DENIED (wrong), ERR_BUSY. The account comes first: a guess that the network
 * remembers is one that was answered. */
static int answer(struct directory *d, const struct directory_login *l, const struct lookup *x, bool right, uint64_t guess)
{
	uint64_t now = clock_mono_ms();
	if (brake_blocks(d->brake, ip_of(l), now))
		return ERR_BUSY;
	if (!right && guess && brake_knows_guess(d->brake, ip_of(l), guess, now))
		return ERR_DENIED;
	if (!account_tells(d, x, !right, now) || !brake_tells(d->brake, ip_of(l), !right, guess, now))
		return ERR_BUSY;
	return right ? 0 : ERR_DENIED;
}

static int write_network(struct store_write *w, void *arg)
{
	const struct lookup *x = arg;
	struct key user = key_user(&x->name), k = key_familiar(&x->name);
	struct buf record = BUF_INIT(STORE_VALUE_MAX);
	struct str old;
	int code = key_exists(w, &user);
	if (code == 0) {
		code = store_wget(w, key_str(&k), &old);
		familiar_add(code == 0 ? old : STR_NONE, x->network, today(), &record);
		code = code == 0 || code == ERR_NOT_FOUND ? 0 : code;
	}
	if (code == 0)
		code = record.failed ? ERR_NO_MEMORY : store_put(w, key_str(&k), buf_str(&record));
	buf_fini(&record);
	return code;
}

/* Where it cannot be written down the login is as good. */
static void note_network(struct directory *d, struct lookup *x)
{
	if (x->network && x->record && !x->fresh)
		directory_commit(d, write_network, x, 0);
}

static void wipe(struct lookup *x)
{
	if (x->record)
		crypto_wipe(x->record, x->record_n);
}

/* ---- passwords ---- */

/* In a turn of the hasher. */
static int hash_and_compare(struct directory *d, const struct lookup *x, struct str raw, bool *match_out)
{
	struct password p;
	*match_out = false;
	int code = password_prepare(raw, &p);
	/* No user's password can be like this: nothing is given away by being quick. */
	if (code != 0)
		return code == ERR_INVALID ? 0 : code;
	code = hasher_check(d->hasher, &p, x->user.hash, match_out);
	/* Whoever made an imported hash may not have prepared the password. */
	if (code == 0 && !*match_out && x->user.hash.n && !x->user.has_scram && !str_eq(raw, str_make(p.bytes, p.n))) {
		memcpy(p.bytes, raw.p, raw.n);
		p.bytes[p.n = raw.n] = '\0';
		code = hasher_check(d->hasher, &p, x->user.hash, match_out);
	}
	password_wipe(&p);
	return code;
}

/* A password with all that is known of it. */
struct guess {
	struct str password;
	struct verify_tag tag;
	uint64_t number;             /* what the brake remembers of it */
};

/* Can it be answered without hashing? Then *code_out is the answer. */
static bool answer_at_once(struct directory *d, const struct directory_login *l, const struct lookup *x, const struct guess *g, int *code_out)
{
	uint64_t now = clock_mono_ms();
	if (brake_blocks(d->brake, ip_of(l), now))
		*code_out = ERR_BUSY;        // NOLINT(bugprone-branch-clone): what is busy is asked at two places, and their order counts
	else if (brake_knows_guess(d->brake, ip_of(l), g->number, now))
		*code_out = ERR_DENIED;
	else if (verify_cache_has(d->verified, &g->tag, now))
		*code_out = answer(d, l, x, may_log_in(x), g->number);
	else if (!may_try(d, x))
		*code_out = ERR_BUSY;
	else if (x->by_app_password && may_log_in(x))
		*code_out = answer(d, l, x, true, g->number);
	else
		return false;
	return true;
}

/* While somebody waits for a turn, others may have settled it. */
static int hash_and_answer(struct directory *d, const struct directory_login *l, const struct lookup *x, const struct guess *g)
{
	bool match;
	int code = hasher_begin(d->hasher);
	if (code != 0)
		return code;
	bool settled = answer_at_once(d, l, x, g, &code);
	if (!settled)
		code = hash_and_compare(d, x, g->password, &match);
	hasher_end(d->hasher);
	if (settled || code != 0)
		return code;
	code = answer(d, l, x, match && may_log_in(x), g->number);
	if (code == 0)
		verify_cache_put(d->verified, &g->tag, clock_mono_ms());
	return code;
}

/* 0, ERR_DENIED, ERR_BUSY, or temporary. */
static int prove(struct directory *d, const struct directory_login *l, const struct lookup *x, struct str password)
{
	struct guess g = { .password = password };
	int code = verify_cache_tag(d->verified, name_of(x), password, str_make(x->record, x->record_n), &g.tag);
	if (code != 0)
		return code;
	g.number = load_le64(g.tag.bytes) | 1;
	return answer_at_once(d, l, x, &g, &code) ? code : hash_and_answer(d, l, x, &g);
}

int directory_verify(struct directory *d, struct arena *a, const struct directory_login *l, struct str name,
					 struct str password, struct directory_user *out)
{
	struct lookup x = { .arena = a, .wanted = name, .password = password, .protocol = l ? l->protocol : "", .network = network_hash(d, l) };
	*out = (struct directory_user){ 0 };
	if (brake_blocks(d->brake, ip_of(l), clock_mono_ms()))
		return ERR_BUSY;
	int code = find_user(d, &x);
	if (code == 0)
		code = prove(d, l, &x, password);
	if (code == 0)
		note_network(d, &x);
	if (code == 0)
		code = user_describe(a, &x.name, &x.user, out);
	if (code == 0 && x.by_app_password)
		out->app_password = x.label;
	wipe(&x);
	return code;
}

/* ---- other proofs ---- */

/* What an unknown user would have: it depends on the name and on a secret of this installation, so it stays the same
 * for the name (RFC 5802 section 9 warns of the difference). Nobody can log in with such keys: their password does
 * not exist. */
static int make_up(const struct directory *d, struct str name, struct directory_scram *out)
{
	uint8_t salt[CRYPTO_SHA256_SIZE];
	struct str key = str_make(d->made_up_key, sizeof(d->made_up_key));
	out->iterations = SCRAM_ITERATIONS;
	int code = crypto_hmac_sha256(key, name, salt);
	memcpy(out->salt, salt, sizeof(out->salt));
	crypto_random(out->stored_key, sizeof(out->stored_key));
	crypto_random(out->server_key, sizeof(out->server_key));
	return code;
}

static int describe(const struct directory *d, struct arena *a, const struct lookup *x,
					struct directory_credentials *out)
{
	const struct user_record *u = &x->user;
	int code = make_up(d, name_of(x), &out->scram);
	if (code != 0)
		return code;
	if (u->has_scram) {
		out->scram.iterations = u->scram.iterations;
		memcpy(out->scram.salt, u->scram.salt, sizeof(u->scram.salt));
	}
	if (!x->record || !may_log_in(x))
		return ERR_NOT_FOUND;
	if (u->has_scram)
		out->scram = u->scram;
	out->has_scram = u->has_scram;
	out->secret = u->secret.n ? arena_dup(a, u->secret) : STR_NONE;
	if (u->secret.n && !out->secret.p)
		return ERR_NO_MEMORY;
	return user_describe(a, &x->name, u, &out->user);
}

int directory_credentials(struct directory *d, struct arena *a, const struct directory_login *l, struct str name,
						  struct directory_credentials *out)
{
	struct lookup x = { .arena = a, .wanted = name, .network = network_hash(d, l) };
	*out = (struct directory_credentials){ .has_scram = false };
	if (brake_blocks(d->brake, ip_of(l), clock_mono_ms()))
		return ERR_BUSY;
	int code = find_user(d, &x);
	if (code == 0 && !may_try(d, &x))
		code = ERR_BUSY;
	if (code == 0)
		code = describe(d, a, &x, out);
	wipe(&x);
	return code;
}

bool directory_brakes(struct directory *d, const struct directory_login *l) { return brake_blocks(d->brake, ip_of(l), clock_mono_ms()); }

static int judge(struct directory *d, const struct directory_login *l, struct lookup *x, bool ok)
{
	int code = find_user(d, x);
	if (code == 0)
		code = answer(d, l, x, ok, 0);
	if (code == 0)
		note_network(d, x);
	return code;
}

int directory_judge(struct directory *d, const struct directory_login *l, struct str name, bool ok)
{
	struct arena a = ARENA_INIT(0);
	struct lookup x = { .arena = &a, .wanted = name, .network = network_hash(d, l) };
	int code = judge(d, l, &x, ok);
	wipe(&x);
	arena_fini(&a);
	return code;
}

void directory_note_login(struct directory *d, const struct directory_login *l, struct str name)
{
	struct arena a = ARENA_INIT(0);
	struct lookup x = { .arena = &a, .wanted = name, .network = network_hash(d, l) };
	if (find_user(d, &x) == 0)
		note_network(d, &x);
	wipe(&x);
	arena_fini(&a);
}
