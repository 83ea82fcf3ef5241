/* SCRAM by hand, after RFC 5802 and RFC 7677: bindings, what is no message of it, and what strangers learn. */
#include "proto/common/sasl_fixture.h"

#include "rt/crypto.h"

/* SCRAM by hand, after RFC 5802 section 3: gs2 is the header ("n,,"), binding what is bound. */
struct by_hand {
	const char *mechanism, *gs2, *binding, *password;
};

static enum sasl_result scram_hand(struct exchange *e, const struct by_hand *h)
{
	struct world *w = e->w;
	bool sha1 = strstr(h->mechanism, "SHA-1") != NULL;
	size_t size = sha1 ? CRYPTO_SHA1_SIZE : CRYPTO_SHA256_SIZE;
	int (*hmac)(struct str, struct str, uint8_t *) = sha1 ? crypto_hmac_sha1 : crypto_hmac_sha256;
	struct str bare = STR("n=user,r=fyko+d2lbbFgONRv9qkxdawL");
	enum sasl_result r = exchange_start(e, h->mechanism, to_base64(w, arena_printf(&w->arena, "%s%.*s", h->gs2, STR_ARG(bare))));
	if (r != SASL_CONTINUE)
		return r;
	struct str first = arena_dup(&w->arena, buf_str(&e->reply)), nonce, rest, salt, iterations;
	assert_true(str_cut(first, ',', &nonce, &rest) && str_cut(rest, ',', &salt, &iterations));
	struct buf bytes = BUF_INIT(0);
	unsigned n = 0;
	assert_int_equal(base64_decode(&bytes, str_from(salt, 2)), 0);
	for (size_t i = 2; i < iterations.n; i++)
		n = n * 10 + (unsigned)(iterations.p[i] - '0');
	struct str bound = arena_printf(&w->arena, "%s%s", h->gs2, h->binding);
	struct str final = arena_printf(&w->arena, "c=%.*s,%.*s", STR_ARG(to_base64(w, bound)), STR_ARG(nonce));
	struct str message = arena_printf(&w->arena, "%.*s,%.*s,%.*s", STR_ARG(bare), STR_ARG(first), STR_ARG(final));

	uint8_t salted[32], client_key[32], stored_key[32], signature[32], server_key[32];
	assert_int_equal((sha1 ? crypto_pbkdf2_sha1 : crypto_pbkdf2_sha256)(str_from_c(h->password), buf_str(&bytes), n, salted, size), 0);
	assert_int_equal(hmac(str_make(salted, size), STR("Client Key"), client_key), 0);
	assert_int_equal(hmac(str_make(salted, size), STR("Server Key"), server_key), 0);
	assert_int_equal((sha1 ? crypto_sha1 : crypto_sha256)(str_make(client_key, size), stored_key), 0);
	assert_int_equal(hmac(str_make(stored_key, size), message, signature), 0);
	for (size_t i = 0; i < size; i++)
		client_key[i] ^= signature[i];
	struct str proof = to_base64(w, str_make(client_key, size));
	buf_fini(&bytes);
	r = exchange_step(e, arena_printf(&w->arena, "%.*s,p=%.*s", STR_ARG(final), STR_ARG(proof)));
	if (r != SASL_CONTINUE)
		return r;
	assert_int_equal(hmac(str_make(server_key, size), message, signature), 0);
	struct str verifier = arena_printf(&w->arena, "v=%.*s", STR_ARG(to_base64(w, str_make(signature, size))));
	assert_true(str_eq(buf_str(&e->reply), verifier));
	return exchange_step(e, STR(""));
}

static enum sasl_result scram_by_hand(struct exchange *e, const char *gs2, const char *password)
{
	struct by_hand h = { "SCRAM-SHA-256", gs2, "", password };
	return scram_hand(e, &h);
}

/* Both hashes; both bindings, and what is bound to something else. */
static void test_bindings(void **state)
{
	struct world *w = *state;
	static const struct { struct by_hand h; enum sasl_result want; } cases[] = {
		{ { "SCRAM-SHA-1", "n,,", "", "pencil case" }, SASL_DONE },
		{ { "SCRAM-SHA-1", "n,,", "", "pencil" }, SASL_FAILED },
		{ { "SCRAM-SHA-1-PLUS", "p=tls-exporter,,", CONN_FAKE_BINDING, "pencil case" }, SASL_DONE },
		{ { "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", CONN_FAKE_BINDING, "pencil case" }, SASL_DONE },
		{ { "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", CONN_FAKE_END_POINT, "pencil case" }, SASL_DONE },
		{ { "SCRAM-SHA-1-PLUS", "p=tls-server-end-point,,", CONN_FAKE_END_POINT, "pencil case" }, SASL_DONE },
		{ { "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", CONN_FAKE_BINDING, "pencil case" }, SASL_FAILED },
		{ { "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", CONN_FAKE_END_POINT, "pencil case" }, SASL_FAILED },
		{ { "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "", "pencil case" }, SASL_FAILED },
		{ { "SCRAM-SHA-256-PLUS", "p=tls-unique,,", CONN_FAKE_BINDING, "pencil case" }, SASL_FAILED },
		{ { "SCRAM-SHA-256-PLUS", "n,,", "", "pencil case" }, SASL_FAILED },
	};
	w->tls.end_point = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct exchange e = { .w = w, .c = &w->tls };
		if (scram_hand(&e, &cases[i].h) != cases[i].want)
			fail_msg("case %zu", i);
		exchange_end(&e);
	}
	/* a certificate alone is enough for -PLUS */
	w->old_tls.end_point = true;
	check_offer(w, &w->old_tls, "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN");
}

/* A man in the middle takes -PLUS out of the offer: the client says, signed, that it would have bound (RFC 5802
 * section 6). */
static void test_downgrade(void **state)
{
	struct world *w = *state;
	static const struct { const char *gs2; char where; enum sasl_result want; } cases[] = {
		{ "n,,", 't', SASL_DONE }, { "y,,", 't', SASL_FAILED }, { "y,,", 'o', SASL_DONE }, { "y,,", 'p', SASL_DONE },
		{ "n,a=tim,", 'p', SASL_FAILED }, { "n,a=user,", 'p', SASL_DONE }, { "n,a=us=er,", 'p', SASL_FAILED },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conn *c = cases[i].where == 't' ? &w->tls : cases[i].where == 'o' ? &w->old_tls : &w->plain;
		struct exchange e = { .w = w, .c = c };
		if (scram_by_hand(&e, cases[i].gs2, "pencil case") != cases[i].want)
			fail_msg("case %zu", i);
		exchange_end(&e);
	}
	struct exchange e = { .w = w, .c = &w->plain };
	assert_int_equal(scram_by_hand(&e, "n,,", "pencil"), SASL_FAILED);
	exchange_end(&e);
}

static void test_scram_syntax(void **state)
{
	struct world *w = *state;
	static const char *const bad_first[] = {
		"", "n", "n,,", "n,,n=user", "n,,n=,r=abc", "x,,n=user,r=abc", "n,,m=ext,n=user,r=abc", "n,,r=abc,n=user",
		"n,,n=us=er,r=abc",
	};
	for (size_t i = 0; i < sizeof(bad_first) / sizeof(bad_first[0]); i++) {
		struct exchange e = { .w = w, .c = &w->tls };
		assert_int_equal(exchange_start(&e, "SCRAM-SHA-256", STR_NONE), SASL_CONTINUE);
		enum sasl_result r = exchange_step(&e, str_from_c(bad_first[i]));
		if (r != SASL_MALFORMED && r != SASL_FAILED)
			fail_msg("\"%s\": %d", bad_first[i], (int)r);
		exchange_end(&e);
	}
	struct exchange e = { .w = w, .c = &w->tls };
	/* a client that binds where nothing is bound (RFC 5802 section 6) */
	assert_int_equal(exchange_start(&e, "SCRAM-SHA-256", to_base64(w, STR("p=tls-exporter,,n=user,r=abc"))), SASL_FAILED);
	/* -PLUS, and the client does not bind, or by something that does not exist in TLS 1.3 */
	assert_int_equal(exchange_start(&e, "SCRAM-SHA-256-PLUS", to_base64(w, STR("n,,n=user,r=abc"))), SASL_FAILED);
	assert_int_equal(exchange_start(&e, "SCRAM-SHA-256-PLUS", to_base64(w, STR("y,,n=user,r=abc"))), SASL_FAILED);
	assert_int_equal(exchange_start(&e, "SCRAM-SHA-256-PLUS", to_base64(w, STR("p=tls-unique,,n=user,r=abc"))), SASL_FAILED);
	assert_int_equal(exchange_start(&e, "SCRAM-SHA-256", to_base64(w, STR("n,,n=user,r=a\0c"))), SASL_MALFORMED);
	/* a nonce that is not ours */
	assert_int_equal(exchange_start(&e, "SCRAM-SHA-256", to_base64(w, STR("n,,n=user,r=abc"))), SASL_CONTINUE);
	assert_int_equal(exchange_step(&e, STR("c=biws,r=abc,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")), SASL_FAILED);
	exchange_end(&e);
}

static void server_first(struct world *w, const char *name, struct buf *out)
{
	struct exchange e = { .w = w, .c = &w->tls };
	struct str first = arena_printf(&w->arena, "n,,n=%s,r=abc", name);
	assert_int_equal(exchange_start(&e, "SCRAM-SHA-256", to_base64(w, first)), SASL_CONTINUE);
	/* without the nonce, which is new each time */
	size_t at = str_find(buf_str(&e.reply), STR(",s="));
	assert_true(at != STR_NPOS && at > strlen("r=abc") + 16);
	buf_reset(out);
	buf_add_str(out, str_from(buf_str(&e.reply), at));
	exchange_end(&e);
}

/* Whoever asks for the salt of a name learns nothing about whether it exists. */
static void test_strangers_look_alike(void **state)
{
	struct world *w = *state;
	struct buf known = BUF_INIT(0), stranger = BUF_INIT(0), again = BUF_INIT(0);
	server_first(w, "user", &known);
	server_first(w, "stranger", &stranger);
	server_first(w, "Stranger@x.example", &again);
	assert_int_equal(known.n, stranger.n);
	assert_false(str_eq(buf_str(&known), buf_str(&stranger)));
	assert_true(str_eq(buf_str(&stranger), buf_str(&again)));
	/* the iterations */
	assert_true(str_eq(str_from(buf_str(&known), known.n - 8), str_from(buf_str(&stranger), stranger.n - 8)));
	server_first(w, "user@x.example", &again);
	assert_true(str_eq(buf_str(&known), buf_str(&again)));
	buf_fini(&known);
	buf_fini(&stranger);
	buf_fini(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bindings),
		TEST(test_downgrade),
		TEST(test_scram_syntax),
		TEST(test_strangers_look_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
