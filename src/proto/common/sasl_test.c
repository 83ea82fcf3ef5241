/* The mechanisms against clients: messages written by hand from the RFCs, and GNU SASL's client side for whole
 * exchanges. */
#include "proto/common/sasl_fixture.h"

#include "rt/crypto.h"

#include <gsasl.h>

/* ---- what is offered ---- */

static void test_offers(void **state)
{
	struct world *w = *state;
	struct exchange e = { .w = w, .c = &w->plain };
	check_offer(w, &w->plain, "SCRAM-SHA-256 SCRAM-SHA-1");
	check_offer(w, &w->tls, "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN");
	check_offer(w, &w->old_tls, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN");
	assert_int_equal(directory_user_secret(w->d, STR("tim@x.example"), STR("tanstaaftanstaaf"), NULL), 0);
	check_offer(w, &w->plain, "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5");
	assert_int_equal(exchange_start(&e, "PLAIN", STR_NONE), SASL_NEEDS_TLS);
	assert_int_equal(exchange_start(&e, "login", STR_NONE), SASL_NEEDS_TLS);
	assert_int_equal(exchange_start(&e, "SCRAM-SHA-256-PLUS", STR_NONE), SASL_UNKNOWN);
	assert_int_equal(exchange_start(&e, "DIGEST-MD5", STR_NONE), SASL_UNKNOWN);
	assert_int_equal(exchange_start(&e, "", STR_NONE), SASL_UNKNOWN);
	world_configure(w, true);
	check_offer(w, &w->plain, "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN");
	assert_int_equal(exchange_start(&e, "PLAIN", STR_NONE), SASL_CONTINUE);
	assert_int_equal(e.reply.n, 0);
	exchange_end(&e);
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
			r = exchange_start(&e, "PLAIN", message.n ? to_base64(w, message) : STR("="));
		} else {
			assert_int_equal(exchange_start(&e, "plain", STR_NONE), SASL_CONTINUE);
			r = exchange_step(&e, message);
		}
		if (r != cases[i / 2].want)
			fail_msg("case %zu: %d", i / 2, (int)r);
		if (r == SASL_DONE)
			check_user(&e, "user@x.example");
		if (r == SASL_FAILED)
			assert_int_equal(e.code, ERR_DENIED);
		exchange_end(&e);
	}
}

static void test_broken_base64(void **state)
{
	struct world *w = *state;
	static const char *const broken[] = { "!", "AHVzZXI", "AHVzZXIA=", "AHVz ZXIAcGVuY2lsIGNhc2U=", "====", "*" };
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct exchange e = { .w = w, .c = &w->tls };
		struct buf reply = BUF_INIT(0);
		assert_int_equal(exchange_start(&e, "PLAIN", str_from_c(broken[i])), SASL_MALFORMED);
		assert_int_equal(exchange_start(&e, "PLAIN", STR_NONE), SASL_CONTINUE);
		assert_int_equal(sasl_step(e.x, str_from_c(broken[i]), &reply, &e.code), SASL_MALFORMED);
		assert_int_equal(reply.n, 0);
		buf_fini(&reply);
		exchange_end(&e);
	}
	char endless[SASL_MESSAGE_MAX + 4];
	struct exchange e = { .w = w, .c = &w->tls };
	memset(endless, 'A', sizeof(endless));
	assert_int_equal(exchange_start(&e, "PLAIN", str_make(endless, sizeof(endless))), SASL_MALFORMED);
	exchange_end(&e);
}

static void test_login(void **state)
{
	struct world *w = *state;
	struct exchange e = { .w = w, .c = &w->tls };
	assert_int_equal(exchange_start(&e, "LOGIN", STR_NONE), SASL_CONTINUE);
	assert_true(str_eq(buf_str(&e.reply), STR("Username:")));
	assert_int_equal(exchange_step(&e, STR("user")), SASL_CONTINUE);
	assert_true(str_eq(buf_str(&e.reply), STR("Password:")));
	assert_int_equal(exchange_step(&e, STR("pencil case")), SASL_DONE);
	check_user(&e, "user@x.example");
	exchange_end(&e);
	assert_int_equal(exchange_start(&e, "LOGIN", to_base64(w, STR("user"))), SASL_CONTINUE);
	assert_true(str_eq(buf_str(&e.reply), STR("Password:")));
	assert_int_equal(exchange_step(&e, STR("wrong")), SASL_FAILED);
	exchange_end(&e);
	assert_int_equal(exchange_start(&e, "LOGIN", STR_NONE), SASL_CONTINUE);
	assert_int_equal(exchange_step(&e, STR("")), SASL_MALFORMED);
	exchange_end(&e);
	/* cancelled in the middle: nothing is left, and nothing is counted */
	for (int i = 0; i < 20; i++) {
		assert_int_equal(exchange_start(&e, "LOGIN", to_base64(w, STR("user"))), SASL_CONTINUE);
		exchange_end(&e);
	}
	assert_int_equal(exchange_start(&e, "LOGIN", to_base64(w, STR("user"))), SASL_CONTINUE);
	assert_int_equal(exchange_step(&e, STR("pencil case")), SASL_DONE);
	exchange_end(&e);
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
	enum sasl_result r = exchange_start(e, c->mechanism, STR_NONE);
	int rc = GSASL_NEEDS_MORE;
	while (r == SASL_CONTINUE) {
		rc = gsasl_step(session, e->reply.n ? e->reply.p : "", e->reply.n, &out, &n);
		if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
			fail_msg("the client stops: %s", gsasl_strerror_name(rc));
		r = exchange_step(e, str_make(out ? out : "", n));
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
		exchange_end(&e);
	}
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
		assert_int_equal(exchange_start(&e, "CRAM-MD5", STR_NONE), SASL_CONTINUE);
		/* msg-id of RFC 822 */
		assert_true(str_starts(buf_str(&e.reply), STR("<")) && str_ends(buf_str(&e.reply), STR(">")));
		assert_true(str_chr(buf_str(&e.reply), '@') != STR_NPOS);
		assert_int_equal(crypto_hmac_md5(STR("tanstaaftanstaaf"), buf_str(&e.reply), digest), 0);
		buf_add_lit(&answer, "tim ");
		hex_encode(&answer, str_make(digest, sizeof(digest)));
		if (wrong)
			answer.p[answer.n - 1] = answer.p[answer.n - 1] == 'f' ? '0' : 'f';
		assert_int_equal(exchange_step(&e, buf_str(&answer)), wrong ? SASL_FAILED : SASL_DONE);
		buf_fini(&answer);
		exchange_end(&e);
	}
	/* RFC 4422 section 5: no initial response where the server speaks first */
	assert_int_equal(exchange_start(&e, "CRAM-MD5", STR("=")), SASL_MALFORMED);
	assert_int_equal(exchange_start(&e, "CRAM-MD5", to_base64(w, STR("tim x"))), SASL_MALFORMED);
	assert_int_equal(exchange_start(&e, "CRAM-MD5", STR_NONE), SASL_CONTINUE);
	assert_int_equal(exchange_step(&e, STR("")), SASL_MALFORMED);
	exchange_end(&e);
	assert_int_equal(exchange_start(&e, "CRAM-MD5", STR_NONE), SASL_CONTINUE);
	assert_int_equal(exchange_step(&e, STR("tim")), SASL_MALFORMED);
	exchange_end(&e);
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
		exchange_end(&e);
	}
	struct exchange e = { .w = w, .c = &w->tls };
	assert_int_equal(play(&e, &right, &accepted), SASL_FAILED);
	assert_int_equal(e.code, ERR_BUSY);
	exchange_end(&e);
	assert_int_equal(exchange_start(&e, "PLAIN", to_base64(w, STR("\0user\0pencil case"))), SASL_FAILED);
	assert_int_equal(e.code, ERR_BUSY);
	e.c = &w->plain;
	assert_int_equal(play(&e, &right, &accepted), SASL_DONE);
	exchange_end(&e);
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
		if (exchange_start(&e, "EXTERNAL", initial) != cases[i].want)
			fail_msg("case %zu", i);
		if (cases[i].want == SASL_DONE)
			check_user(&e, cases[i].user);
		exchange_end(&e);
	}
	struct conn c = w->tls;
	c.certificate[0] = "user@x.example";
	check_offer(w, &c, "EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN");
	assert_int_equal(directory_user_disable(w->d, STR("user@x.example"), true, NULL), 0);
	struct exchange e = { .w = w, .c = &c };
	assert_int_equal(exchange_start(&e, "EXTERNAL", STR("=")), SASL_FAILED);
	exchange_end(&e);
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
	world_configure(w, true);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_offers),
		TEST(test_plain),
		TEST(test_broken_base64),
		TEST(test_login),
		TEST(test_whole_exchanges),
		TEST(test_cram_md5_by_hand),
		TEST(test_external),
		TEST(test_brake),
		TEST(test_login_with_password),
		TEST(test_apop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
