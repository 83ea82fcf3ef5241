/* RFC 2369, RFC 2919; and that what authors sign stays as it was. */
#include "deliver/group_header.h"

#include "rt/dns_zone.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static struct group group = { .name = STR_INIT("list@example.org") };
static struct dns_zone *zone;

#define LIST_FIELDS "List-Id: <list.example.org>\r\nList-Post: <mailto:list@example.org>\r\nList-Help: <mailto:list-request@example.org?subject=help>\r\n" \
	"List-Unsubscribe: <mailto:list-request@example.org?subject=unsubscribe>\r\nList-Owner: <mailto:list-owner@example.org>\r\nPrecedence: list\r\n"
#define LOOP "X-Loop: list@example.org\r\n"

static void assert_header(const struct group_settings *s, const char *header, const char *expected)
{
	struct arena a = ARENA_INIT(0);
	struct buf b = BUF_INIT(0);
	struct dns_source dns = dns_zone_source(zone);

	group.settings = *s;
	assert_int_equal(group_header_write(str_from_c(header), &group, &dns, &a, &b), 0);
	if (!str_eq(buf_str(&b), str_from_c(expected)))
		fail_msg("%.*s\ninstead of\n%s", (int)b.n, b.p, expected);
	buf_fini(&b);
	arena_fini(&a);
}

static void test_split(void **state)
{
	(void)state;
	static const struct { const char *message, *header, *body; } t[] = {
		{ "A: b\r\n\r\nbody\r\n", "A: b\r\n", "body\r\n" }, { "A: b\r\n c\r\n\r\n", "A: b\r\n c\r\n", "" }, { "A: b\r\n", "A: b\r\n", "" },
		{ "\r\nbody", "", "body" }, { "", "", "" }, { "A: b\nC: d\n\nbody", "A: b\nC: d\n", "body" },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct str body, header = group_header_split(str_from_c(t[i].message), &body);
		assert_true(str_eq(header, str_from_c(t[i].header)) && str_eq(body, str_from_c(t[i].body)));
	}
}

static void test_fields(void **state)
{
	(void)state;
	static const struct group_settings plain = { .post = GROUP_POST_MEMBERS };
	assert_header(&plain, "From: a@b\r\nSubject: x\r\n y\r\n", "From: a@b\r\nSubject: x\r\n y\r\n" LIST_FIELDS LOOP);
	/* another list's own fields go, its archive and all else stays, in order */
	assert_header(&plain, "List-Id: <x.y>\r\nReceived: a\r\nLIST-POST: NO\r\nlist-unsubscribe: <https://x>,\r\n <mailto:y>\r\nList-Unsubscribe-Post: z\r\n"
						  "Precedence: bulk\r\nReply-To: r@b\r\nSender: s@b\r\nFrom: a@b\r\nList-Archive: <https://z>\r\nX-Loop: other@b\r\n",
				  "Received: a\r\nReply-To: r@b\r\nSender: s@b\r\nFrom: a@b\r\nList-Archive: <https://z>\r\nX-Loop: other@b\r\n" LIST_FIELDS LOOP);
	static const struct group_settings bare = { .no_headers = true };
	assert_header(&bare, "List-Id: <x.y>\r\nFrom: a@b\r\n", "List-Id: <x.y>\r\nFrom: a@b\r\n" LOOP);
	static const struct group_settings reply = { .no_headers = true, .reply_to_list = true };
	assert_header(&reply, "Reply-To: r@b,\r\n q@b\r\nFrom: a@b\r\n", "From: a@b\r\nReply-To: <list@example.org>\r\n" LOOP);
	/* the last line may lack its end */
	assert_header(&bare, "From: a@b", "From: a@b\r\n" LOOP);
}

static void test_description(void **state)
{
	(void)state;
	static const struct group_settings s = { .description = STR_INIT("\xd0\xaf, we"), .post = GROUP_POST_OWNERS };
	assert_header(&s, "From: a@b\r\n",
				  "From: a@b\r\nList-Id: =?UTF-8?B?0K8sIHdl?=\r\n <list.example.org>\r\nList-Post: NO (only its owners write to this list)\r\n"
				  "List-Help: <mailto:list-request@example.org?subject=help>\r\nList-Unsubscribe: <mailto:list-request@example.org?subject=unsubscribe>\r\n"
				  "List-Owner: <mailto:list-owner@example.org>\r\nPrecedence: list\r\n" LOOP);
	group.name = STR("a=b@example.org");
	static const struct group_settings plain = { .post = GROUP_POST_MEMBERS };
	assert_header(&plain, "", "List-Id: <a=b.example.org>\r\nList-Post: <mailto:a%3Db@example.org>\r\nList-Help: <mailto:a%3Db-request@example.org?subject=help>\r\n"
							  "List-Unsubscribe: <mailto:a%3Db-request@example.org?subject=unsubscribe>\r\nList-Owner: <mailto:a%3Db-owner@example.org>\r\n"
							  "Precedence: list\r\nX-Loop: a=b@example.org\r\n");
	group.name = STR("list@example.org");
}

static void test_from(void **state)
{
	(void)state;
	static const struct group_settings on = { .no_headers = true, .rewrite_from = true, .description = STR_INIT("Our List") };
	static const char *const untouched[] = { "From: a@open.example\r\n", "From: a@nothing.example\r\n", "From: a@testing.example\r\n", "Subject: no author\r\n",
											 "From: a@slow.example\r\n" };

	for (size_t i = 0; i < sizeof untouched / sizeof *untouched; i++) {
		struct buf b = BUF_INIT(0);
		buf_printf(&b, "%s%s", untouched[i], LOOP);
		buf_add_char(&b, '\0');
		assert_header(&on, untouched[i], b.p);
		buf_fini(&b);
	}
	assert_header(&on, "From: =?utf-8?q?J=C3=B6rg?= <j@strict.example>\r\nSubject: x\r\n",
				  "Subject: x\r\nFrom: =?UTF-8?B?SsO2cmcgdmlhIE91ciBMaXN0?=\r\n <list@example.org>\r\nX-Original-From: =?utf-8?q?J=C3=B6rg?= <j@strict.example>\r\n"
				  "Reply-To: =?utf-8?q?J=C3=B6rg?= <j@strict.example>\r\n" LOOP);
	/* a policy of the organization's; a Reply-To of the author's own */
	assert_header(&on, "Reply-To: r@x\r\nFrom: joe@sub.strict.example\r\n",
				  "Reply-To: r@x\r\nFrom: joe via Our List\r\n <list@example.org>\r\nX-Original-From: joe@sub.strict.example\r\n" LOOP);
	static const struct group_settings off = { .no_headers = true };
	assert_header(&off, "From: j@strict.example\r\n", "From: j@strict.example\r\n" LOOP);
}

static void test_loops(void **state)
{
	(void)state;
	static const struct { const char *header; bool loops; } t[] = {
		{ "From: a@b\r\n", false }, { "X-Loop: LIST@example.org\r\n", true }, { "X-Loop: other@example.org\r\n", false }, { "x-loop:\r\n list@example.org\r\n", true },
		{ "List-Id: Any\r\n words <List.example.org>\r\n", true }, { "List-Id: <mylist.example.org>\r\n", false }, { "Subject: X-Loop: list@example.org\r\n", false },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		assert_int_equal(group_header_loops(str_from_c(t[i].header), group.name), t[i].loops);
}

static int setup(void **state)
{
	(void)state;
	zone = dns_zone_create();
	dns_zone_add(zone, "_dmarc.open.example TXT v=DMARC1; p=none\n_dmarc.strict.example TXT v=DMARC1; p=reject\n"
					   "_dmarc.testing.example TXT v=DMARC1; p=reject; t=y\n_dmarc.slow.example TXT !temporary\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dns_zone_destroy(&zone);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split), cmocka_unit_test(test_fields), cmocka_unit_test(test_description), cmocka_unit_test(test_from), cmocka_unit_test(test_loops),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
