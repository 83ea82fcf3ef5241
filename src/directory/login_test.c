/* Proofs: who gets in, who does not, and what a stranger can learn from the answers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "directory/directory_fixture.h"
#include "directory/limits.h"

#include <pthread.h>

static const struct directory_login HERE = { .ip = STR_INIT("192.0.2.1"), .protocol = "test" };
static const struct directory_login THERE = { .ip = STR_INIT("198.51.100.1"), .protocol = "test" };

static int verify_from(struct fixture *f, const struct directory_login *l, const char *name, struct str password)
{
	struct directory_user u;
	int code = directory_verify(f->d, &f->arena, l, str_from_c(name), password, &u);
	if (code != 0)
		assert_true(u.account == 0 && u.name.n == 0);
	return code;
}

static int verify(struct fixture *f, const char *name, const char *password)
{
	return verify_from(f, &HERE, name, str_from_c(password));
}

static void users(struct fixture *f)
{
	assert_int_equal(directory_domain_add(f->d, STR("x.example"), NULL), 0);
	fixture_users(f, (const char *[]){ "alice@x.example", "bob@x.example", NULL });
}

static void test_verify(void **state)
{
	struct fixture *f = *state;
	struct directory_user u;
	users(f);
	struct str right = STR("password of alice@x.example");
	assert_int_equal(directory_verify(f->d, &f->arena, &HERE, STR("Alice@X.Example"), right, &u), 0);
	assert_int_equal(u.account, 1);
	assert_true(str_eq(u.name, STR("alice@x.example")));
	assert_int_equal(verify_from(f, NULL, "alice@x.example", right), 0);
	assert_int_equal(verify(f, "alice@x.example", "password of Alice@x.example"), ERR_DENIED);
	assert_int_equal(verify(f, "alice@x.example", "password of bob@x.example"), ERR_DENIED);
	assert_int_equal(verify(f, "nobody@x.example", "password of alice@x.example"), ERR_DENIED);
	assert_int_equal(verify(f, "alice@y.example", "password of alice@x.example"), ERR_DENIED);
	assert_int_equal(verify(f, "alice@x.example", ""), ERR_DENIED);
	assert_int_equal(verify(f, "", ""), ERR_DENIED);
	/* crypt(3) stops at a NUL */
	assert_int_equal(verify_from(f, &HERE, "alice@x.example", STR("password of alice@x.example\0x")), ERR_DENIED);
	char endless[2000];
	memset(endless, 'x', sizeof(endless));
	assert_int_equal(verify_from(f, &HERE, "alice@x.example", str_make(endless, sizeof(endless))), ERR_DENIED);
	/* one domain: the name alone will do; two: it will not */
	assert_int_equal(verify(f, "alice", "password of alice@x.example"), 0);
	assert_int_equal(directory_domain_add(f->d, STR("y.example"), NULL), 0);
	assert_int_equal(verify(f, "alice", "password of alice@x.example"), ERR_DENIED);
}

static void test_change_and_disable(void **state)
{
	struct fixture *f = *state;
	struct directory_user u;
	users(f);
	for (int i = 0; i < 3; i++)
		assert_int_equal(verify(f, "alice@x.example", "password of alice@x.example"), 0);
	/* at once, although the old one was verified a moment ago */
	assert_int_equal(directory_user_passwd(f->d, STR("alice@x.example"), STR("another one"), NULL), 0);
	assert_int_equal(verify(f, "alice@x.example", "password of alice@x.example"), ERR_DENIED);
	assert_int_equal(verify(f, "alice@x.example", "another one"), 0);
	assert_int_equal(directory_user_disable(f->d, STR("alice@x.example"), true, NULL), 0);
	assert_int_equal(verify(f, "alice@x.example", "another one"), ERR_DENIED);
	assert_int_equal(directory_user_find(f->d, &f->arena, STR("alice@x.example"), &u), 0);
	assert_true(u.disabled);
	assert_int_equal(directory_user_disable(f->d, STR("alice@x.example"), false, NULL), 0);
	assert_int_equal(verify(f, "alice@x.example", "another one"), 0);
	assert_int_equal(directory_user_del(f->d, STR("alice@x.example"), NULL, NULL), 0);
	assert_int_equal(verify(f, "alice@x.example", "another one"), ERR_DENIED);
	assert_int_equal(directory_user_disable(f->d, STR("alice@x.example"), true, NULL), ERR_NOT_FOUND);
}

/* A keyboard that composes and one that does not send the same password (RFC 4013). */
static void test_unicode_passwords(void **state)
{
	struct fixture *f = *state;
	users(f);
	assert_int_equal(directory_user_passwd(f->d, STR("bob@x.example"), STR("caf\xc3\xa9 au lait"), NULL), 0);
	assert_int_equal(verify(f, "bob@x.example", "caf\xc3\xa9 au lait"), 0);
	assert_int_equal(verify(f, "bob@x.example", "cafe\xcc\x81 au\xc2\xa0lait"), 0);
	assert_int_equal(verify(f, "bob@x.example", "cafe au lait"), ERR_DENIED);
	assert_int_equal(directory_user_passwd(f->d, STR("bob@x.example"), STR("caf\xe9 au lait"), NULL), 0);
	assert_int_equal(verify(f, "bob@x.example", "caf\xe9 au lait"), 0);
}

static void test_imported(void **state)
{
	struct fixture *f = *state;
	struct directory_credentials known, again, stranger;
	users(f);
	/* Openwall's test vectors: "U*U", and one in Latin-1 */
	struct str hash = STR("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
	assert_int_equal(directory_user_import(f->d, STR("old@x.example"), STR("$6$cut"), 9, NULL), ERR_INVALID);
	assert_int_equal(directory_user_import(f->d, STR("old@x.example"), hash, 9, NULL), 0);
	assert_int_equal(directory_user_import(f->d, STR("old@x.example"), hash, 10, NULL), ERR_EXISTS);
	assert_int_equal(verify(f, "old@x.example", "U*U"), 0);
	assert_int_equal(verify(f, "old@x.example", "U*V"), ERR_DENIED);
	/* no SCRAM keys, and nothing that shows it */
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("old@x.example"), &known), 0);
	assert_false(known.has_scram);
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("OLD@x.example"), &again), 0);
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("older@x.example"), &stranger), ERR_NOT_FOUND);
	assert_memory_equal(known.scram.salt, again.scram.salt, 16);
	assert_int_equal(known.scram.iterations, stranger.scram.iterations);
	assert_int_equal(directory_user_passwd(f->d, STR("old@x.example"), STR("brand new"), NULL), 0);
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("old@x.example"), &known), 0);
	assert_true(known.has_scram);
	assert_int_equal(known.user.account, 9);
}

static void test_credentials(void **state)
{
	struct fixture *f = *state;
	struct directory_credentials a, b;
	users(f);
	assert_int_equal(directory_user_secret(f->d, STR("alice@x.example"), STR("tanstaaf"), NULL), 0);
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("alice"), &a), 0);
	assert_true(a.has_scram && str_eq(a.secret, STR("tanstaaf")) && str_eq(a.user.name, STR("alice@x.example")));
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("alice@x.example"), &b), 0);
	assert_memory_equal(&a.scram, &b.scram, sizeof(a.scram));
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("bob@x.example"), &b), 0);
	assert_int_equal(b.secret.n, 0);
	assert_memory_not_equal(a.scram.salt, b.scram.salt, 16);
	/* switched off: the salt stays, the keys do not */
	assert_int_equal(directory_user_disable(f->d, STR("alice@x.example"), true, NULL), 0);
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("alice@x.example"), &b), ERR_NOT_FOUND);
	assert_memory_equal(a.scram.salt, b.scram.salt, 16);
	assert_memory_not_equal(a.scram.stored_key, b.scram.stored_key, 32);
	assert_int_equal(b.secret.n, 0);
}

/* The made-up salt of a name is for ever: across spellings, processes, restarts. */
static void test_made_up(void **state)
{
	struct fixture *f = *state;
	struct directory_credentials first, other, later;
	users(f);
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("ghost@x.example"), &first), ERR_NOT_FOUND);
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("ghosts@x.example"), &other), ERR_NOT_FOUND);
	assert_int_equal(first.scram.iterations, SCRAM_ITERATIONS);
	assert_memory_not_equal(first.scram.salt, other.scram.salt, 16);
	fixture_reopen(f, NULL);
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("Ghost@X.example"), &later), ERR_NOT_FOUND);
	assert_memory_equal(first.scram.salt, later.scram.salt, 16);
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("no\tname"), &first), ERR_NOT_FOUND);
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("no\tname"), &later), ERR_NOT_FOUND);
	assert_memory_equal(first.scram.salt, later.scram.salt, 16);
}

static void test_brake(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .fail_limit = 4, .fail_window_ms = UINT64_MAX };        /* else guesses may fade from one to the next */
	struct directory_credentials cred;
	struct str right = STR("password of bob@x.example");
	users(f);
	fixture_reopen(f, &c);
	/* the same wrong password again and again, with the name in any spelling, is one guess */
	for (int i = 0; i < 20; i++)
		assert_int_equal(verify(f, i % 2 ? "alice@x.example" : "Alice@X.EXAMPLE", "stale password"), ERR_DENIED);
	assert_int_equal(verify(f, "alice@x.example", "guess 2"), ERR_DENIED);
	/* an attacker's own success takes nothing back */
	assert_int_equal(verify_from(f, &HERE, "bob@x.example", right), 0);
	assert_int_equal(verify(f, "alice@x.example", "guess 3"), ERR_DENIED);
	assert_int_equal(verify_from(f, &HERE, "bob@x.example", right), 0);
	assert_int_equal(verify(f, "nobody@x.example", "guess 4"), ERR_DENIED);
	assert_int_equal(verify(f, "alice@x.example", "guess 5"), ERR_BUSY);
	assert_int_equal(verify_from(f, &HERE, "bob@x.example", right), ERR_BUSY);
	assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("alice@x.example"), &cred), ERR_BUSY);
	/* the owner, elsewhere, is not locked out */
	assert_int_equal(verify_from(f, &THERE, "alice@x.example", STR("password of alice@x.example")), 0);

	for (int i = 0; i < 4; i++) {
		assert_int_equal(directory_credentials(f->d, &f->arena, &THERE, STR("alice@x.example"), &cred), 0);
		assert_int_equal(directory_judge(f->d, &THERE, STR("alice@x.example"), true), 0);
		assert_int_equal(directory_judge(f->d, &THERE, STR("alice@x.example"), false), ERR_DENIED);
	}
	assert_int_equal(verify_from(f, &THERE, "alice@x.example", STR("password of alice@x.example")), ERR_BUSY);
}

/* Guesses at one user from everywhere: strangers are slowed, the user's own networks and other users are not. */
static void test_guesses_from_everywhere(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .fail_limit = 1000, .account_limit = 3, .fail_window_ms = UINT64_MAX, .verify_cache_ms = UINT64_MAX };
	struct directory_credentials cred;
	struct str right = STR("password of alice@x.example");
	users(f);
	fixture_reopen(f, &c);
	assert_int_equal(verify_from(f, &HERE, "alice@x.example", right), 0);
	for (int round = 0; round < 2; round++) {
		static const char *const names[] = { "alice@x.example", "ghost@x.example" };
		for (int i = 0; i < 8; i++) {
			char ip[20], guess[20];
			snprintf(ip, sizeof(ip), "203.0.113.%d", i / 2);
			snprintf(guess, sizeof(guess), "a guess, number %d", i / 2);
			struct directory_login l = { .ip = str_from_c(ip), .protocol = "test" };
			/* three guesses, and one of the trickle */
			assert_int_equal(verify_from(f, &l, names[i % 2], str_from_c(guess)), ERR_DENIED);
		}
		assert_int_equal(verify_from(f, &THERE, "Alice@X.Example", right), ERR_BUSY);
		assert_int_equal(verify_from(f, &THERE, "ghost@x.example", right), ERR_BUSY);
		assert_int_equal(directory_credentials(f->d, &f->arena, &THERE, STR("alice@x.example"), &cred), ERR_BUSY);
		assert_int_equal(directory_credentials(f->d, &f->arena, &THERE, STR("ghost@x.example"), &cred), ERR_BUSY);
		assert_int_equal(verify_from(f, &HERE, "alice@x.example", right), 0);
		assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("alice@x.example"), &cred), 0);
		assert_int_equal(verify_from(f, &THERE, "bob@x.example", STR("password of bob@x.example")), 0);
		assert_int_equal(verify_from(f, NULL, "alice@x.example", right), 0);
		fixture_reopen(f, &c);              /* where the user comes from is not forgotten */
	}
	/* a proof of another kind counts as well */
	directory_note_login(f->d, &THERE, STR("alice"));
	for (int i = 0; i < 5; i++)
		assert_int_equal(directory_judge(f->d, NULL, STR("Alice@x.example"), false), ERR_DENIED);
	struct directory_login stranger = { .ip = STR("203.0.113.77"), .protocol = "test" };
	assert_int_equal(directory_credentials(f->d, &f->arena, &stranger, STR("alice@x.example"), &cred), 0);
	assert_int_equal(directory_judge(f->d, &stranger, STR("alice@x.example"), false), ERR_DENIED);               /* the trickle */
	assert_int_equal(directory_judge(f->d, &stranger, STR("alice@x.example"), true), ERR_BUSY);
	assert_int_equal(directory_credentials(f->d, &f->arena, &stranger, STR("alice@x.example"), &cred), ERR_BUSY);
	assert_int_equal(directory_credentials(f->d, &f->arena, &THERE, STR("alice@x.example"), &cred), 0);
	/* who gets the name later does not get the networks */
	assert_int_equal(directory_user_del(f->d, STR("alice@x.example"), NULL, NULL), 0);
	fixture_users(f, (const char *[]){ "alice@x.example", NULL });
	assert_int_equal(directory_credentials(f->d, &f->arena, &THERE, STR("alice@x.example"), &cred), ERR_BUSY);
}

/* That the user has just logged in does not tell a stranger which guess was right. */
static void test_cache_is_no_way_round(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .account_limit = 3, .fail_window_ms = UINT64_MAX };
	struct str right = STR("password of alice@x.example");
	users(f);
	fixture_reopen(f, &c);
	assert_int_equal(verify_from(f, &HERE, "alice@x.example", right), 0);
	for (int i = 0; i < 5; i++)
		directory_judge(f->d, NULL, STR("alice@x.example"), false);
	uint64_t begin = clock_mono_ms();
	assert_int_equal(verify_from(f, &THERE, "alice@x.example", STR("the one that is let through")), ERR_DENIED);
	int code = verify_from(f, &THERE, "alice@x.example", right);
	if (clock_mono_ms() - begin < BRAKE_ACCOUNT_EVERY_MS)
		assert_int_equal(code, ERR_BUSY);
	assert_int_equal(verify_from(f, &HERE, "alice@x.example", right), 0);
}

/* What this thread has computed: pauses that the machine makes do not count. */
static uint64_t cpu_us(void)
{
	struct timespec t;
	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* A stranger with a clock: an unknown user costs a hash as a known one does, a repeated login costs none. */
static void test_cost(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .fail_limit = 1000, .verify_cache_ms = 3600000 };
	uint64_t us[3] = { UINT64_MAX, UINT64_MAX, UINT64_MAX };
	char password[40];
	users(f);
	fixture_reopen(f, &c);
	assert_int_equal(verify(f, "alice@x.example", "password of alice@x.example"), 0);
	for (int i = 0; i < 8; i++) {
		snprintf(password, sizeof(password), "wrong guess %d", i);
		uint64_t t0 = cpu_us();
		assert_int_equal(verify(f, "alice@x.example", password), ERR_DENIED);
		uint64_t t1 = cpu_us();
		assert_int_equal(verify(f, "nobody@x.example", password), ERR_DENIED);
		uint64_t t2 = cpu_us();
		assert_int_equal(verify(f, "alice@x.example", "password of alice@x.example"), 0);
		us[0] = least(us[0], t1 - t0);
		us[1] = least(us[1], t2 - t1);
		us[2] = least(us[2], cpu_us() - t2);
	}
	/* wide, because caches and clock rates are shared with others */
	assert_in_range(us[1], us[0] / 4, us[0] * 4);
	assert_true(us[2] < us[0] / 4);
}

struct worker {
	struct fixture *f;
	int number;
	int wrong_answers;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct arena a = ARENA_INIT(0);
	for (int i = 0; i < 30; i++) {
		struct directory_login l = { .ip = w->number % 2 ? STR("192.0.2.1") : STR("2001:db8::1"), .protocol = "test" };
		struct directory_user u;
		struct directory_credentials c;
		char password[40];
		snprintf(password, sizeof(password), "guess %d of %d", i / 10, w->number);
		int right = directory_verify(w->f->d, &a, &l, STR("alice@x.example"), STR("password of alice@x.example"), &u);
		int wrong = directory_verify(w->f->d, &a, &l, STR("alice@x.example"), str_from_c(password), &u);
		int ghost = directory_credentials(w->f->d, &a, &l, STR("ghost"), &c);
		/* bob's password changes all the time; either answer is right */
		int changing = directory_verify(w->f->d, &a, &l, STR("bob@x.example"), STR("password of bob@x.example"), &u);
		if (i % 10 == w->number)
			directory_user_passwd(w->f->d, STR("bob@x.example"), STR("password of bob@x.example"), NULL);
		w->wrong_answers += right != 0 || wrong != ERR_DENIED || ghost != ERR_NOT_FOUND || changing != 0;
		arena_reset(&a);
	}
	arena_fini(&a);
	return NULL;
}

static void test_threads(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .fail_limit = 1000 };
	struct worker w[4];
	pthread_t threads[4];
	users(f);
	fixture_reopen(f, &c);
	for (int i = 0; i < 4; i++) {
		w[i] = (struct worker){ .f = f, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(w[i].wrong_answers, 0);
	}
}

/* ---- crowds ---- */

#define CROWD 32
struct one { struct fixture *f; struct directory_login from; char name[32], password[64]; pthread_barrier_t *start; int code; };

/* All begin together. Who is told that there is no turn for so many asks again. */
static void *log_in(void *arg)
{
	struct one *o = arg;
	struct arena a = ARENA_INIT(0);
	struct directory_user u;
	pthread_barrier_wait(o->start);
	do
		o->code = directory_verify(o->f->d, &a, &o->from, str_from_c(o->name), str_from_c(o->password), &u);
	while (o->code == ERR_TIMEOUT);
	arena_fini(&a);
	return NULL;
}

/* How many heard `code`. */
static unsigned crowd(struct fixture *f, const struct one like[CROWD], int code)
{
	struct one who[CROWD];
	pthread_t threads[CROWD];
	pthread_barrier_t start;
	unsigned n = 0;
	assert_int_equal(pthread_barrier_init(&start, NULL, CROWD), 0);
	for (int i = 0; i < CROWD; i++) {
		who[i] = like[i];
		who[i].f = f;
		who[i].start = &start;
		assert_int_equal(pthread_create(&threads[i], NULL, log_in, &who[i]), 0);
	}
	for (int i = 0; i < CROWD; i++) {
		pthread_join(threads[i], NULL);
		n += who[i].code == code;
	}
	pthread_barrier_destroy(&start);
	return n;
}

/* An office behind one address, after a power cut: attempts that have not ended are no failures. */
static void test_crowd_of_right(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .fail_limit = 2, .account_limit = 2, .fail_window_ms = UINT64_MAX, .verify_cache_ms = UINT64_MAX };
	struct one who[CROWD];
	users(f);
	fixture_reopen(f, &c);
	assert_int_equal(verify(f, "alice@x.example", "wrong, the only one"), ERR_DENIED);
	for (int i = 0; i < CROWD; i++) {
		who[i] = (struct one){ .from = HERE };
		snprintf(who[i].name, sizeof(who[i].name), "%s@x.example", i % 2 ? "alice" : "bob");
		snprintf(who[i].password, sizeof(who[i].password), "password of %s", who[i].name);
	}
	assert_int_equal(crowd(f, who, 0), CROWD);
}

/* However many guesses are under way at once, as many are answered as one after the other would be; others hear nothing of theirs. */
static void test_crowd_of_wrong(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .fail_limit = 4, .fail_window_ms = UINT64_MAX };
	struct one who[CROWD];
	users(f);
	fixture_reopen(f, &c);
	for (int i = 0; i < CROWD; i++) {
		who[i] = (struct one){ .from = HERE, .name = "alice@x.example" };
		snprintf(who[i].password, sizeof(who[i].password), "guess %d", i);
	}
	assert_int_equal(crowd(f, who, ERR_DENIED), 4);
	assert_int_equal(verify(f, "alice@x.example", "password of alice@x.example"), ERR_BUSY);
	assert_int_equal(verify_from(f, &THERE, "alice@x.example", STR("password of alice@x.example")), 0);
}

/* One that is right among them is told no more than others. */
static void test_crowd_of_both(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .fail_limit = 4, .fail_window_ms = UINT64_MAX };
	struct one who[CROWD];
	users(f);
	fixture_reopen(f, &c);
	for (int i = 0; i < CROWD; i++) {
		who[i] = (struct one){ .from = HERE, .name = "alice@x.example" };
		snprintf(who[i].password, sizeof(who[i].password), i % 2 ? "guess %d" : "password of alice@x.example", i);
	}
	assert_int_equal(crowd(f, who, ERR_DENIED), 4);
}

/* A device with an old password that tries by many connections at once has guessed once. */
static void test_crowd_of_same(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .fail_limit = 4, .account_limit = 4, .fail_window_ms = UINT64_MAX };
	struct one who[CROWD];
	users(f);
	fixture_reopen(f, &c);
	for (int i = 0; i < CROWD; i++)
		who[i] = (struct one){ .from = HERE, .name = "alice@x.example", .password = "the old password" };
	assert_int_equal(crowd(f, who, ERR_DENIED), CROWD);
	assert_int_equal(verify(f, "alice@x.example", "password of alice@x.example"), 0);
}

/* From many networks at one user: likewise. */
static void test_crowd_from_everywhere(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .account_limit = 4, .fail_window_ms = UINT64_MAX };
	struct one who[CROWD];
	char ip[CROWD][20];
	users(f);
	fixture_reopen(f, &c);
	for (int i = 0; i < CROWD; i++) {
		snprintf(ip[i], sizeof(ip[i]), "203.0.113.%d", i);
		who[i] = (struct one){ .from = { .ip = str_from_c(ip[i]), .protocol = "test" }, .name = "alice@x.example" };
		snprintf(who[i].password, sizeof(who[i].password), "guess %d", i);
	}
	/* four guesses, and one of the trickle, of which there can be more when this takes longer than its pause */
	uint64_t begin = clock_mono_ms();
	unsigned told = crowd(f, who, ERR_DENIED);
	assert_in_range(told, 5, 5 + (clock_mono_ms() - begin) / BRAKE_ACCOUNT_EVERY_MS);
}

/* Exchanges that were begun before the limit was reached are judged by what is then. */
static void test_many_exchanges(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .fail_limit = 4, .fail_window_ms = UINT64_MAX };
	struct directory_credentials cred;
	users(f);
	fixture_reopen(f, &c);
	for (int i = 0; i < 10; i++)
		assert_int_equal(directory_credentials(f->d, &f->arena, &HERE, STR("alice@x.example"), &cred), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(directory_judge(f->d, &HERE, STR("alice@x.example"), false), i < 4 ? ERR_DENIED : ERR_BUSY);
	assert_int_equal(directory_judge(f->d, &HERE, STR("alice@x.example"), true), ERR_BUSY);
	assert_int_equal(directory_judge(f->d, &THERE, STR("alice@x.example"), true), 0);
}

static enum store_engine mem = STORE_ENGINE_MEM, lmdb = STORE_ENGINE_LMDB;

#define ON_BOTH(fn) \
	{ #fn " on mem", fn, fixture_setup, fixture_teardown, &mem }, \
	{ #fn " on lmdb", fn, fixture_setup, fixture_teardown, &lmdb }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_verify),
		ON_BOTH(test_change_and_disable),
		ON_BOTH(test_unicode_passwords),
		ON_BOTH(test_imported),
		ON_BOTH(test_credentials),
		ON_BOTH(test_made_up),
		ON_BOTH(test_brake), ON_BOTH(test_guesses_from_everywhere),
		ON_BOTH(test_cost), ON_BOTH(test_cache_is_no_way_round),
		ON_BOTH(test_threads),
		ON_BOTH(test_crowd_of_right), ON_BOTH(test_crowd_of_wrong), ON_BOTH(test_crowd_of_both), ON_BOTH(test_crowd_of_same),
		ON_BOTH(test_crowd_from_everywhere), ON_BOTH(test_many_exchanges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
