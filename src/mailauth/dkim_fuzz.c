/* A message of any bytes is verified and validated with a key record of any bytes (the first line), signed and sealed: what we sign must verify, and a
 * chain that we go on with must stay one. */
#include "mailauth/arc.h"

#include "mailauth/dkim_tags.h"

#include <stdint.h>
#include <stdlib.h>

#define NOW 1700000000

/* RFC 8032 7.1 test 1, which RFC 8463 A uses */
static const struct str key_pem = STR_INIT("-----BEGIN PRIVATE KEY-----\n"
										   "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
										   "-----END PRIVATE KEY-----\n");
static const struct str key_record = STR_INIT("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");

/* Two records everywhere: ours, and the input's. */
static int answer(void *ctx, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	struct dns_record *r = arena_array(a, 2, sizeof(*r));
	if (!r)
		return ERR_NO_MEMORY;
	r[0].text = key_record;
	r[1].text = *(const struct str *)ctx;
	*out = (struct dns_answer){ .status = type == DNS_TXT ? DNS_OK : DNS_NODATA, .canonical = name, .records = r, .n = 2 };
	return 0;
}

static void seal_and_validate(const struct dns_source *dns, struct str message, const struct dkim_signer *s)
{
	struct arena a = ARENA_INIT(0);
	struct buf b = BUF_INIT(0);
	struct arc_verdict before, after;
	if (arc_validate(dns, &a, message, NOW, &before) != 0 || (before.result == ARC_FAIL) != (before.problem != NULL))
		abort();
	if (arc_seal(message, s, before.result, before.instances, STR("mx.example.org; none"), NOW, &b, NULL) == 0) {
		buf_add_str(&b, message);
		if (arc_validate(dns, &a, buf_str(&b), NOW, &after) != 0 || (after.result == ARC_PASS) != (before.result != ARC_FAIL) ||
			after.instances != before.instances + 1)
			abort();
	}
	buf_fini(&b);
	arena_fini(&a);
}

static void sign_and_verify(const struct dns_source *dns, struct str message)
{
	struct arena a = ARENA_INIT(0);
	struct buf b = BUF_INIT(0);
	struct dkim_key *key;
	struct dkim_verdict *v;
	size_t n;
	if (dkim_key_parse(key_pem, &key, NULL) != 0)
		abort();
	const struct dkim_signer s = { STR("example.org"), STR("s"), key, STR("x=;@example.org"), NOW + 1 };
	if (dkim_sign(message, &s, 1, NOW, &b, NULL) == 0) {
		buf_add_str(&b, message);
		if (dkim_verify(dns, &a, buf_str(&b), NOW, &v, &n) != 0 || n == 0 || v[0].result != DKIM_PASS)
			abort();
	}
	seal_and_validate(dns, message, &s);
	dkim_key_unref(&key);
	buf_fini(&b);
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a = ARENA_INIT(0);
	struct str record, message;
	struct dkim_verdict *v;
	size_t n_v;
	struct dkim_tags tags;

	str_cut(str_make(p, n), '\n', &record, &message);
	const struct dns_source dns = { answer, &record };
	dkim_tags_parse(record, &tags);
	if (dkim_verify(&dns, &a, message, NOW, &v, &n_v) != 0 || n_v > DKIM_SIGNATURES_MAX)
		abort();
	for (size_t i = 0; i < n_v; i++)
		if ((v[i].result == DKIM_PASS) != !v[i].problem || v[i].signature.n > 8)
			abort();
	sign_and_verify(&dns, message);
	arena_fini(&a);
	return 0;
}
