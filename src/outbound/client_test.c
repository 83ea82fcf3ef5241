/* Sessions with servers of every temper: RFC 5321 3 and 4.2, RFC 2920 3.1, RFC 3030, RFC 2033 4.2, RFC 1047. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbound/client.h"
#include "outbound/limits.h"
#include "outbound/test_peer.h"

#include <unistd.h>

#define MESSAGE "Subject: test\r\n\r\n.dot\r\nend\r\n"
#define STUFFED "Subject: test\r\n\r\n..dot\r\nend\r\n"
#define GREET "S 220 mx.example ESMTP", "C EHLO us.example"
#define PLAIN GREET, "S 250 mx.example"
#define PIPE GREET, "S 250-mx.example", "S 250-PIPELINING", "S 250 ENHANCEDSTATUSCODES"
#define CHUNK GREET, "S 250-mx.example", "S 250-PIPELINING", "S 250 CHUNKING"

struct world {
	struct store *store;
	struct scripted_peer peer;
	struct message message;
	struct queue_job job;
	struct queue_job_recipient recipient[RELAY_RECIPIENTS_MAX], *list[RELAY_RECIPIENTS_MAX];
};

static void make_message(struct world *w, const char *text)
{
	struct store_config config = { .engine = STORE_ENGINE_MEM, .create = true };
	struct str piece = str_from_c(text);
	store_tag tag = 1;
	store_blob_id id;

	assert_int_equal(store_open(&config, &w->store, NULL), 0);
	assert_int_equal(store_blob_put(w->store, &piece, 1, &tag, 1, &id), 0);
	w->message = (struct message){ .store = w->store, .seven_result = 1 };
	assert_int_equal(store_blob_map(w->store, id, &w->message.view), 0);
	w->message.bytes = w->message.view.bytes;
	smtp_octets_scan(w->message.bytes, &w->message.octets);
}

/* n recipients r0@there.example, r1@... */
static struct world *begin(const struct script *scripts, size_t n_scripts, const char *text, size_t n)
{
	struct world *w = calloc(1, sizeof *w);

	scripted_peer_start(&w->peer, NULL, 0, scripts, n_scripts);
	make_message(w, text);
	w->job.envelope.sender = STR("s@here.example");
	w->job.recipients = w->recipient;
	w->job.n_recipients = n;
	for (size_t i = 0; i < n; i++) {
		w->recipient[i].r.address = arena_printf(&w->job.arena, "r%zu@there.example", i);
		w->list[i] = &w->recipient[i];
	}
	return w;
}

static void end(struct world *w)
{
	message_close(&w->message);
	store_close(&w->store);
	arena_fini(&w->job.arena);
	scripted_peer_stop(&w->peer);
	free(w);
}

static struct client_setup setup_of(const struct world *w)
{
	struct client_setup s = { .peer.port = w->peer.port, .host = STR("mx.example"), .helo = STR("us.example"), .tls = CLIENT_TLS_TRY };

	assert_true(net_addr_parse(STR("127.0.0.1"), 4, &s.peer.addr));
	return s;
}

static struct client *open_client(const struct world *w, bool lmtp)
{
	struct client_setup s = setup_of(w);
	struct client_opening o;
	struct client *c;

	s.lmtp = lmtp;
	if (client_open(&s, &c, &o, NULL))
		fail_msg("stage %d: %s", o.stage, o.trouble.text);
	assert_int_equal(o.stage, CLIENT_READY);
	return c;
}

static int send_all(struct world *w, struct client *c, bool *lost_out)
{
	struct client_mail m = { .job = &w->job, .sender = w->job.envelope.sender, .message = &w->message, .recipients = w->list, .n = w->job.n_recipients };
	int r = client_send(c, &m);

	if (lost_out)
		*lost_out = m.lost_after_data;
	return r;
}

/* "relayed 2.0.0, failed 5.1.1" */
static const char *show(struct world *w)
{
	struct str s = STR("");

	for (size_t i = 0; i < w->job.n_recipients; i++) {
		const struct queue_result *r = &w->recipient[i].result;
		const char *outcome = r->outcome == QUEUE_RELAYED ? "relayed" : r->outcome == QUEUE_DELIVERED ? "delivered" : r->outcome == QUEUE_FAILED ? "failed"
							  : r->outcome == QUEUE_DELAYED ? "delayed" : "nothing";
		s = arena_printf(&w->job.arena, "%.*s%s%s%s%.*s", STR_ARG(s), i ? ", " : "", outcome, r->status.n ? " " : "", STR_ARG(r->status));
	}
	return s.p;
}

/* ---- whole transactions ---- */

struct transaction_case {
	const char *name;
	struct script script;
	size_t n;                     /* recipients */
	const char *shown;
	int r;                        /* 0; -1: any error */
	bool lost, lmtp;
	const char *data;             /* NULL: none */
};

static const struct transaction_case cases[] = {
	{ "step by step", { { PLAIN, "C MAIL FROM:<s@here.example>", "S 250 ok", "C RCPT TO:<r0@there.example>", "S 250 ok", "C DATA", "S 354 go", "D", "S 250 2.6.0 taken" } },
	  1, "relayed 2.6.0", 0, false, false, STUFFED },
	{ "pipelined, each answered late", { { PIPE, "C MAIL", "C RCPT", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 550 5.1.1 no", "S 354 go", "D", "S 250 ok" } },
	  2, "relayed 2.0.0, failed 5.1.1", 0, false, false, STUFFED },
	{ "in one write", { { CHUNK, "C MAIL", "C RCPT", "B", "S 250 ok", "S 250 ok", "S 250 2.0.0 taken" } }, 1, "relayed 2.0.0", 0, false, false, MESSAGE },
	{ "in one write, all refused", { { CHUNK, "C MAIL", "C RCPT", "B", "S 250 ok", "S 550 no", "S 503 nobody" } }, 1, "failed 5.0.0", 0, false, false, MESSAGE },
	{ "in one write, sender refused", { { CHUNK, "C MAIL", "C RCPT", "B", "S 550 5.7.1 not you", "S 503 bad", "S 503 bad" } }, 1, "failed 5.7.1", 0, false, false, MESSAGE },
	{ "chunks without pipelining", { { GREET, "S 250-x", "S 250 CHUNKING", "C MAIL", "S 250 ok", "C RCPT", "S 250 ok", "B", "S 250 ok" } }, 1, "relayed 2.0.0", 0, false, false, MESSAGE },
	{ "sender refused for now", { { PIPE, "C MAIL", "C RCPT", "C DATA", "S 451 4.7.1 later", "S 503 no", "S 503 no" } }, 1, "delayed 4.7.1", 0, false, false, NULL },
	{ "recipient refused for now", { { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 450 4.2.0 grey", "S 554 nobody" } }, 1, "delayed 4.2.0", 0, false, false, NULL },
	{ "354 although nobody is left (RFC 2920 3.1)", { { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 550 5.1.1 no", "S 354 go", "D", "S 554 nothing" } },
	  1, "failed 5.1.1", 0, false, false, "" },
	{ "DATA refused", { { PIPE, "C MAIL", "C RCPT", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 550 5.1.1 no", "S 452 4.3.1 full" } },
	  2, "delayed 4.3.1, failed 5.1.1", 0, false, false, NULL },
	{ "DATA answered with success", { { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 250 what?" } }, 1, "delayed 4.5.0", 0, false, false, NULL },
	{ "message refused", { { PIPE, "C MAIL", "C RCPT", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 251 will forward", "S 354 go", "D", "S 554 5.7.1 spam" } },
	  2, "failed 5.7.1, failed 5.7.1", 0, false, false, STUFFED },
	{ "message refused for now", { { PLAIN, "C MAIL", "S 250 ok", "C RCPT", "S 250 ok", "C DATA", "S 354 go", "D", "S 451 try later" } }, 1, "delayed 4.3.0", 0, false, false, STUFFED },
	/* RFC 5321 4.5.3.1.10 */
	{ "too many recipients", { { PIPE, "C MAIL", "C RCPT", "C RCPT", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 452 4.5.3 too many", "S 552 too many", "S 354 go", "D", "S 250 ok" } },
	  3, "relayed 2.0.0, nothing, nothing", 0, false, false, STUFFED },
	{ "552 is 452 at RCPT", { { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 552 5.2.2 full", "S 503 x" } }, 1, "delayed 4.2.2", 0, false, false, NULL },
	/* The end at every stage. */
	{ "421 at MAIL", { { PIPE, "C MAIL", "S 421 4.3.2 closing", "X" } }, 2, "delayed 4.3.2, delayed 4.3.2", -1, false, false, NULL },
	{ "gone at MAIL", { { PIPE, "C MAIL", "X" } }, 1, "delayed 4.4.2", -1, false, false, NULL },
	{ "reset at MAIL", { { PIPE, "C MAIL", "R" } }, 1, "delayed 4.4.2", -1, false, false, NULL },
	{ "421 at RCPT", { { PIPE, "C MAIL", "C RCPT", "C RCPT", "C DATA", "S 250 ok", "S 550 5.1.1 no", "S 421 4.7.0 enough", "X" } }, 2, "failed 5.1.1, delayed 4.7.0", -1, false, false, NULL },
	{ "421 at RCPT, step by step", { { PLAIN, "C MAIL", "S 250 ok", "C RCPT", "S 250 ok", "C RCPT", "S 421 4.7.0 enough", "X" } }, 2, "delayed 4.7.0, delayed 4.7.0", -1, false, false, NULL },
	{ "gone at RCPT", { { PIPE, "C MAIL", "C RCPT", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "X" } }, 2, "delayed 4.4.2, delayed 4.4.2", -1, false, false, NULL },
	{ "gone at DATA", { { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "X" } }, 1, "delayed 4.4.2", -1, false, false, NULL },
	{ "gone before the end of data", { { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "X" } }, 1, "delayed 4.4.2", -1, true, false, NULL },
	{ "gone after the end of data", { { PIPE, "C MAIL", "C RCPT", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 550 5.1.1 no", "S 354 go", "D", "X" } },
	  2, "delayed 4.4.2, failed 5.1.1", -1, true, false, STUFFED },
	{ "421 after the end of data", { { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "D", "S 421 4.3.2 closing", "X" } }, 1, "delayed 4.3.2", 0, false, false, STUFFED },
	{ "gone after the only chunk", { { CHUNK, "C MAIL", "C RCPT", "B", "S 250 ok", "S 250 ok", "X" } }, 1, "delayed 4.4.2", -1, true, false, MESSAGE },
	{ "no SMTP at all", { { PIPE, "C MAIL", "S hello", "X" } }, 1, "delayed 4.5.0", -1, false, false, NULL },
	{ "an endless reply", { { PIPE, "C MAIL", "S 250-a", "S 250x", "X" } }, 1, "delayed 4.5.0", -1, false, false, NULL },
	{ "more replies than asked for", { { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 250 ok", "S 354 go", "W", "X" } }, 1, "delayed 4.5.0", 0, false, false, NULL },
	/* LMTP */
	{ "one reply for each", { { "S 220 x LMTP", "C LHLO us.example", "S 250-x", "S 250 PIPELINING", "C MAIL", "C RCPT", "C RCPT", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 550 5.1.1 no",
	  "S 250 ok", "S 354 go", "D", "S 250 2.1.5 ok", "S 452 4.2.2 full" } }, 3, "delivered 2.1.5, failed 5.1.1, delayed 4.2.2", 0, false, true, STUFFED },
	{ "one reply is missing", { { "S 220 x LMTP", "C LHLO us.example", "S 250-x", "S 250 PIPELINING", "C MAIL", "C RCPT", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 250 ok",
	  "S 354 go", "D", "S 250 2.1.5 ok", "X" } }, 2, "delivered 2.1.5, delayed 4.4.2", -1, true, true, STUFFED },
};

static void test_transactions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct world *w = begin(&cases[i].script, 1, MESSAGE, cases[i].n);
		struct client *c = open_client(w, cases[i].lmtp);
		bool lost;
		int r = send_all(w, c, &lost);
		const char *shown = show(w);
		if ((r != 0) != (cases[i].r != 0) || strcmp(shown, cases[i].shown) != 0)
			fail_msg("%s: %d, %s: %.*s", cases[i].name, r, shown, STR_ARG(w->recipient[0].result.reply));
		if (strcmp(cases[i].name, "gone before the end of data") != 0 && lost != cases[i].lost)      /* whether the octets went out is a matter of luck there */
			fail_msg("%s: lost %d", cases[i].name, lost);
		client_say_quit(c);
		client_close(&c);
		pthread_mutex_lock(&w->peer.lock);
		struct str data = buf_str(&w->peer.data);
		bool as_sent = cases[i].data ? str_eq(data, str_from_c(cases[i].data)) : data.n == 0;
		pthread_mutex_unlock(&w->peer.lock);
		if (!as_sent)
			fail_msg("%s: data '%.*s'", cases[i].name, STR_ARG(data));
		end(w);
	}
}

static void test_results_say_who_said_what(void **state)
{
	(void)state;
	const struct script script = { { GREET, "S 250-x", "S 250 DSN", "C MAIL", "S 250 ok", "C RCPT", "S 550-5.1.1 No such", "S 550 5.1.1 user", "C RCPT", "S 250 ok", "C DATA", "S 354 go", "D", "S 250 2.0.0 id 7" } };
	struct world *w = begin(&script, 1, MESSAGE, 2);
	struct client *c = open_client(w, false);

	w->recipient[1].r.notify = QUEUE_NOTIFY_SUCCESS;
	assert_int_equal(send_all(w, c, NULL), 0);
	assert_true(str_eq(w->recipient[0].result.reply, STR("550 5.1.1 No such user")));
	assert_true(str_eq(w->recipient[0].result.remote, STR("mx.example")));
	assert_false(w->recipient[0].result.dsn_passed_on);
	assert_true(str_eq(w->recipient[1].result.reply, STR("250 2.0.0 id 7")));
	assert_true(w->recipient[1].result.dsn_passed_on);
	client_say_quit(c);
	client_close(&c);
	assert_non_null(memmem(w->peer.heard.p, w->peer.heard.n, "NOTIFY=SUCCESS|", 15));
	end(w);
}

/* The next transaction begins with RSET where the one before left something open. */
static void test_several_transactions(void **state)
{
	(void)state;
	const struct script script = { { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 550 no", "S 503 no", "C RSET", "C MAIL", "C RCPT", "C DATA", "S 250 reset", "S 250 ok", "S 250 ok",
									 "S 354 go", "D", "S 250 ok", "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "D", "S 250 ok", "C QUIT", "S 221 bye" } };
	static const char *const shown[] = { "failed 5.0.0", "relayed 2.0.0", "relayed 2.0.0" };
	struct world *w = begin(&script, 1, MESSAGE, 1);
	struct client *c = open_client(w, false);

	for (size_t i = 0; i < 3; i++) {
		assert_true(client_is_usable(c));
		w->recipient[0].result = (struct queue_result){ 0 };
		assert_int_equal(send_all(w, c, NULL), 0);
		assert_string_equal(show(w), shown[i]);
	}
	assert_int_equal(client_transactions(c), 3);
	client_say_quit(c);
	assert_false(client_is_usable(c));
	client_close(&c);
	end(w);
}

/* A session that rested and was closed says nothing about the message. */
static void test_closed_while_resting(void **state)
{
	(void)state;
	const struct script scripts[] = {
		{ { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "D", "S 250 ok", "S 421 idle", "X" } },
		{ { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "D", "S 250 ok", "C MAIL", "S 421 4.3.2 too late", "X" } },
	};

	for (size_t i = 0; i < 2; i++) {
		struct world *w = begin(&scripts[i], 1, MESSAGE, 1);
		struct client *c = open_client(w, false);
		assert_int_equal(send_all(w, c, NULL), 0);
		for (unsigned tries = 0; i == 0 && client_is_usable(c) && tries < 6000; tries++)
			usleep(10000);
		assert_int_equal(client_is_usable(c), i == 1);
		w->recipient[0].result = (struct queue_result){ 0 };
		if (i == 1) {
			assert_int_equal(send_all(w, c, NULL), ERR_RETRY);
			assert_string_equal(show(w), "nothing");
		}
		client_close(&c);
		end(w);
	}
}

static void test_many_recipients(void **state)
{
	(void)state;
	struct script script = { { PIPE, "C MAIL" } };
	size_t n = 6;

	for (size_t i = 0; i < 10; i++)
		script.step[n++] = "C RCPT";
	script.step[n++] = "C DATA";
	script.step[n++] = "S 250 ok";
	for (size_t i = 0; i < 10; i++)
		script.step[n++] = i % 3 ? "S 250 ok" : "S 450 later";
	script.step[n++] = "S 354 go";
	script.step[n++] = "D";
	script.step[n++] = "S 250 ok";
	struct world *w = begin(&script, 1, MESSAGE, 10);
	struct client *c = open_client(w, false);
	assert_int_equal(send_all(w, c, NULL), 0);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(w->recipient[i].result.outcome, i % 3 ? QUEUE_RELAYED : QUEUE_DELAYED);
	client_say_quit(c);
	client_close(&c);
	end(w);
}

/* ---- the form of the message ---- */

static void check_form(const char *name, const char *text, unsigned flags, const char *extension, const char *expected_mail, const char *shown, const char *data)
{
	char offer[64];
	snprintf(offer, sizeof offer, "S 250 %s", extension);
	bool chunking = strstr(extension, "BINARYMIME") != NULL, refused = strcmp(shown, "relayed 2.0.0") != 0;
	const struct script stuffed = { { GREET, "S 250-x", offer, "C MAIL", "S 250 ok", "C RCPT", "S 250 ok", "C DATA", "S 354 go", "D", "S 250 ok" } };
	const struct script binary = { { GREET, "S 250-x", "S 250-CHUNKING", offer, "C MAIL", "S 250 ok", "C RCPT", "S 250 ok", "B", "S 250 ok" } };
	const struct script nothing = { { GREET, "S 250-x", offer, "C QUIT", "S 221 bye" } };
	struct world *w = begin(refused ? &nothing : chunking ? &binary : &stuffed, 1, text, 1);
	struct client *c = open_client(w, false);

	w->message.flags = w->job.envelope.flags = flags;
	assert_int_equal(send_all(w, c, NULL), 0);
	if (strcmp(show(w), shown) != 0)
		fail_msg("%s: %s %.*s", name, show(w), STR_ARG(w->recipient[0].result.reply));
	client_say_quit(c);
	client_close(&c);
	if (!refused) {
		if (!memmem(w->peer.heard.p, w->peer.heard.n, expected_mail, strlen(expected_mail)))
			fail_msg("%s: %.*s", name, STR_ARG(buf_str(&w->peer.heard)));
		if (!str_eq(buf_str(&w->peer.data), str_from_c(data)))
			fail_msg("%s: '%.*s'", name, STR_ARG(buf_str(&w->peer.data)));
	}
	end(w);
}

#define EIGHT "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSome words \303\274.\r\n"
#define EIGHT_AS_7 "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSome words =C3=BC.\r\n"
#define BINARY "MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb\r\n"
#define BINARY_AS_7 "MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=0Ab\r\n"
#define HEADER8 "Subject: gr\303\274n\r\n\r\nx\r\n"

static void test_forms(void **state)
{
	(void)state;
	check_form("7bit although 8BITMIME was said", MESSAGE, QUEUE_8BIT, "8BITMIME", "MAIL FROM:<s@here.example>|", "relayed 2.0.0", STUFFED);
	check_form("8bit", EIGHT, QUEUE_8BIT, "8BITMIME", "MAIL FROM:<s@here.example> BODY=8BITMIME|", "relayed 2.0.0", EIGHT);
	check_form("8bit, unsaid", EIGHT, 0, "8BITMIME", " BODY=8BITMIME|", "relayed 2.0.0", EIGHT);
	check_form("8bit to a 7bit server", EIGHT, QUEUE_8BIT, "HELP", "MAIL FROM:<s@here.example>|", "relayed 2.0.0", EIGHT_AS_7);
	check_form("binary", BINARY, QUEUE_BINARY, "BINARYMIME", " BODY=BINARYMIME|", "relayed 2.0.0", BINARY);
	check_form("binary without BINARYMIME", BINARY, QUEUE_BINARY, "8BITMIME", "MAIL FROM:<s@here.example>|", "relayed 2.0.0", BINARY_AS_7);
	check_form("bare line ends never go out", "Subject: x\r\n\r\na\n.\nb\r\n", 0, "8BITMIME", "MAIL FROM:<s@here.example>|", "relayed 2.0.0",
			   "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=0A.=0Ab\r\n");
	check_form("a header in UTF-8", HEADER8, QUEUE_UTF8, "SMTPUTF8", NULL, "failed 5.6.3", NULL);
	check_form("a header in UTF-8, not offered", HEADER8, QUEUE_UTF8, "8BITMIME", NULL, "failed 5.6.9", NULL);
	check_form("SMTPUTF8 that needs none", MESSAGE, QUEUE_UTF8, "8BITMIME", "MAIL FROM:<s@here.example>|", "relayed 2.0.0", STUFFED);
	check_form("too large", MESSAGE, 0, "SIZE 10", NULL, "failed 5.3.4", NULL);
	check_form("no limit", MESSAGE, 0, "SIZE 0", " SIZE=28|", "relayed 2.0.0", STUFFED);
}

static void test_large_message(void **state)
{
	(void)state;
	const struct script scripts[] = {
		{ { PIPE, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "D", "S 250 ok" } },
		{ { CHUNK, "C MAIL", "C RCPT", "S 250 ok", "S 250 ok", "B", "S 250 ok" } },
		{ { CHUNK, "C MAIL", "C RCPT", "S 250 ok", "S 550 5.1.1 no", "C QUIT", "S 221 bye" } },
	};
	struct buf text = BUF_INIT(0);

	buf_add_lit(&text, "Subject: large\r\n\r\n");
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&text, "line %u of many\r\n", i);
	buf_add(&text, "", 1);
	for (size_t i = 0; i < 3; i++) {
		struct world *w = begin(&scripts[i], 1, text.p, 1);
		struct client *c = open_client(w, false);
		assert_int_equal(send_all(w, c, NULL), 0);
		assert_string_equal(show(w), i < 2 ? "relayed 2.0.0" : "failed 5.1.1");
		client_say_quit(c);
		client_close(&c);
		assert_true(i < 2 ? str_eq(buf_str(&w->peer.data), str_make(text.p, text.n - 1)) : w->peer.data.n == 0);
		end(w);
	}
	buf_fini(&text);
}

/* ---- opening ---- */

static void test_openings(void **state)
{
	(void)state;
	static const struct { const char *name; struct script script; enum client_stage stage; const char *status; enum client_tls tls; bool lmtp; } openings[] = {
		{ "refused at once", { { "S 554 5.7.1 no service here", "C QUIT", "S 221 bye" } }, CLIENT_GREETING, "5.7.1", CLIENT_TLS_TRY, false },
		{ "busy", { { "S 421 4.3.2 busy", "X" } }, CLIENT_GREETING, "4.3.2", CLIENT_TLS_TRY, false },
		{ "silent and gone", { { "X" } }, CLIENT_GREETING, "4.4.2", CLIENT_TLS_TRY, false },
		{ "not SMTP", { { "S HTTP/1.1 400 Bad Request", "X" } }, CLIENT_GREETING, "4.5.0", CLIENT_TLS_TRY, false },
		{ "HELO instead", { { "S 220 old", "C EHLO", "S 500 what?", "C HELO us.example", "S 250 hello" } }, CLIENT_READY, "", CLIENT_TLS_TRY, false },
		{ "neither", { { "S 220 old", "C EHLO", "S 502 no", "C HELO", "S 550 5.7.1 no", "C QUIT", "S 221 x" } }, CLIENT_EHLO, "5.7.1", CLIENT_TLS_TRY, false },
		{ "not now", { { "S 220 x", "C EHLO", "S 451 4.7.1 later", "C QUIT", "S 221 x" } }, CLIENT_EHLO, "4.7.1", CLIENT_TLS_TRY, false },
		{ "no LMTP", { { "S 220 x", "C LHLO", "S 500 what?", "C QUIT", "S 221 x" } }, CLIENT_EHLO, "5.5.1", CLIENT_TLS_TRY, true },
		{ "no TLS", { { PLAIN, "C QUIT", "S 221 x" } }, CLIENT_STARTTLS, "4.7.4", CLIENT_TLS_MUST, false },
		{ "TLS refused", { { GREET, "S 250-x", "S 250 STARTTLS", "C STARTTLS", "S 554 5.7.0 broken", "C QUIT", "S 221 x" } }, CLIENT_STARTTLS, "4.7.0", CLIENT_TLS_MUST, false },
		{ "TLS refused, but it need not be", { { GREET, "S 250-x", "S 250 STARTTLS", "C STARTTLS", "S 454 4.7.0 not now" } }, CLIENT_READY, "", CLIENT_TLS_TRY, false },
		{ "no handshake", { { GREET, "S 250-x", "S 250 STARTTLS", "C STARTTLS", "S 220 go", "W", "S what?", "X" } }, CLIENT_HANDSHAKE, "4.7.5", CLIENT_TLS_TRY, false },
		/* RFC 3207 6, CVE-2021-38371: what came in plain is not said under TLS. */
		{ "injection", { { GREET, "S 250-x", "S 250 STARTTLS", "C STARTTLS", "S 220 go\r\n250 SIZE", "W", "X" } }, CLIENT_HANDSHAKE, "4.7.5", CLIENT_TLS_TRY, false },
		{ "TLS is not wanted", { { GREET, "S 250-x", "S 250 STARTTLS" } }, CLIENT_READY, "", CLIENT_TLS_NEVER, false },
	};

	for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
		struct world *w = begin(&openings[i].script, 1, MESSAGE, 1);
		struct client_setup s = setup_of(w);
		struct client_opening o;
		struct client *c;
		s.tls = openings[i].tls;
		s.lmtp = openings[i].lmtp;
		int r = client_open(&s, &c, &o, NULL);
		if (o.stage != openings[i].stage || strcmp(o.trouble.status, openings[i].status) != 0 || (r == 0) != (o.stage == CLIENT_READY) || (c != NULL) != (r == 0))
			fail_msg("%s: %d, stage %d, '%s' %s", openings[i].name, r, o.stage, o.trouble.status, o.trouble.text);
		if (c)
			client_say_quit(c);
		client_close(&c);
		end(w);
	}
}

static void test_nobody_there(void **state)
{
	(void)state;
	const struct script script = { { "X" } };
	struct world *w = begin(&script, 1, MESSAGE, 1);
	struct client_setup s = setup_of(w);
	struct client_opening o;
	struct client *c;

	s.peer.port = 1;
	assert_int_not_equal(client_open(&s, &c, &o, NULL), 0);
	assert_int_equal(o.stage, CLIENT_CONNECT);
	assert_string_equal(o.trouble.status, "4.4.1");
	s.path = "/nonexistent/socket";
	assert_int_not_equal(client_open(&s, &c, &o, NULL), 0);
	assert_null(c);
	end(w);
}

/* ---- AUTH ---- */

static void test_auth(void **state)
{
	(void)state;
	static const struct { const char *name; struct script script; const char *status; } logins[] = {
		{ "PLAIN", { { GREET, "S 250-x", "S 250 AUTH LOGIN PLAIN", "C AUTH PLAIN AGFubgBzZWNyZXQ=", "S 235 in" } }, "" },
		{ "LOGIN", { { GREET, "S 250-x", "S 250 AUTH LOGIN", "C AUTH LOGIN", "S 334 VXNlcm5hbWU6", "C YW5u", "S 334 UGFzc3dvcmQ6", "C c2VjcmV0", "S 235 in" } }, "" },
		{ "wrong password", { { GREET, "S 250-x", "S 250 AUTH PLAIN", "C AUTH PLAIN", "S 535 5.7.8 no", "C QUIT", "S 221 x" } }, "4.7.8" },
		{ "nothing known", { { GREET, "S 250-x", "S 250 AUTH GSSAPI", "C QUIT", "S 221 x" } }, "4.7.0" },
		{ "not offered", { { PLAIN, "C QUIT", "S 221 x" } }, "4.7.0" },
		{ "endless", { { GREET, "S 250-x", "S 250 AUTH PLAIN", "C AUTH PLAIN", "S 334 ", "C *", "X" } }, "4.7.0" },
		/* RFC 5802 5: a server that skips its own proof */
		{ "SCRAM without proof", { { GREET, "S 250-x", "S 250 AUTH SCRAM-SHA-256 PLAIN", "C AUTH SCRAM-SHA-256 ", "S 235 in", "C QUIT", "S 221 x" } }, "4.7.0" },
		{ "SCRAM with rubbish", { { GREET, "S 250-x", "S 250 AUTH SCRAM-SHA-256", "C AUTH SCRAM-SHA-256 ", "S 334 cj1h", "C *", "X" } }, "4.7.0" },
	};

	for (size_t i = 0; i < sizeof logins / sizeof *logins; i++) {
		struct world *w = begin(&logins[i].script, 1, MESSAGE, 1);
		struct client_setup s = setup_of(w);
		struct client_opening o;
		struct client *c;
		s.user = STR("ann");
		s.password = STR("secret");
		int r = client_open(&s, &c, &o, NULL);
		if (strcmp(o.trouble.status, logins[i].status) != 0 || (r == 0) != !logins[i].status[0])
			fail_msg("%s: %d '%s' %s", logins[i].name, r, o.trouble.status, o.trouble.text);
		if (c)
			client_say_quit(c);
		client_close(&c);
		end(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transactions), cmocka_unit_test(test_results_say_who_said_what), cmocka_unit_test(test_several_transactions),
		cmocka_unit_test(test_closed_while_resting), cmocka_unit_test(test_many_recipients), cmocka_unit_test(test_forms),
		cmocka_unit_test(test_large_message), cmocka_unit_test(test_openings), cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_auth),
	};
	return cmocka_run_group_tests_name("outbound/client", tests, NULL, NULL);
}
