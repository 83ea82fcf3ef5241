/* The mechanisms against clients: messages written by hand from the RFCs, and GNU SASL's client side for whole
 * exchanges. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "proto/common/conn_fake.h"
#include "proto/common/sasl.h"
#include "rt/crypto.h"

#include <gsasl.h>

struct world {
	struct store *store;
	struct directory *d;
	struct services *services;
	const struct mail_config *config;
	struct conn plain, tls, old_tls;
	struct arena arena;
};

static void configure(struct world *w, bool allow_plain)
{
	struct mail_config c = mail_config_defaults();
	c.allow_plain_without_tls = allow_plain;
	mail_config_unref(&w->config);
	assert_int_equal(services_set_config(w->services, &c), 0);
	w->config = services_config(w->services);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };
	struct directory_config limits = { .fail_limit = 12 };
	assert_int_equal(store_open(&c, &w->store, NULL), 0);
	assert_int_equal(directory_open(w->store, &limits, &w->d, NULL), 0);
	assert_int_equal(directory_domain_add(w->d, STR("x.example"), NULL), 0);
	assert_int_equal(directory_user_add(w->d, STR("user@x.example"), STR("pencil case"), 5, NULL), 0);
	assert_int_equal(directory_user_add(w->d, STR("tim@x.example"), STR("other pencil"), 6, NULL), 0);
	assert_int_equal(services_create(NULL, w->d, &w->services), 0);
	w->plain = (struct conn){ .ip = "192.0.2.1" };
	w->tls = (struct conn){ .ip = "192.0.2.2", .tls = true, .exporter = true };
	w->old_tls = (struct conn){ .ip = "192.0.2.3", .tls = true };
	arena_init(&w->arena, 0);
	configure(w, false);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	arena_fini(&w->arena);
	mail_config_unref(&w->config);
	services_destroy(&w->services);
	directory_close(&w->d);
	store_close(&w->store);
	free(w);
	return 0;
}

/* ---- one exchange ---- */

struct exchange {
	struct world *w;
	struct conn *c;
	struct sasl *x;
	struct buf reply;       /* decoded */
	int code;
};

static struct str to_base64(struct world *w, struct str s)
{
	struct buf b = BUF_INIT(0);
	base64_encode(&b, s);
	struct str text = arena_dup(&w->arena, b.n ? buf_str(&b) : STR(""));
	buf_fini(&b);
	return text;
}

static void keep_reply(struct exchange *e, struct buf *base64)
{
	buf_reset(&e->reply);
	assert_int_equal(base64_decode(&e->reply, buf_str(base64)), 0);
	buf_fini(base64);
}

static enum sasl_result start(struct exchange *e, const char *mechanism, struct str initial_base64)
{
	struct buf reply = BUF_INIT(0);
	struct world *w = e->w;
	enum sasl_result r = sasl_start(e->c, w->services, w->config, "test", str_from_c(mechanism), initial_base64, &e->x,
									&reply, &e->code);
	assert_int_equal(e->x != NULL, r == SASL_CONTINUE || r == SASL_DONE);
	assert_true(r == SASL_CONTINUE || reply.n == 0);
	keep_reply(e, &reply);
	return r;
}

static enum sasl_result step(struct exchange *e, struct str message)
{
	struct buf reply = BUF_INIT(0);
	enum sasl_result r = sasl_step(e->x, to_base64(e->w, message), &reply, &e->code);
	assert_true(r == SASL_CONTINUE || reply.n == 0);
	keep_reply(e, &reply);
	return r;
}

static void end(struct exchange *e)
{
	sasl_destroy(&e->x);
	assert_null(e->x);
	buf_fini(&e->reply);
}

static void check_user(struct exchange *e, const char *name)
{
	assert_true(str_eq(sasl_user(e->x)->name, str_from_c(name)));
	assert_true(sasl_user(e->x)->account >= 5);
}

/* ---- what is offered ---- */

static void check_offer(struct world *w, struct conn *c, const char *want)
{
	struct buf b = BUF_INIT(0);
	sasl_mechanisms(c, w->config, &b);
	if (!str_eq(buf_str(&b), str_from_c(want)))
		fail_msg("expected \"%s\", found \"%.*s\"", want, STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

static void test_offers(void **state)
{
	struct world *w = *state;
	struct exchange e = { .w = w, .c = &w->plain };
	check_offer(w, &w->plain, "SCRAM-SHA-256 SCRAM-SHA-1");
	check_offer(w, &w->tls, "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN");
	check_offer(w, &w->old_tls, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN");
	assert_int_equal(directory_user_secret(w->d, STR("tim@x.example"), STR("tanstaaftanstaaf"), NULL), 0);
	check_offer(w, &w->plain, "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5");
	assert_int_equal(start(&e, "PLAIN", STR_NONE), SASL_NEEDS_TLS);
	assert_int_equal(start(&e, "login", STR_NONE), SASL_NEEDS_TLS);
	assert_int_equal(start(&e, "SCRAM-SHA-256-PLUS", STR_NONE), SASL_UNKNOWN);
	assert_int_equal(start(&e, "DIGEST-MD5", STR_NONE), SASL_UNKNOWN);
	assert_int_equal(start(&e, "", STR_NONE), SASL_UNKNOWN);
	configure(w, true);
	check_offer(w, &w->plain, "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN");
	assert_int_equal(start(&e, "PLAIN", STR_NONE), SASL_CONTINUE);
	assert_int_equal(e.reply.n, 0);
	end(&e);
}

/* ---- PLAIN and LOGIN ---- */

static void test_plain(void **state)
{
	struct world *w = *state;
	static const struct { struct str message; enum sasl_result want; } cases[] = {
		{ STR_INIT("\0user@x.example\0pencil case"), SASL_DONE },
		{ STR_INIT("\0user\0pencil case"), SASL_DONE },
		{ STR_INIT("user@x.example\0user\0pencil case"), SASL_DONE },
		{ STR_INIT("USER\0user\0pencil case"), SASL_DONE },
		{ STR_INIT("tim@x.example\0user\0pencil case"), SASL_FAILED },
		{ STR_INIT("nobody\0user\0pencil case"), SASL_FAILED },
		{ STR_INIT("\0user\0pencil"), SASL_FAILED },
		{ STR_INIT("\0nobody\0pencil case"), SASL_FAILED },
		{ STR_INIT("\0\0pencil case"), SASL_MALFORMED },
		{ STR_INIT("\0user\0"), SASL_MALFORMED },
		{ STR_INIT("\0user"), SASL_MALFORMED },
		{ STR_INIT("user"), SASL_MALFORMED },
		{ STR_INIT(""), SASL_MALFORMED },
		{ STR_INIT("\0user\0pencil case\0"), SASL_MALFORMED },
	};
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct exchange e = { .w = w, .c = &w->tls };
		struct str message = cases[i / 2].message;
		enum sasl_result r;
		if (i % 2) {
			r = start(&e, "PLAIN", message.n ? to_base64(w, message) : STR("="));
		} else {
			assert_int_equal(start(&e, "plain", STR_NONE), SASL_CONTINUE);
			r = step(&e, message);
		}
		if (r != cases[i / 2].want)
			fail_msg("case %zu: %d", i / 2, (int)r);
		if (r == SASL_DONE)
			check_user(&e, "user@x.example");
		if (r == SASL_FAILED)
			assert_int_equal(e.code, ERR_DENIED);
		end(&e);
	}
}

static void test_broken_base64(void **state)
{
	struct world *w = *state;
	static const char *const broken[] = { "!", "AHVzZXI", "AHVzZXIA=", "AHVz ZXIAcGVuY2lsIGNhc2U=", "====", "*" };
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct exchange e = { .w = w, .c = &w->tls };
		struct buf reply = BUF_INIT(0);
		assert_int_equal(start(&e, "PLAIN", str_from_c(broken[i])), SASL_MALFORMED);
		assert_int_equal(start(&e, "PLAIN", STR_NONE), SASL_CONTINUE);
		assert_int_equal(sasl_step(e.x, str_from_c(broken[i]), &reply, &e.code), SASL_MALFORMED);
		assert_int_equal(reply.n, 0);
		buf_fini(&reply);
		end(&e);
	}
	char endless[SASL_MESSAGE_MAX + 4];
	struct exchange e = { .w = w, .c = &w->tls };
	memset(endless, 'A', sizeof(endless));
	assert_int_equal(start(&e, "PLAIN", str_make(endless, sizeof(endless))), SASL_MALFORMED);
	end(&e);
}

static void test_login(void **state)
{
	struct world *w = *state;
	struct exchange e = { .w = w, .c = &w->tls };
	assert_int_equal(start(&e, "LOGIN", STR_NONE), SASL_CONTINUE);
	assert_true(str_eq(buf_str(&e.reply), STR("Username:")));
	assert_int_equal(step(&e, STR("user")), SASL_CONTINUE);
	assert_true(str_eq(buf_str(&e.reply), STR("Password:")));
	assert_int_equal(step(&e, STR("pencil case")), SASL_DONE);
	check_user(&e, "user@x.example");
	end(&e);
	assert_int_equal(start(&e, "LOGIN", to_base64(w, STR("user"))), SASL_CONTINUE);
	assert_true(str_eq(buf_str(&e.reply), STR("Password:")));
	assert_int_equal(step(&e, STR("wrong")), SASL_FAILED);
	end(&e);
	assert_int_equal(start(&e, "LOGIN", STR_NONE), SASL_CONTINUE);
	assert_int_equal(step(&e, STR("")), SASL_MALFORMED);
	end(&e);
	/* cancelled in the middle: nothing is left, and nothing is counted */
	for (int i = 0; i < 20; i++) {
		assert_int_equal(start(&e, "LOGIN", to_base64(w, STR("user"))), SASL_CONTINUE);
		end(&e);
	}
	assert_int_equal(start(&e, "LOGIN", to_base64(w, STR("user"))), SASL_CONTINUE);
	assert_int_equal(step(&e, STR("pencil case")), SASL_DONE);
	end(&e);
}

/* ---- with GNU SASL's client ---- */

struct client {
	const char *mechanism, *name, *authzid, *password;
	bool binds;             /* has a channel binding to give */
	bool other_channel;
};

static int client_answer(Gsasl *context, Gsasl_session *session, Gsasl_property p)
{
	const struct client *c = gsasl_session_hook_get(session);
	(void)context;
	if (p == GSASL_AUTHID)
		return gsasl_property_set(session, p, c->name);
	if (p == GSASL_AUTHZID && c->authzid)
		return gsasl_property_set(session, p, c->authzid);
	if (p == GSASL_PASSWORD)
		return gsasl_property_set(session, p, c->password);
	if (p == GSASL_CB_TLS_EXPORTER && c->binds) {
		struct buf b = BUF_INIT(0);
		base64_encode(&b, c->other_channel ? STR("somebody in the middle, 32 octets") : STR(CONN_FAKE_BINDING));
		int rc = gsasl_property_set_raw(session, p, b.p, b.n);
		buf_fini(&b);
		return rc;
	}
	return GSASL_NO_CALLBACK;
}

/* Plays the whole exchange; *accepted_out: the client is content with the server as well. */
static enum sasl_result play(struct exchange *e, const struct client *c, bool *accepted_out)
{
	Gsasl *context;
	Gsasl_session *session;
	char *out;
	size_t n;
	bool cram = strcmp(c->mechanism, "CRAM-MD5") == 0;
	struct client copy = *c;
	assert_int_equal(gsasl_init(&context), GSASL_OK);
	gsasl_callback_set(context, client_answer);
	assert_int_equal(gsasl_client_start(context, c->mechanism, &session), GSASL_OK);
	gsasl_session_hook_set(session, &copy);
	enum sasl_result r = start(e, c->mechanism, STR_NONE);
	int rc = GSASL_NEEDS_MORE;
	while (r == SASL_CONTINUE) {
		rc = gsasl_step(session, e->reply.n ? e->reply.p : "", e->reply.n, &out, &n);
		if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
			fail_msg("the client stops: %s", gsasl_strerror_name(rc));
		r = step(e, str_make(out ? out : "", n));
		gsasl_free(out);
	}
	*accepted_out = rc == GSASL_OK || (cram && r == SASL_DONE);
	gsasl_finish(session);
	gsasl_done(context);
	return r;
}

static void test_whole_exchanges(void **state)
{
	struct world *w = *state;
	assert_int_equal(directory_user_secret(w->d, STR("tim@x.example"), STR("tanstaaftanstaaf"), NULL), 0);
	static const struct { struct client client; char where; enum sasl_result want; } cases[] = {
		{ { "SCRAM-SHA-256", "user", NULL, "pencil case", false, false }, 'p', SASL_DONE },
		{ { "SCRAM-SHA-256", "user@x.example", NULL, "pencil case", false, false }, 't', SASL_DONE },
		{ { "SCRAM-SHA-256", "User@X.example", "user@x.example", "pencil case", false, false }, 't', SASL_DONE },
		{ { "SCRAM-SHA-256", "user", "tim@x.example", "pencil case", false, false }, 't', SASL_FAILED },
		{ { "SCRAM-SHA-256", "user", NULL, "pencil", false, false }, 't', SASL_FAILED },
		{ { "SCRAM-SHA-256", "nobody", NULL, "pencil case", false, false }, 't', SASL_FAILED },
		{ { "SCRAM-SHA-256-PLUS", "user", NULL, "pencil case", true, false }, 't', SASL_DONE },
		{ { "SCRAM-SHA-256-PLUS", "user", NULL, "pencil", true, false }, 't', SASL_FAILED },
		/* a man in the middle has another channel on each side */
		{ { "SCRAM-SHA-256-PLUS", "user", NULL, "pencil case", true, true }, 't', SASL_FAILED },
		{ { "CRAM-MD5", "tim", NULL, "tanstaaftanstaaf", false, false }, 'p', SASL_DONE },
		{ { "CRAM-MD5", "tim@x.example", NULL, "tanstaaftanstaag", false, false }, 'p', SASL_FAILED },
		{ { "CRAM-MD5", "user", NULL, "pencil case", false, false }, 'p', SASL_FAILED },
		{ { "CRAM-MD5", "nobody", NULL, "tanstaaftanstaaf", false, false }, 'p', SASL_FAILED },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conn *c = cases[i].where == 't' ? &w->tls : cases[i].where == 'o' ? &w->old_tls : &w->plain;
		struct exchange e = { .w = w, .c = c };
		bool accepted;
		enum sasl_result r = play(&e, &cases[i].client, &accepted);
		if (r != cases[i].want || (r == SASL_DONE && !accepted))
			fail_msg("case %zu: %d, the client is %scontent", i, (int)r, accepted ? "" : "not ");
		if (r == SASL_DONE)
			check_user(&e, str_starts(str_from_c(cases[i].client.name), STR("t")) ? "tim@x.example" : "user@x.example");
		if (r == SASL_FAILED)
			assert_int_equal(e.code, ERR_DENIED);
		end(&e);
	}
}

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
	enum sasl_result r = start(e, h->mechanism, to_base64(w, arena_printf(&w->arena, "%s%.*s", h->gs2, STR_ARG(bare))));
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
	r = step(e, arena_printf(&w->arena, "%.*s,p=%.*s", STR_ARG(final), STR_ARG(proof)));
	if (r != SASL_CONTINUE)
		return r;
	assert_int_equal(hmac(str_make(server_key, size), message, signature), 0);
	struct str verifier = arena_printf(&w->arena, "v=%.*s", STR_ARG(to_base64(w, str_make(signature, size))));
	assert_true(str_eq(buf_str(&e->reply), verifier));
	return step(e, STR(""));
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
		end(&e);
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
		end(&e);
	}
	struct exchange e = { .w = w, .c = &w->plain };
	assert_int_equal(scram_by_hand(&e, "n,,", "pencil"), SASL_FAILED);
	end(&e);
}

/* RFC 2195 section 2: the digest for a challenge that we made, computed here. */
static void test_cram_md5_by_hand(void **state)
{
	struct world *w = *state;
	struct exchange e = { .w = w, .c = &w->plain };
	uint8_t digest[CRYPTO_MD5_SIZE];
	assert_int_equal(directory_user_secret(w->d, STR("tim@x.example"), STR("tanstaaftanstaaf"), NULL), 0);
	for (int wrong = 0; wrong < 2; wrong++) {
		struct buf answer = BUF_INIT(0);
		assert_int_equal(start(&e, "CRAM-MD5", STR_NONE), SASL_CONTINUE);
		/* msg-id of RFC 822 */
		assert_true(str_starts(buf_str(&e.reply), STR("<")) && str_ends(buf_str(&e.reply), STR(">")));
		assert_true(str_chr(buf_str(&e.reply), '@') != STR_NPOS);
		assert_int_equal(crypto_hmac_md5(STR("tanstaaftanstaaf"), buf_str(&e.reply), digest), 0);
		buf_add_lit(&answer, "tim ");
		hex_encode(&answer, str_make(digest, sizeof(digest)));
		if (wrong)
			answer.p[answer.n - 1] = answer.p[answer.n - 1] == 'f' ? '0' : 'f';
		assert_int_equal(step(&e, buf_str(&answer)), wrong ? SASL_FAILED : SASL_DONE);
		buf_fini(&answer);
		end(&e);
	}
	/* RFC 4422 section 5: no initial response where the server speaks first */
	assert_int_equal(start(&e, "CRAM-MD5", STR("=")), SASL_MALFORMED);
	assert_int_equal(start(&e, "CRAM-MD5", to_base64(w, STR("tim x"))), SASL_MALFORMED);
	assert_int_equal(start(&e, "CRAM-MD5", STR_NONE), SASL_CONTINUE);
	assert_int_equal(step(&e, STR("")), SASL_MALFORMED);
	end(&e);
	assert_int_equal(start(&e, "CRAM-MD5", STR_NONE), SASL_CONTINUE);
	assert_int_equal(step(&e, STR("tim")), SASL_MALFORMED);
	end(&e);
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
		assert_int_equal(start(&e, "SCRAM-SHA-256", STR_NONE), SASL_CONTINUE);
		enum sasl_result r = step(&e, str_from_c(bad_first[i]));
		if (r != SASL_MALFORMED && r != SASL_FAILED)
			fail_msg("\"%s\": %d", bad_first[i], (int)r);
		end(&e);
	}
	struct exchange e = { .w = w, .c = &w->tls };
	/* a client that binds where nothing is bound (RFC 5802 section 6) */
	assert_int_equal(start(&e, "SCRAM-SHA-256", to_base64(w, STR("p=tls-exporter,,n=user,r=abc"))), SASL_FAILED);
	/* -PLUS, and the client does not bind, or by something that does not exist in TLS 1.3 */
	assert_int_equal(start(&e, "SCRAM-SHA-256-PLUS", to_base64(w, STR("n,,n=user,r=abc"))), SASL_FAILED);
	assert_int_equal(start(&e, "SCRAM-SHA-256-PLUS", to_base64(w, STR("y,,n=user,r=abc"))), SASL_FAILED);
	assert_int_equal(start(&e, "SCRAM-SHA-256-PLUS", to_base64(w, STR("p=tls-unique,,n=user,r=abc"))), SASL_FAILED);
	assert_int_equal(start(&e, "SCRAM-SHA-256", to_base64(w, STR("n,,n=user,r=a\0c"))), SASL_MALFORMED);
	/* a nonce that is not ours */
	assert_int_equal(start(&e, "SCRAM-SHA-256", to_base64(w, STR("n,,n=user,r=abc"))), SASL_CONTINUE);
	assert_int_equal(step(&e, STR("c=biws,r=abc,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")), SASL_FAILED);
	end(&e);
}

static void server_first(struct world *w, const char *name, struct buf *out)
{
	struct exchange e = { .w = w, .c = &w->tls };
	struct str first = arena_printf(&w->arena, "n,,n=%s,r=abc", name);
	assert_int_equal(start(&e, "SCRAM-SHA-256", to_base64(w, first)), SASL_CONTINUE);
	/* without the nonce, which is new each time */
	size_t at = str_find(buf_str(&e.reply), STR(",s="));
	assert_true(at != STR_NPOS && at > strlen("r=abc") + 16);
	buf_reset(out);
	buf_add_str(out, str_from(buf_str(&e.reply), at));
	end(&e);
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

/* Failed proofs of any kind count together; then all kinds are refused, as a temporary thing. */
static void test_brake(void **state)
{
	struct world *w = *state;
	struct client wrong = { .mechanism = "SCRAM-SHA-256", .name = "user", .password = "pencil" };
	struct client right = { .mechanism = "SCRAM-SHA-256", .name = "user", .password = "pencil case" };
	bool accepted;
	for (int i = 0; i < 12; i++) {
		struct exchange e = { .w = w, .c = &w->tls };
		assert_int_equal(play(&e, &wrong, &accepted), SASL_FAILED);
		assert_int_equal(e.code, ERR_DENIED);
		end(&e);
	}
	struct exchange e = { .w = w, .c = &w->tls };
	assert_int_equal(play(&e, &right, &accepted), SASL_FAILED);
	assert_int_equal(e.code, ERR_BUSY);
	end(&e);
	assert_int_equal(start(&e, "PLAIN", to_base64(w, STR("\0user\0pencil case"))), SASL_FAILED);
	assert_int_equal(e.code, ERR_BUSY);
	e.c = &w->plain;
	assert_int_equal(play(&e, &right, &accepted), SASL_DONE);
	end(&e);
}

static void test_external(void **state)
{
	struct world *w = *state;
	static const struct { const char *addresses[2]; struct str authzid; enum sasl_result want; const char *user; } cases[] = {
		{ { "user@x.example" }, STR_INIT("="), SASL_DONE, "user@x.example" },
		{ { "user@X.Example" }, STR_INIT("user"), SASL_DONE, "user@x.example" },
		{ { "else@y.example", "tim@x.example" }, STR_INIT("="), SASL_DONE, "tim@x.example" },
		{ { "user@x.example", "tim@x.example" }, STR_INIT("tim@x.example"), SASL_DONE, "tim@x.example" },
		{ { "user@x.example" }, STR_INIT("tim@x.example"), SASL_FAILED, NULL },
		{ { "user@x.example" }, STR_INIT("nobody@x.example"), SASL_FAILED, NULL },
		{ { "else@y.example" }, STR_INIT("="), SASL_FAILED, NULL },
		{ { "not an address" }, STR_INIT("="), SASL_FAILED, NULL },
		{ { NULL }, STR_INIT("="), SASL_UNKNOWN, NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conn c = w->tls;
		struct exchange e = { .w = w, .c = &c };
		c.certificate[0] = cases[i].addresses[0];
		c.certificate[1] = cases[i].addresses[1];
		struct str initial = str_eq(cases[i].authzid, STR("=")) ? cases[i].authzid : to_base64(w, cases[i].authzid);
		if (start(&e, "EXTERNAL", initial) != cases[i].want)
			fail_msg("case %zu", i);
		if (cases[i].want == SASL_DONE)
			check_user(&e, cases[i].user);
		end(&e);
	}
	struct conn c = w->tls;
	c.certificate[0] = "user@x.example";
	check_offer(w, &c, "EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN");
	assert_int_equal(directory_user_disable(w->d, STR("user@x.example"), true, NULL), 0);
	struct exchange e = { .w = w, .c = &c };
	assert_int_equal(start(&e, "EXTERNAL", STR("=")), SASL_FAILED);
	end(&e);
}

/* ---- without SASL ---- */

static void test_login_with_password(void **state)
{
	struct world *w = *state;
	struct directory_user u;
	struct str name = STR("user"), right = STR("pencil case");
	assert_int_equal(login_with_password(&w->plain, w->services, "imap", &w->arena, name, right, &u), ERR_DENIED);
	assert_int_equal(login_with_password(&w->tls, w->services, "imap", &w->arena, name, right, &u), 0);
	assert_int_equal(u.account, 5);
	assert_int_equal(login_with_password(&w->tls, w->services, "imap", &w->arena, name, STR("wrong"), &u), ERR_DENIED);
	assert_int_equal(u.account, 0);
	configure(w, true);
	assert_int_equal(login_with_password(&w->plain, w->services, "imap", &w->arena, name, right, &u), 0);
	for (int i = 0; i < 12; i++) {
		struct str guess = arena_printf(&w->arena, "guess %d", i);
		login_with_password(&w->plain, w->services, "imap", &w->arena, name, guess, &u);
	}
	assert_int_equal(login_with_password(&w->plain, w->services, "imap", &w->arena, name, right, &u), ERR_BUSY);
}

static void test_apop(void **state)
{
	struct world *w = *state;
	struct directory_user u;
	/* RFC 1939 section 7; its secret is "tanstaaf" */
	struct str banner = STR("<1896.697170952@dbc.mtview.ca.us>"), digest = STR("c4c9334bac560ecc979e58001b3e22fb");
	assert_int_equal(directory_user_secret(w->d, STR("tim@x.example"), STR("tanstaaf"), NULL), 0);
	assert_int_equal(login_with_apop(&w->plain, w->services, &w->arena, STR("tim"), banner, digest, &u), 0);
	assert_int_equal(u.account, 6);
	assert_true(str_eq(u.name, STR("tim@x.example")));
	static const struct { const char *name, *banner, *digest; } wrong[] = {
		{ "tim", "<1896.697170953@dbc.mtview.ca.us>", "c4c9334bac560ecc979e58001b3e22fb" },
		{ "tim", "<1896.697170952@dbc.mtview.ca.us>", "c4c9334bac560ecc979e58001b3e22fa" },
		{ "tim", "<1896.697170952@dbc.mtview.ca.us>", "c4c9334bac560ecc979e58001b3e22" },
		{ "tim", "<1896.697170952@dbc.mtview.ca.us>", "" },
		{ "tim", "<1896.697170952@dbc.mtview.ca.us>", "not hexadecimal, but 32 octets.." },
		{ "user", "<1896.697170952@dbc.mtview.ca.us>", "c4c9334bac560ecc979e58001b3e22fb" },
		{ "nobody", "<1896.697170952@dbc.mtview.ca.us>", "c4c9334bac560ecc979e58001b3e22fb" },
		/* the digest over the banner alone must not open accounts without a secret */
		{ "user", "<1896.697170952@dbc.mtview.ca.us>", "6d7379174f7df9fb329480e5c47c1f1a" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int code = login_with_apop(&w->plain, w->services, &w->arena, str_from_c(wrong[i].name),
								   str_from_c(wrong[i].banner), str_from_c(wrong[i].digest), &u);
		assert_int_equal(code, ERR_DENIED);
		assert_int_equal(u.account, 0);
	}
}

#define TEST(fn) { #fn, fn, setup, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_offers),
		TEST(test_plain),
		TEST(test_broken_base64),
		TEST(test_login),
		TEST(test_whole_exchanges),
		TEST(test_bindings),
		TEST(test_downgrade),
		TEST(test_cram_md5_by_hand),
		TEST(test_scram_syntax),
		TEST(test_strangers_look_alike),
		TEST(test_external),
		TEST(test_brake),
		TEST(test_login_with_password),
		TEST(test_apop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
