/* CRAM-MD5 (RFC 2195). Our own, because GNU SASL's server leaves the secret in freed memory. An unknown user, and one without a secret, walks the whole
 * way with a secret that nobody knows and fails where a wrong one fails. */
#include "proto/common/inside.h"

#include "base/base64.h"
#include "base/clock.h"

#define NONCE_OCTETS 16
#define DIGEST_TEXT (2 * CRYPTO_MD5_SIZE)

/* "<nonce.time@host>", in the shape of a message id. */
enum sasl_result sasl_begin_cram_md5(struct sasl *x, struct buf *out, int *code_out)
{
	uint8_t nonce[NONCE_OCTETS];
	struct buf challenge = BUF_INIT(0);
	const struct mail_config *cfg = services_config(x->services);
	crypto_random(nonce, sizeof(nonce));
	buf_add_char(&challenge, '<');
	hex_encode(&challenge, str_make(nonce, sizeof(nonce)));
	buf_printf(&challenge, ".%lld@%.*s>", (long long)clock_now(), STR_ARG(cfg->hostname));
	mail_config_unref(&cfg);
	x->challenge = challenge.failed ? STR_NONE : arena_dup(&x->arena, buf_str(&challenge));
	buf_fini(&challenge);
	buf_add_str(out, x->challenge);
	return x->challenge.p ? SASL_CONTINUE : sasl_fail(ERR_NO_MEMORY, code_out);
}

static int digest_of(struct sasl *x, struct buf *out)
{
	uint8_t nobody[NONCE_OCTETS], digest[CRYPTO_MD5_SIZE];
	struct str secret = x->credentials.secret;
	crypto_random(nobody, sizeof(nobody));
	int code = crypto_hmac_md5(secret.n ? secret : str_make(nobody, sizeof(nobody)), x->challenge, digest);
	if (code == 0)
		hex_encode(out, str_make(digest, sizeof(digest)));
	return code == 0 && out->failed ? ERR_NO_MEMORY : code;
}

/* user SP digest, in small letters; a name may hold blanks. */
enum sasl_result sasl_step_cram_md5(struct sasl *x, struct str in, struct buf *out, int *code_out)
{
	size_t blank = str_rchr(in, ' ');
	struct buf right = BUF_INIT(0);
	(void)out;
	if (blank == STR_NPOS || blank == 0 || in.n - blank - 1 != DIGEST_TEXT || str_chr(in, '\0') != STR_NPOS)
		return SASL_MALFORMED;
	struct str name = str_sub(in, 0, blank);
	sasl_keep_name(x, name);
	x->asked = true;
	x->credentials_code = directory_credentials(services_directory(x->services), &x->arena, &x->login, name, &x->credentials);
	/* A code that is not about the user (too many failures, a disk) must not look like a wrong secret. */
	if (x->credentials_code != 0 && x->credentials_code != ERR_NOT_FOUND)
		return sasl_fail(x->credentials_code, code_out);
	int code = digest_of(x, &right);
	bool ok = code == 0 && str_eq_secret(buf_str(&right), str_from(in, blank + 1)) && x->credentials.secret.n;
	buf_fini(&right);
	if (code == 0)
		code = sasl_proven(x, name, STR_NONE, ok);
	return code ? sasl_fail(code, code_out) : SASL_DONE;
}
