#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "directory/hasher.h"
#include "directory/limits.h"
#include "directory/password.h"
#include "rt/crypto.h"

#include <pthread.h>
#include <sched.h>

static void test_rules(void **state)
{
	(void)state;
	char longest[DIRECTORY_PASSWORD_MAX + 1];
	memset(longest, 'x', sizeof(longest));
	static const struct { struct str password; int want; } cases[] = {
		{ STR_INIT("1234567"), ERR_INVALID },
		{ STR_INIT("12345678"), 0 },
		{ STR_INIT("with some spaces in it"), 0 },
		{ STR_INIT("na\xc3\xafve gr\xc3\xbc\xc3\x9f" "e"), 0 },
		{ STR_INIT("latin1 \xe9\xe8\xe7"), 0 },
		{ STR_INIT("tab\tinside"), ERR_INVALID },
		{ STR_INIT("nul\0inside"), ERR_INVALID },
		{ STR_INIT("delete\x7f inside"), ERR_INVALID },
		{ STR_INIT("c1 control \xc2\x85"), ERR_INVALID },
		{ STR_INIT("no-break\xc2\xa0space"), 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };
		if (password_check(cases[i].password, &e) != cases[i].want || (e.code != 0) != (cases[i].want != 0))
			fail_msg("case %zu", i);
	}
	assert_int_equal(password_check(str_make(longest, DIRECTORY_PASSWORD_MAX), NULL), 0);
	assert_int_equal(password_check(str_make(longest, sizeof(longest)), NULL), ERR_INVALID);
	assert_int_equal(password_check_secret(STR("tanstaaf tanstaaf"), NULL), 0);
	assert_int_equal(password_check_secret(STR("tanstaaf\xc3\xa9"), NULL), ERR_INVALID);
	assert_int_equal(password_check_secret(STR("short"), NULL), ERR_INVALID);
}

/* RFC 4013 section 3 and what the profile says about spaces and normal forms. */
static void test_preparation(void **state)
{
	(void)state;
	static const struct { struct str raw; const char *want; } cases[] = {
		{ STR_INIT("I\xc2\xadX"), "IX" },                          /* SOFT HYPHEN mapped to nothing */
		{ STR_INIT("user"), "user" },
		{ STR_INIT("USER"), "USER" },                              /* case preserved */
		{ STR_INIT("\xc2\xaa"), "a" },                             /* NFKC */
		{ STR_INIT("\xe2\x85\xa8"), "IX" },                        /* NFKC */
		{ STR_INIT("e\xcc\x81tude"), "\xc3\xa9tude" },
		{ STR_INIT("a\xc2\xa0" "b"), "a b" },                      /* non-ASCII space to space */
		{ STR_INIT("\xd8\xa7\x31"), "\xd8\xa7\x31" },              /* prohibited by the bidirectional check: as it is */
		{ STR_INIT("\xff\xfe pass"), "\xff\xfe pass" },            /* no UTF-8: as it is */
		{ STR_INIT("\xc2\xad"), "\xc2\xad" },                      /* nothing would be left: as it is */
		{ STR_INIT("\xf0\x9f\x98\x80 laughs"), "\xf0\x9f\x98\x80 laughs" },   /* unassigned in Unicode 3.2: allowed */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct password p;
		assert_int_equal(password_prepare(cases[i].raw, &p), 0);
		assert_string_equal(p.bytes, cases[i].want);
		assert_int_equal(p.n, strlen(cases[i].want));
		password_wipe(&p);
		assert_int_equal(p.n, 0);
	}
	struct password p;
	assert_int_equal(password_prepare(STR(""), &p), ERR_INVALID);
	assert_int_equal(password_prepare(STR("a\0b"), &p), ERR_INVALID);
	/* one character of three bytes that NFKC makes 33 of: too long prepared, so as it is */
	char grows[3 * 80];
	for (size_t i = 0; i < sizeof(grows); i += 3)
		memcpy(grows + i, "\xef\xb7\xba", 3);
	assert_int_equal(password_prepare(str_make(grows, sizeof(grows)), &p), 0);
	assert_int_equal(p.n, sizeof(grows));
}

static void decode(const char *base64, void *out, size_t n)
{
	struct buf b = BUF_INIT(0);
	assert_int_equal(base64_decode(&b, str_from_c(base64)), 0);
	assert_int_equal(b.n, n);
	memcpy(out, b.p, n);
	buf_fini(&b);
}

/* RFC 7677 section 3. */
static void test_scram_vector(void **state)
{
	(void)state;
	static const char auth_message[] =
		"n=user,r=rOprNGfwEbeRWgbNEkqO,"
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
	struct directory_scram s = { .iterations = 4096 };
	struct password p;
	uint8_t proof[32], verifier[32], signature[32], stored[32];
	decode("W22ZaJ0SNY7soEsUEjb6gQ==", s.salt, sizeof(s.salt));
	decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", proof, sizeof(proof));
	decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", verifier, sizeof(verifier));
	assert_int_equal(password_prepare(STR("pencil"), &p), 0);
	assert_int_equal(password_scram_keys(&p, &s), 0);

	assert_int_equal(crypto_hmac_sha256(str_make(s.server_key, 32), str_from_c(auth_message), signature), 0);
	assert_memory_equal(signature, verifier, 32);
	/* ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage); H(ClientKey) = StoredKey */
	assert_int_equal(crypto_hmac_sha256(str_make(s.stored_key, 32), str_from_c(auth_message), signature), 0);
	for (int i = 0; i < 32; i++)
		proof[i] ^= signature[i];
	assert_int_equal(crypto_sha256(str_make(proof, 32), stored), 0);
	assert_memory_equal(stored, s.stored_key, 32);

	struct directory_scram fresh, other;
	assert_int_equal(password_scram(&p, &fresh), 0);
	assert_int_equal(password_scram(&p, &other), 0);
	assert_true(fresh.iterations >= 4096);
	assert_memory_not_equal(fresh.salt, other.salt, sizeof(fresh.salt));
	assert_memory_not_equal(fresh.stored_key, other.stored_key, 32);
}

static void test_hasher(void **state)
{
	(void)state;
	struct hasher *h;
	struct password p, wrong;
	char hash[PASSWORD_HASH_MAX], again[PASSWORD_HASH_MAX];
	bool match;
	assert_int_equal(hasher_create(1, HASH_WAIT_MS, &h), 0);
	assert_int_equal(password_prepare(STR("correct horse"), &p), 0);
	assert_int_equal(password_prepare(STR("correct horsf"), &wrong), 0);
	assert_int_equal(hasher_hash(h, &p, hash), 0);
	assert_int_equal(hasher_hash(h, &p, again), 0);
	assert_true(str_starts(str_from_c(hash), STR("$y$")));
	assert_string_not_equal(hash, again);
	assert_int_equal(hasher_begin(h), 0);
	assert_int_equal(hasher_check(h, &p, str_from_c(hash), &match), 0);
	assert_true(match);
	assert_int_equal(hasher_check(h, &wrong, str_from_c(hash), &match), 0);
	assert_false(match);
	assert_int_equal(hasher_check(h, &p, STR(""), &match), 0);
	assert_false(match);
	hasher_end(h);
	hasher_destroy(&h);
	assert_null(h);
	hasher_destroy(&h);
}

struct turns { struct hasher *h; _Atomic int waiting; int served; };
struct in_line { struct turns *t; int code; };

static void *stand_in_line(void *arg)
{
	struct in_line *i = arg;
	i->t->waiting++;
	i->code = hasher_begin(i->t->h);
	if (i->code == 0) {
		i->t->served++;        /* there is one turn only */
		hasher_end(i->t->h);
	}
	return NULL;
}

/* Who waits gets a turn; who has waited for long enough leaves, and is in nobody's way. */
static void test_turns(void **state)
{
	(void)state;
	enum { N = 8 };
	struct turns t = { .served = 0 };
	struct in_line in_line[N];
	pthread_t threads[N];
	assert_int_equal(hasher_create(1, 1, &t.h), 0);
	assert_int_equal(hasher_begin(t.h), 0);
	for (int i = 0; i < N; i++) {
		in_line[i] = (struct in_line){ .t = &t };
		assert_int_equal(pthread_create(&threads[i], NULL, stand_in_line, &in_line[i]), 0);
	}
	for (int i = 0; i < N; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(in_line[i].code, ERR_TIMEOUT);
	}
	hasher_end(t.h);
	assert_int_equal(hasher_begin(t.h), 0);
	hasher_end(t.h);
	hasher_destroy(&t.h);

	assert_int_equal(hasher_create(1, (uint64_t)3600 * 1000, &t.h), 0);
	assert_int_equal(hasher_begin(t.h), 0);
	for (int i = 0; i < N; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, stand_in_line, &in_line[i]), 0);
	while (t.waiting < 2 * N)
		sched_yield();
	hasher_end(t.h);
	for (int i = 0; i < N; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(in_line[i].code, 0);
	}
	assert_int_equal(t.served, N);
	hasher_destroy(&t.h);
}

static void test_imports(void **state)
{
	(void)state;
	/* Openwall's crypt_blowfish test vector: "U*U" */
	static const char bcrypt[] = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
	/* The SHA-crypt specification's test vector: "Hello world!" */
	static const char sha512[] = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJ"
								 "uesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
	struct hasher *h;
	struct password p;
	bool match;
	assert_int_equal(hasher_create(1, HASH_WAIT_MS, &h), 0);
	assert_int_equal(hasher_check_import(h, str_from_c(bcrypt)), 0);
	assert_int_equal(hasher_check_import(h, str_from_c(sha512)), 0);
	assert_int_equal(hasher_begin(h), 0);
	assert_int_equal(password_prepare(STR("U*U"), &p), 0);
	assert_int_equal(hasher_check(h, &p, str_from_c(bcrypt), &match), 0);
	assert_true(match);
	assert_int_equal(password_prepare(STR("Hello world!"), &p), 0);
	assert_int_equal(hasher_check(h, &p, str_from_c(sha512), &match), 0);
	assert_true(match);
	assert_int_equal(hasher_check(h, &p, str_from_c(bcrypt), &match), 0);
	assert_false(match);
	hasher_end(h);
	static const char *const refused[] = {
		"", "x", "$6$", "$6$saltstring$", "$6$saltstring$tooshort", "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
		"rl0uE0jfPRvtk",
		"$2a$05$CCCCCCCCCCCCCCCCCCCCC.", "$y$j9T$", "*0",
		"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWx",
	};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (hasher_check_import(h, str_from_c(refused[i])) != ERR_INVALID)
			fail_msg("\"%s\" was accepted", refused[i]);
	hasher_destroy(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_preparation),
		cmocka_unit_test(test_scram_vector),
		cmocka_unit_test(test_hasher), cmocka_unit_test(test_turns),
		cmocka_unit_test(test_imports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
