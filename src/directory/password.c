#include "directory/password.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "rt/crypto.h"

#include <gsasl.h>

static int check_length(struct str password, const char *what, struct err *e)
{
	if (password.n < PASSWORD_MIN)
		return err_set(e, ERR_INVALID, "too short: at least 8 characters are needed",
					   "a %s of %zu bytes: it must have 8 to 256", what, password.n);
	if (password.n > DIRECTORY_PASSWORD_MAX)
		return err_set(e, ERR_INVALID, "too long: at most 256 bytes are possible",
					   "a %s of %zu bytes: it must have 8 to 256", what, password.n);
	return 0;
}

/* C0, DEL, and C1 when it is UTF-8: nobody can type them into a mail program. */
static bool has_control(struct str s)
{
	bool utf8 = utf8_is_valid(s);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i], next = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;
		if (ascii_is_cntrl(c) || (utf8 && c == 0xc2 && next < 0xa0))
			return true;
	}
	return false;
}

int password_check(struct str password, struct err *e)
{
	int code = check_length(password, "password", e);
	if (code == 0 && has_control(password))
		return err_set(e, ERR_INVALID, "control characters are not possible in a password",
					   "control character in a password");
	return code;
}

int password_check_secret(struct str secret, struct err *e)
{
	int code = check_length(secret, "secret", e);
	for (size_t i = 0; code == 0 && i < secret.n; i++)
		if (!ascii_is_print((unsigned char)secret.p[i]))
			code = err_set(e, ERR_INVALID, "only printable ASCII is possible in a secret",
						   "secret outside printable ASCII");
	return code;
}

static bool is_plain_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_print((unsigned char)s.p[i]))
			return false;
	return true;
}

/* RFC 4013 with unassigned code points allowed on both sides: Unicode 3.2 knows no emoji, and people do. */
static int saslprep(struct password *p)
{
	char *prepared = NULL;
	int code = gsasl_saslprep(p->bytes, GSASL_ALLOW_UNASSIGNED, &prepared, NULL);
	if (code == GSASL_MALLOC_ERROR)
		return ERR_NO_MEMORY;
	if (code != GSASL_OK)
		return 0;
	size_t n = strlen(prepared);
	if (n > 0 && n <= PASSWORD_PREPARED_MAX) {
		memcpy(p->bytes, prepared, n + 1);
		p->n = n;
	}
	crypto_wipe(prepared, n);
	gsasl_free(prepared);
	return 0;
}

int password_prepare(struct str raw, struct password *out)
{
	/* crypt(3) would stop at a NUL and take what stands before for the whole. */
	if (raw.n == 0 || raw.n > DIRECTORY_PASSWORD_MAX || memchr(raw.p, 0, raw.n))
		return ERR_INVALID;
	memset(out, 0, sizeof(*out));
	memcpy(out->bytes, raw.p, raw.n);
	out->n = raw.n;
	if (is_plain_ascii(raw) || !utf8_is_valid(raw))
		return 0;
	int code = saslprep(out);
	if (code != 0)
		password_wipe(out);
	return code;
}

void password_wipe(struct password *p) { crypto_wipe(p, sizeof(*p)); }

/* RFC 5802 section 3, with the hash that the mechanism names. */
static int scram_keys(const struct password *p, struct directory_scram *s)
{
	uint8_t salted[CRYPTO_SHA256_SIZE], client_key[CRYPTO_SHA256_SIZE];
	struct str key = str_make(salted, sizeof(salted)), salt = str_make(s->salt, sizeof(s->salt));
	int code = crypto_pbkdf2_sha256(str_make(p->bytes, p->n), salt, s->iterations, salted, sizeof(salted));
	if (code == 0)
		code = crypto_hmac_sha256(key, STR("Client Key"), client_key);
	if (code == 0)
		code = crypto_sha256(str_make(client_key, sizeof(client_key)), s->stored_key);
	if (code == 0)
		code = crypto_hmac_sha256(key, STR("Server Key"), s->server_key);
	crypto_wipe(salted, sizeof(salted));
	crypto_wipe(client_key, sizeof(client_key));
	return code;
}

static int scram_keys_sha1(const struct password *p, struct directory_scram *s)
{
	uint8_t salted[CRYPTO_SHA1_SIZE], client_key[CRYPTO_SHA1_SIZE];
	struct str key = str_make(salted, sizeof(salted)), salt = str_make(s->salt, sizeof(s->salt));
	int code = crypto_pbkdf2_sha1(str_make(p->bytes, p->n), salt, s->iterations, salted, sizeof(salted));
	if (code == 0)
		code = crypto_hmac_sha1(key, STR("Client Key"), client_key);
	if (code == 0)
		code = crypto_sha1(str_make(client_key, sizeof(client_key)), s->stored_key_sha1);
	if (code == 0)
		code = crypto_hmac_sha1(key, STR("Server Key"), s->server_key_sha1);
	s->has_sha1 = code == 0;
	crypto_wipe(salted, sizeof(salted));
	crypto_wipe(client_key, sizeof(client_key));
	return code;
}

int password_scram_keys(const struct password *p, struct directory_scram *s)
{
	int code = scram_keys(p, s);
	return code ? code : scram_keys_sha1(p, s);
}

int password_scram(const struct password *p, struct directory_scram *out)
{
	out->iterations = SCRAM_ITERATIONS;
	crypto_random(out->salt, sizeof(out->salt));
	return password_scram_keys(p, out);
}
