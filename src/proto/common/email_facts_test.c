#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "codec/mime/message.h"
#include "codec/mime/summary.h"
#include "proto/common/email_facts_make.h"

#include <stdlib.h>

static struct email_fact facts_of(const char *header, struct email_refs *refs)
{
	struct arena a = ARENA_INIT(0);
	struct buf message = BUF_INIT(0), summary = BUF_INIT(0);
	struct facts_maker maker = FACTS_MAKER_INIT;
	struct mime_message m;
	struct email_fact fact;
	buf_add_c(&message, header);
	buf_add_lit(&message, "\r\ntext\r\n");
	assert_int_equal(mime_message_parse(buf_str(&message), &a, &m), 0);
	assert_int_equal(mime_summary_encode(&m, buf_str(&message), &summary), 0);
	assert_int_equal(facts_make(&maker, buf_str(&summary), &fact, refs), 0);
	facts_maker_fini(&maker);
	buf_fini(&summary);
	buf_fini(&message);
	arena_fini(&a);
	return fact;
}

static void test_references(void **state)
{
	(void)state;
	static const struct { const char *header; const char *refs[3]; } rows[] = {
		{ "Message-ID: <a@b>\r\n", { NULL } },
		{ "References: <one@x> <two@x>\r\n", { "one@x", "two@x" } },
		/* RFC 5256 section 3: References first, then the first id of In-Reply-To, and only that. */
		{ "References: <one@x>\r\nIn-Reply-To: <two@x>\r\n", { "one@x" } },
		{ "References: nothing here\r\nIn-Reply-To: <two@x> <three@x>\r\n", { "two@x" } },
		{ "In-Reply-To: your message of today\r\n", { NULL } },
		{ "In-Reply-To: your message <two@x> (thanks)\r\n", { "two@x" } },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct email_refs refs = { NULL, 0, 0 };
		struct email_fact f = facts_of(rows[i].header, &refs);
		uint32_t n = 0;
		for (; n < 3 && rows[i].refs[n]; n++)
			assert_true(n < f.n_refs && refs.v[f.refs_at + n] == hash_siphash(str_from_c(rows[i].refs[n])));
		assert_int_equal(f.n_refs, n);
		free(refs.v);
	}
}

static void test_ids(void **state)
{
	(void)state;
	struct email_refs refs = { NULL, 0, 0 };
	/* RFC 5256 section 3: the same id, however it is quoted. */
	uint64_t plain = facts_of("Message-ID: <01KF8JCEOCBS0045PS@xxx.yyy.com>\r\n", &refs).id;
	assert_true(plain && plain == facts_of("Message-ID: <\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>\r\n", &refs).id);
	assert_true(plain == facts_of("Message-ID: < 01KF8JCEOCBS0045PS @ xxx.yyy.com >\r\n", &refs).id);
	assert_true(plain != facts_of("Message-ID: <01kf8jceocbs0045ps@xxx.yyy.com>\r\n", &refs).id);
	assert_int_equal(facts_of("Message-ID: none\r\n", &refs).id, 0);
	assert_int_equal(facts_of("X: y\r\n", &refs).id, 0);
	free(refs.v);
}

static void test_subject_and_date(void **state)
{
	(void)state;
	struct email_refs refs = { NULL, 0, 0 };
	struct email_fact one = facts_of("Subject: =?UTF-8?Q?Caf=C3=A9?=\r\nDate: Thu, 1 Jan 1970 01:00:10 +0100\r\n", &refs);
	struct email_fact two = facts_of("Subject: Re: CAFE\xcc\x81\r\n", &refs);
	assert_true(one.subject && one.subject == two.subject);
	assert_true(!one.reply && two.reply);
	assert_true(one.has_sent && one.sent == 10 && !two.has_sent);
	assert_int_equal(facts_of("Subject: re:\r\n", &refs).subject, 0);
	free(refs.v);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_references), cmocka_unit_test(test_ids), cmocka_unit_test(test_subject_and_date) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
