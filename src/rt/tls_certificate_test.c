/* RFC 6698 2.1: what TLSA records hold for a certificate; the digests are those of the openssl command. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "rt/tls_certificate.h"

#include <unistd.h>

/* A file as ACME leaves it: a key, a certificate for mail.example.org and *.wild.example.org, its authority's. */
static const char pem[] =
	"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBwDCCAWagAwIBAgIUTqOw5b6tsqI+KavunMMjVRNtYukwCgYIKoZIzj0EAwIw\n"
	"GzEZMBcGA1UEAwwQbWFpbC5leGFtcGxlLm9yZzAgFw0yNjExMjYwOTQ5MTBaGA8y\n"
	"MTI2MTEwMjA5NDkxMFowGzEZMBcGA1UEAwwQbWFpbC5leGFtcGxlLm9yZzBZMBMG\n"
	"ByqGSM49AgEGCCqGSM49AwEHA0IABEHHHjC4GjdO4zydIo+kHwf1cviifoZlyFmL\n"
	"H7dWIoC7M1rnv/R2wCHTp29m/zjdrDouXvmCv+FTv5UOjsYaXoWjgYUwgYIwHQYD\n"
	"VR0OBBYEFHIhVF5ZO5TKM82Z+56ZwLc7ly0WMB8GA1UdIwQYMBaAFHIhVF5ZO5TK\n"
	"M82Z+56ZwLc7ly0WMA8GA1UdEwEB/wQFMAMBAf8wLwYDVR0RBCgwJoIQbWFpbC5l\n"
	"eGFtcGxlLm9yZ4ISKi53aWxkLmV4YW1wbGUub3JnMAoGCCqGSM49BAMCA0gAMEUC\n"
	"IQDLy44IUen/VrhLv4OG/fAnhcfPH7mS6pdvW1tFJQSxPQIgAgwhR5mkKmAhW2VJ\n"
	"sDKKDLvnvR3ybZ4kOXXhbJ0Y8xQ=\n"
	"-----END CERTIFICATE-----\n"
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBRDCB96ADAgECAhRVnSKCa9lVRZ/jQ7RVHbeG1nCo3zAFBgMrZXAwFzEVMBMG\n"
	"A1UEAwwMQW4gYXV0aG9yaXR5MCAXDTI2MTEyNjA5NDkxMFoYDzIxMjYxMTAyMDk0\n"
	"OTEwWjAXMRUwEwYDVQQDDAxBbiBhdXRob3JpdHkwKjAFBgMrZXADIQAe59Dk1UmI\n"
	"jyvgE9+c/Em/Qo+GUyAeotp2O4LFqIKES6NTMFEwHQYDVR0OBBYEFC2HWJLSChfa\n"
	"kLDffOB7TZ4w+zLvMB8GA1UdIwQYMBaAFC2HWJLSChfakLDffOB7TZ4w+zLvMA8G\n"
	"A1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EASc/fAOxBbz/xdCMOUMDJ9X6TlrmiT7DQ\n"
	"oYqUwCZWMV3xRrqU9ikL/dV7RsbzHObQIWi6nYd+xZE+I6AGllRmBA==\n"
	"-----END CERTIFICATE-----\n";

struct chain {
	struct arena arena;
	struct str *der;
	size_t n;
};

static int read_text(const char *text, struct chain *c)
{
	char path[] = "/tmp/troika-certificate-XXXXXX";
	int fd = mkstemp(path);

	*c = (struct chain){ .n = 0 };
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	int r = tls_certificates_read(path, &c->arena, &c->der, &c->n, NULL);
	unlink(path);
	return r;
}

static void test_read(void **state)
{
	struct chain c;
	(void)state;
	assert_int_equal(read_text(pem, &c), 0);
	assert_int_equal(c.n, 2);
	arena_fini(&c.arena);
	assert_int_equal(read_text("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", &c), ERR_INVALID);
	arena_fini(&c.arena);
	assert_int_equal(tls_certificates_read("/nowhere/x.pem", &c.arena, &c.der, &c.n, NULL), ERR_NOT_FOUND);
	arena_fini(&c.arena);
}

static void test_names(void **state)
{
	static const struct { const char *host; bool is; } t[] = {
		{ "mail.example.org", true }, { "MAIL.example.org", true }, { "a.wild.example.org", true }, { "a.b.wild.example.org", false },
		{ "example.org", false }, { "", false },
	};
	struct chain c;
	(void)state;
	assert_int_equal(read_text(pem, &c), 0);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(tls_certificate_is_for(c.der[0], str_from_c(t[i].host)), t[i].is);
	assert_false(tls_certificate_is_for(STR("junk"), STR("mail.example.org")));
	arena_fini(&c.arena);
}

static void test_tlsa(void **state)
{
	static const struct { unsigned cert, selector, matching; const char *hex; } t[] = {
		{ 0, 0, 1, "34dbef70f393f14a6da14fb69952999672c8562698613bd5554eb56eea8244c3" },
		{ 0, 0, 2, "71ef4a5723a9a6c1c33ba43c343bc6e05a3599b270a7d540ebb7f0c39b06e92fc540f7d12ca92962bdb63bd0d62313ca1c0f6abe6da65b84479970ed599b9393" },
		{ 0, 1, 1, "86d65867ee1c4c82e31bc3de1a767048126ce8206eacda2651d5f73f6dc18439" },
		{ 0, 1, 0, "3059301306072a8648ce3d020106082a8648ce3d0301070342000441c71e30b81a374ee33c9d228fa41f07f572f8a27e8665c8598b1fb7562280bb335ae7bff476c021d3a7"
				   "6f66ff38ddac3a2e5ef982bfe153bf950e8ec61a5e85" },
		{ 1, 0, 1, "71699b32598fd3621948dc1064dd0af83f06334d9c2a1e120a4a8be98dbb1cb1" },
		{ 1, 1, 1, "9c033a336642c8b1f38dd7d1eda8478360734d4277c10b3463cc48bdb58486d0" },
	};
	struct chain c;
	(void)state;
	assert_int_equal(read_text(pem, &c), 0);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct buf data = BUF_INIT(0), hex = BUF_INIT(0);
		assert_int_equal(tls_tlsa_data(c.der[t[i].cert], t[i].selector, t[i].matching, &data), 0);
		hex_encode(&hex, buf_str(&data));
		assert_true(str_eq(buf_str(&hex), str_from_c(t[i].hex)));
		buf_fini(&data);
		buf_fini(&hex);
	}
	struct buf none = BUF_INIT(0);
	assert_int_equal(tls_tlsa_data(c.der[0], 2, 1, &none), ERR_INVALID);
	assert_int_equal(tls_tlsa_data(c.der[0], 1, 3, &none), ERR_INVALID);
	assert_int_equal(tls_tlsa_data(STR("junk"), 1, 1, &none), ERR_INVALID);
	assert_int_equal(none.n, 0);
	arena_fini(&c.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_read), cmocka_unit_test(test_names), cmocka_unit_test(test_tlsa) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
