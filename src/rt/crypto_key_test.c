/* The examples of RFC 7515 A.2 and A.3 and RFC 8037 A.4. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "rt/crypto_key.h"

static const struct example {
	enum crypto_signature kind;
	const char *a, *b, *message, *signature;
} examples[] = {
	{ CRYPTO_RS256,
	  "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGz"
	  "jb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8"
	  "q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
	  "AQAB",
	  "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
	  "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTy"
	  "WzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5A"
	  "XLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw" },
	{ CRYPTO_ES256, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
	  "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
	  "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q" },
	{ CRYPTO_EDDSA, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "", "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
	  "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg" },
};

static void decode(const char *text, struct buf *out) { assert_int_equal(base64url_decode(out, str_from_c(text)), 0); }

static void test_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct example *x = &examples[i];
		struct buf a = BUF_INIT(0), b = BUF_INIT(0), signature = BUF_INIT(0);
		struct crypto_key *k;
		decode(x->a, &a);
		decode(x->b, &b);
		decode(x->signature, &signature);
		assert_int_equal(crypto_key_create(x->kind, buf_str(&a), buf_str(&b), &k), 0);
		assert_true(crypto_key_verifies(k, str_from_c(x->message), buf_str(&signature)));
		assert_false(crypto_key_verifies(k, str_from(str_from_c(x->message), 1), buf_str(&signature)));
		signature.p[signature.n / 2] ^= 1;
		assert_false(crypto_key_verifies(k, str_from_c(x->message), buf_str(&signature)));
		assert_false(crypto_key_verifies(k, str_from_c(x->message), str_sub(buf_str(&signature), 0, signature.n - 1)));
		assert_false(crypto_key_verifies(k, str_from_c(x->message), STR("")));
		crypto_key_destroy(&k);
		crypto_key_destroy(&k);
		buf_fini(&a);
		buf_fini(&b);
		buf_fini(&signature);
	}
}

static void test_bad_keys(void **state)
{
	(void)state;
	struct crypto_key *k;
	struct buf x = BUF_INIT(0), y = BUF_INIT(0);
	decode(examples[1].a, &x);
	decode(examples[1].b, &y);
	y.p[31] ^= 1;          /* not on the curve */
	assert_int_equal(crypto_key_create(CRYPTO_ES256, buf_str(&x), buf_str(&y), &k), ERR_INVALID);
	assert_int_equal(crypto_key_create(CRYPTO_ES256, buf_str(&x), STR(""), &k), ERR_INVALID);
	assert_int_equal(crypto_key_create(CRYPTO_EDDSA, STR("short"), STR(""), &k), ERR_INVALID);
	assert_int_equal(crypto_key_create(CRYPTO_RS256, buf_str(&x), STR("\001\000\001"), &k), ERR_INVALID);      /* 256 bits */
	assert_int_equal(crypto_key_create(CRYPTO_RS256, STR(""), STR(""), &k), ERR_INVALID);
	assert_null(k);
	buf_fini(&x);
	buf_fini(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_examples), cmocka_unit_test(test_bad_keys) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
