#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "codec/imap/search_scopes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_scopes(void **state)
{
	(void)state;
	static const struct { const char *in, *out; } good[] = {
		{ "UNSEEN", "" },
		{ "INSIDE", "" },
		/* RFC 7377 3. */
		{ "IN (mailboxes \"folder1\" subtree \"folder2\") unseen", "6:folder1 4:folder2 " },
		{ "in (mailboxes folder1 subtree-one (a b)) x", "6:folder1 5:a,b " },
		{ "IN (selected) x", "0 " },
		{ "IN (INBOXES PERSONAL subscribed mailboxes inbox) x", "1 2 3 6:INBOX " },
	};
	static const char *const bad[] = {
		"IN", "IN ", "IN selected x", "IN () x", "IN (selected", "IN (selected)", "IN (selected-delayed) x", "IN (mailboxes) x", "IN (mailboxes ()) x",
		"IN (mailboxes (a b) x", "IN (foo) x", "IN (selected (depth 1)) x", "IN (selected ) x", "IN (subtree a b) x",
	};
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_scopes s;
		struct buf b = BUF_INIT(0);
		const char *in = i < COUNT(good) ? good[i].in : bad[i - COUNT(good)];
		imap_cursor_init(&c, str_from_c(in), &a, false);
		bool ok = imap_search_scopes(&c, &s);
		if (ok != (i < COUNT(good)))
			fail_msg("%s: %d", in, ok);
		for (size_t k = 0; ok && k < s.n; k++) {
			buf_printf(&b, "%d", (int)s.v[k].kind);
			for (size_t m = 0; m < s.v[k].name_count; m++)
				buf_printf(&b, "%s%.*s", m ? "," : ":", STR_ARG(s.v[k].name[m]));
			buf_add_char(&b, ' ');
		}
		if (ok && !str_eq(buf_str(&b), str_from_c(good[i].out)))
			fail_msg("%s: %.*s", in, STR_ARG(buf_str(&b)));
		buf_fini(&b);
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_scopes) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
