/* Whole sessions: what the queue is given and what accounts get, by RFC 3461, 2852, 4865, 6710, 8689 and by the rules of handover.c. */
#include "proto/smtp/fixture.h"

/* ---- tests ---- */

static void accounts_alone_need_no_queue(void **state)
{
	struct world *w = *state;
	world_say(w, HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<team@example.org> NOTIFY=FAILURE\r\nRCPT TO:<carol@example.org>\r\n" MESSAGE, "250 2.0.0 Ok: kept");
	world_expect_queue(w, "");
	for (uint64_t account = 1; account <= 3; account++)
		assert_int_equal(world_messages(w, account), 1);
}

static void users_send_away(void **state)
{
	struct world *w = *state;
	world_submit(w, HELLO "MAIL FROM:<alice@example.org> RET=HDRS ENVID=Q+2B1 BODY=8BITMIME SMTPUTF8 MT-PRIORITY=3 BY=3600;RT\r\n"
		   "RCPT TO:<Friend@Elsewhere.TEST> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By\r\nRCPT TO:<u@[IPv6:2001:db8::1]>\r\n"
		   "RCPT TO:<z@b\xc3\xbc" "cher.example>\r\n" MESSAGE, "250 2.0.0 Ok: queued as ");
	world_expect_queue(w, "<alice@example.org> flags=227 envid=Q+1 priority=3 by=3600 user=alice@example.org peer=192.0.2.1\n"
				 "  u@[IPv6:2001:db8::1] > [IPv6:2001:db8::1]\n"
				 "  Friend@Elsewhere.TEST > elsewhere.test notify=10 orcpt=rfc822;x+y\n"
				 "  z@b\xc3\xbc" "cher.example > xn--bcher-kva.example\n");
	assert_true(str_starts(buf_str(&w->last), STR("Received: from client.example.net ([192.0.2.1])\r\n")));
	assert_true(str_ends(buf_str(&w->last), STR("\r\n\r\nx\r\n")));
	assert_true(str_ifind(buf_str(&w->last), STR("Return-Path:")) == STR_NPOS);
}

/* One durable commit for all: local targets go along. */
static void a_mixed_message_goes_whole(void **state)
{
	struct world *w = *state;
	world_submit(w, HELLO "MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob+tag@example.org>\r\nRCPT TO:<friend@elsewhere.test>\r\n" MESSAGE, "250 2.0.0 Ok: queued as ");
	world_expect_queue(w, "<alice@example.org> flags=0 user=alice@example.org peer=192.0.2.1\n  bob+tag@example.org > :local\n"
				 "  friend@elsewhere.test > elsewhere.test\n");
	assert_int_equal(world_messages(w, 2), 0);
}

/* RFC 3461 5.2.7.2 and 5.2.7.3; the original recipient is the alias. */
static void aliases_pass_on(void **state)
{
	struct world *w = *state;
	world_say(w, HELLO "MAIL FROM:<>\r\nRCPT TO:<away@example.org> NOTIFY=SUCCESS\r\n"
		"RCPT TO:<both@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;other@example.org\r\nRCPT TO:<team@example.org> NOTIFY=SUCCESS\r\n"
		MESSAGE, "250 2.0.0 Ok: queued as ");
	world_expect_queue(w, "<> flags=0 peer=192.0.2.1\n  alice@example.org > :local notify=6 orcpt=rfc822;other@example.org\n"
				 "  alice@example.org > :local notify=2 orcpt=rfc822;team@example.org\n"
				 "  bob@example.org > :local notify=1 orcpt=rfc822;team@example.org\n"
				 "  friend@elsewhere.test > elsewhere.test notify=2 orcpt=rfc822;away@example.org\n"
				 "  friend@elsewhere.test > elsewhere.test notify=4 orcpt=rfc822;other@example.org\n");
}

static void success_and_holding_need_the_queue(void **state)
{
	struct world *w = *state;
	world_submit(w, HELLO "MAIL FROM:<alice@example.org> HOLDFOR=60\r\nRCPT TO:<bob@example.org>\r\n" MESSAGE, "250 2.0.0 Ok: queued as ");
	world_expect_queue(w, "<alice@example.org> flags=0 held=60 user=alice@example.org peer=192.0.2.1\n  bob@example.org > :local\n");
	assert_int_equal(world_messages(w, 2), 0);
}

/* A forwarded message has an envelope of its own, and the bounce to it finds its way. */
static void forwarding_rewrites_the_sender(void **state)
{
	struct world *w = *state;
	char bounce[300], forged[300];
	world_say(w, HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<both@example.org>\r\n" MESSAGE, "250 2.0.0 Ok: queued as ");
	world_show_queue(w, &(struct queue_filter){ .destination = STR("elsewhere.test") });
	struct str shown = buf_str(&w->shown);
	assert_true(str_starts(shown, STR("<SRS0=")));
	struct str address = str_sub(shown, 0, str_chr(shown, '>') + 1);
	assert_true(str_ends(address, STR("=b.example=a@example.org>")));
	snprintf(bounce, sizeof bounce, HELLO "MAIL FROM:<>\r\nRCPT TO:%.*s\r\n" MESSAGE, STR_ARG(address));
	snprintf(forged, sizeof forged, HELLO "MAIL FROM:<>\r\nRCPT TO:%.*s\r\n", STR_ARG(address));
	/* another letter, whatever the case, and none that an address cannot have */
	char *letter = &forged[sizeof HELLO "MAIL FROM:<>\r\nRCPT TO:<SRS0="];
	*letter = *letter == 'x' || *letter == 'X' ? 'y' : 'x';
	world_empty_queue(w, &(struct queue_filter){ .destination = STR("elsewhere.test") });
	world_expect_queue(w, "<a@b.example> flags=0 peer=192.0.2.1\n  alice@example.org > :local orcpt=rfc822;both@example.org\n");
	world_empty_queue(w, &(struct queue_filter){ 0 });
	world_say(w, bounce, "250 2.0.0 Ok: queued as ");
	world_show_queue(w, &(struct queue_filter){ .destination = STR("b.example") });
	assert_true(str_starts(buf_str(&w->shown), STR("<> flags=0 peer=192.0.2.1\n  a@b.example > b.example\n")));
	world_say(w, forged, "550 5.1.1 ");
	/* of our own users and the null sender nothing is rewritten */
	world_empty_queue(w, &(struct queue_filter){ 0 });
	world_submit(w, HELLO "MAIL FROM:<alice@example.org>\r\nRCPT TO:<away@example.org>\r\n" MESSAGE, "250 2.0.0 Ok: queued as ");
	world_expect_queue(w, "<alice@example.org> flags=0 user=alice@example.org peer=192.0.2.1\n  friend@elsewhere.test > elsewhere.test orcpt=rfc822;away@example.org\n");
}

/* Nobody loses mail because somebody else is full; who is alone hears it at once. */
static void who_is_full_waits_in_the_queue(void **state)
{
	struct world *w = *state;
	struct account *a;
	assert_int_equal(account_open(w->house.model, 2, &a), 0);
	assert_int_equal(account_set_quota(a, &(struct quota){ .bytes_max = 100, .messages_max = 0 }), 0);
	account_close(&a);
	world_say(w, HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\n" MESSAGE, "250 2.0.0 Ok: queued as ");
	world_expect_queue(w, "<a@b.example> flags=0 peer=192.0.2.1\n  bob@example.org > :local\n");
	assert_true(str_starts(buf_str(&w->last), STR("Received: ")));
	assert_int_equal(world_messages(w, 1), 1);
	world_say(w, HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.org>\r\n" MESSAGE, "452 4.2.2 ");
	w->service.mode = SMTP_LMTP;
	world_say(w, "LHLO client.example.net\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\n" MESSAGE, "452 4.2.2 ");
	assert_int_equal(world_messages(w, 1), 2);
	world_empty_queue(w, &(struct queue_filter){ 0 });
	world_expect_queue(w, "");
}

static void without_a_queue_nothing_is_promised(void **state)
{
	struct world *w = *state;
	w->service.queue = NULL;
	world_say(w, HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<away@example.org>\r\n", "554 5.7.1 ");
	world_say(w, HELLO "MAIL FROM:<a@b.example> RET=FULL\r\n", "555 5.5.4 ");
	world_say(w, HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<both@example.org>\r\n", "554 5.7.1 ");
	world_submit(w, HELLO "MAIL FROM:<alice@example.org>\r\nRCPT TO:<friend@elsewhere.test>\r\n", "550 5.7.1 ");
}

/* What an alias of ours sent away comes back to it. */
static void forwarding_in_circles_ends(void **state)
{
	struct world *w = *state;
	world_say(w, HELLO "MAIL FROM:<>\r\nRCPT TO:<away@example.org>\r\n" MESSAGE, "250 ");
	world_expect_queue(w, "<> flags=0 peer=192.0.2.1\n  friend@elsewhere.test > elsewhere.test orcpt=rfc822;away@example.org\n");
	assert_true(str_find(buf_str(&w->last), STR("\r\nDelivered-To: away@example.org\r\n")) != STR_NPOS);
	world_say(w, HELLO "MAIL FROM:<>\r\nRCPT TO:<away@example.org>\r\nDATA\r\nDelivered-To: Away@example.org\r\n\r\nx\r\n.\r\n", "554 5.4.6 ");
	world_say(w, HELLO "MAIL FROM:<>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\nDelivered-To: away@example.org\r\n\r\nx\r\n.\r\n", "250 ");
}

/* RFC 8689 4.1: the field counts where the parameter was not given. */
static void tls_is_wished_or_waived(void **state)
{
	struct world *w = *state;
	world_submit(w, HELLO "MAIL FROM:<alice@example.org>\r\nRCPT TO:<friend@elsewhere.test>\r\nDATA\r\nTLS-Required: No\r\n\r\nx\r\n.\r\n", "250 ");
	world_expect_queue(w, "<alice@example.org> flags=256 user=alice@example.org peer=192.0.2.1\n  friend@elsewhere.test > elsewhere.test\n");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(accounts_alone_need_no_queue), T(users_send_away), T(a_mixed_message_goes_whole), T(aliases_pass_on), T(success_and_holding_need_the_queue),
		T(forwarding_rewrites_the_sender), T(who_is_full_waits_in_the_queue), T(without_a_queue_nothing_is_promised), T(forwarding_in_circles_ends), T(tls_is_wished_or_waived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
