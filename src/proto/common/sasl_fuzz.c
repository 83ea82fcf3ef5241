/* Whole exchanges with any mechanism: the first octet of the input picks it, lines are the client's messages before
 * base64. Nobody may get in. */
#include "base/base64.h"
#include "proto/common/conn_fake.h"
#include "proto/common/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct services *world(void)
{
	static struct services *services;
	struct store *store;
	struct directory *d;
	struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };
	struct directory_config limits = { .fail_limit = 1 };
	struct directory_login braked = { .ip = STR("192.0.2.1") };
	if (services)
		return services;
	if (store_open(&c, &store, NULL) != 0 || directory_open(store, &limits, &d, NULL) != 0 ||
		directory_domain_add(d, STR("x.example"), NULL) != 0 ||
		directory_user_add(d, STR("user@x.example"), STR("sixty-six bears"), 1, NULL) != 0 ||
		directory_user_secret(d, STR("user@x.example"), STR("tanstaaftanstaaf"), NULL) != 0 ||
		services_create(NULL, d, &services) != 0)
		abort();
	struct mail_config config = mail_config_defaults();
	config.oauth_keys = STR("/nonexistent");
	if (services_set_config(services, &config) != 0)
		abort();
	/* yescrypt is not what is fuzzed: from there passwords are refused without it */
	directory_judge(d, &braked, STR("x"), false);
	return services;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const mechanisms[] = { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS",
		"OAUTHBEARER", "XOAUTH2", "EXTERNAL" };
	if (size == 0)
		return 0;
	unsigned which = data[0] % 10;
	struct conn c = { .ip = which == 3 || which == 4 ? "192.0.2.1" : "", .tls = true, .exporter = true, .certificate = { "nobody@x.example" } };
	struct services *s = world();
	const struct mail_config *config = services_config(s);
	struct str message, rest = str_make(data + 1, size - 1);
	struct sasl *x;
	struct buf reply = BUF_INIT(0);
	int code;
	enum sasl_result r = sasl_start(&c, s, config, "fuzz", str_from_c(mechanisms[which]), STR_NONE, &x, &reply, &code);
	while (r == SASL_CONTINUE && rest.n) {
		struct buf base64 = BUF_INIT(0);
		str_cut(rest, '\n', &message, &rest);
		base64_encode(&base64, message);
		buf_reset(&reply);
		r = sasl_step(x, buf_str(&base64), &reply, &code);
		buf_fini(&base64);
	}
	if (r == SASL_DONE)
		abort();
	buf_fini(&reply);
	sasl_destroy(&x);
	mail_config_unref(&config);
	return 0;
}
