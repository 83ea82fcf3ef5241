/* Logins that are no SASL: IMAP LOGIN, POP3 USER and PASS, APOP. */
#include "proto/common/inside.h"

#include "audit/audit.h"
#include "base/base64.h"
#include "proto/common/login_count.h"

void login_told(struct conn *c, const char *protocol, const char *mechanism, struct str name, const struct directory_user *user, const char *why)
{
	login_count(protocol, mechanism, user != NULL, why);
	struct audit_login l = {
		.protocol = protocol, .mechanism = mechanism, .user = user ? user->name : name, .ip = conn_peer_ip(c), .name = user ? user->app_password : STR_NONE,
		.tls = conn_has_tls(c), .ok = user != NULL, .why = why };
	audit_login(&l);
}

static int told(struct conn *c, const char *protocol, const char *mechanism, struct str name, const struct directory_user *user, int code)
{
	login_told(c, protocol, mechanism, name, code ? NULL : user, err_text(code));
	return code;
}

int login_with_password(struct conn *c, struct services *s, const char *protocol, struct arena *a, struct str name,
						struct str password, struct directory_user *out)
{
	const struct mail_config *cfg = services_config(s);
	bool may = login_may_show_password(c, cfg);
	mail_config_unref(&cfg);
	*out = (struct directory_user){ 0 };
	if (!may) {
		login_told(c, protocol, "password", name, NULL, "no TLS");
		return ERR_DENIED;
	}
	struct directory_login l = { .ip = conn_peer_ip(c), .protocol = protocol };
	return told(c, protocol, "password", name, out, directory_verify(services_directory(s), a, &l, name, password, out));
}

/* MD5 over banner and secret; for a user without a secret over something that nobody knows. */
static int apop_digest(struct str banner, struct str secret, uint8_t out[CRYPTO_MD5_SIZE])
{
	struct buf b = BUF_INIT(0);
	char nobody[16];
	crypto_random(nobody, sizeof(nobody));
	b.wipe = true;
	buf_add_str(&b, banner);
	buf_add_str(&b, secret.n ? secret : str_make(nobody, sizeof(nobody)));
	int code = b.failed ? ERR_NO_MEMORY : crypto_md5(buf_str(&b), out);
	buf_fini(&b);
	return code;
}

int login_with_apop(struct conn *c, struct services *s, struct arena *a, struct str name, struct str banner,
					struct str digest, struct directory_user *out)
{
	struct directory *d = services_directory(s);
	struct directory_login l = { .ip = conn_peer_ip(c), .protocol = "pop3" };
	struct directory_credentials cred;
	uint8_t want[CRYPTO_MD5_SIZE];
	struct buf given = BUF_INIT(0);
	*out = (struct directory_user){ 0 };
	int known = directory_credentials(d, a, &l, name, &cred);
	int code = known == ERR_NOT_FOUND ? 0 : known;
	if (code == 0)
		code = apop_digest(banner, cred.secret, want);
	if (code == 0) {
		bool right = hex_decode(&given, digest) == 0 && str_eq_secret(buf_str(&given), str_make(want, sizeof(want)));
		code = directory_judge(d, &l, name, right && known == 0 && cred.secret.n);
	}
	if (code == 0)
		*out = cred.user;
	wipe_str(cred.secret);
	buf_fini(&given);
	return told(c, "pop3", "APOP", name, out, code);
}
