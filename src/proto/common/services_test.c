#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/common/services.h"

#include <pthread.h>

static void test_snapshots(void **state)
{
	(void)state;
	struct services *s;
	char hostname[] = "mail.example.org";
	assert_int_equal(services_create(NULL, NULL, &s), 0);
	const struct mail_config *defaults = services_config(s);
	assert_true(str_eq(defaults->hostname, STR("localhost")));

	struct mail_config c = mail_config_defaults();
	c.hostname = str_from_c(hostname);
	c.pop3_login_delay_s = 60;
	assert_int_equal(services_set_config(s, &c), 0);
	memset(hostname, 'x', sizeof(hostname) - 1);       /* the snapshot has a copy */
	const struct mail_config *first = services_config(s), *same = services_config(s);
	assert_ptr_equal(first, same);
	assert_true(str_eq(first->hostname, STR("mail.example.org")));
	assert_true(str_eq(first->spool_dir, c.spool_dir));
	assert_int_equal(first->pop3_login_delay_s, 60);
	assert_int_equal(defaults->pop3_login_delay_s, 0);  /* who began with the old one keeps it */
	mail_config_unref(&same);
	assert_null(same);
	mail_config_unref(&same);

	c.pop3_login_delay_s = 0;
	assert_int_equal(services_set_config(s, &c), 0);
	assert_int_equal(first->pop3_login_delay_s, 60);
	mail_config_unref(&first);
	mail_config_unref(&defaults);
	services_destroy(&s);
	assert_null(s);
	services_destroy(&s);
}

/* What the RFCs set as the least. */
static void test_defaults(void **state)
{
	(void)state;
	struct mail_config c = mail_config_defaults();
	assert_true(c.pop3_timeout_ms >= 10 * 60 * 1000);     /* RFC 1939 section 3 */
	assert_true(c.imap_timeout_ms >= 30 * 60 * 1000);     /* RFC 3501 section 5.4 */
	assert_true(c.smtp_timeout_ms >= 5 * 60 * 1000);      /* RFC 5321 section 4.5.3.2.7 */
	assert_true(c.smtp_recipients_max >= 100);            /* RFC 5321 section 4.5.3.1.8 */
	assert_true(c.smtp_hops_max >= 100);                  /* RFC 5321 section 6.3 */
	assert_false(c.allow_plain_without_tls);
	assert_true(c.message_size_max > 0 && c.message_size_max <= STORE_BLOB_MAX);
}

static void *read_config(void *arg)
{
	size_t wrong = 0;
	for (int i = 0; i < 20000; i++) {
		const struct mail_config *c = services_config(arg);
		wrong += c->hostname.n != c->pop3_login_delay_s;
		mail_config_unref(&c);
	}
	return (void *)wrong;
}

static void test_threads(void **state)
{
	(void)state;
	struct services *s;
	struct mail_config c = mail_config_defaults();
	pthread_t threads[3];
	assert_int_equal(services_create(NULL, NULL, &s), 0);
	c.pop3_login_delay_s = c.hostname.n;
	assert_int_equal(services_set_config(s, &c), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_config, s), 0);
	for (int i = 0; i < 20000; i++) {
		c.hostname = str_sub(STR("abcdefghijklmnop"), 0, (size_t)i % 16);
		c.pop3_login_delay_s = c.hostname.n;
		assert_int_equal(services_set_config(s, &c), 0);
	}
	for (int i = 0; i < 3; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	services_destroy(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
