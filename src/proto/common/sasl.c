/* What all mechanisms share: the table, base64, who speaks first, the end. */
#include "proto/common/inside.h"

#include "base/base64.h"
#include "proto/common/oauth.h"

/* The strongest first: clients that take the first they know do well. */
static const struct sasl_mechanism mechanisms[] = {
	{
		.name = "EXTERNAL",
		.needs_certificate = true,
		.takes_initial = true,
		.step = sasl_step_external,
		.rfc = "4422 appendix A",
	},
	{
		.name = "SCRAM-SHA-256-PLUS",
		.binds_channel = true,
		.takes_initial = true,
		.step = sasl_step_scram,
		.rfc = "7677, 5802, 9266",
	},
	{
		.name = "SCRAM-SHA-1-PLUS",
		.binds_channel = true,
		.sha1 = true,
		.takes_initial = true,
		.step = sasl_step_scram,
		.rfc = "5802, 9266",
	},
	{
		.name = "SCRAM-SHA-256",
		.takes_initial = true,
		.step = sasl_step_scram,
		.rfc = "7677, 5802",
	},
	{
		.name = "SCRAM-SHA-1",
		.sha1 = true,
		.takes_initial = true,
		.step = sasl_step_scram,
		.rfc = "5802",
	},
	{
		.name = "CRAM-MD5",
		.needs_secret = true,
		.begin = sasl_begin_cram_md5,
		.step = sasl_step_cram_md5,
		.rfc = "2195",
	},
	{
		.name = "OAUTHBEARER",
		.shows_password = true,
		.needs_oauth = true,
		.takes_initial = true,
		.step = sasl_step_oauth,
		.rfc = "7628",
	},
	{
		.name = "XOAUTH2",
		.shows_password = true,
		.needs_oauth = true,
		.xoauth2 = true,
		.takes_initial = true,
		.step = sasl_step_oauth,
		.rfc = "as Google and Microsoft have it",
	},
	{
		.name = "PLAIN",
		.shows_password = true,
		.takes_initial = true,
		.step = sasl_step_plain,
		.rfc = "4616",
	},
	{
		.name = "LOGIN",
		.shows_password = true,
		.takes_initial = true,
		.begin = sasl_begin_login,
		.step = sasl_step_login,
		.rfc = "draft-murchison-sasl-login",
	},
};
#define N_MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

/* By tls-exporter, which TLS 1.2 without extended master secret has not (RFC 9266 section 3), or by the certificate (RFC 5929 section 4), which
 * has to have a hash for its signature. */
bool sasl_can_bind_channel(struct conn *c)
{
	struct buf binding = BUF_INIT(0);
	bool can = conn_has_tls(c) && (conn_tls_exporter(c, &binding) == 0 || conn_tls_end_point(c, &binding) == 0);
	buf_fini(&binding);
	return can;
}

bool login_may_show_password(struct conn *c, const struct mail_config *cfg)
{
	return conn_has_tls(c) || cfg->allow_plain_without_tls;
}

void sasl_mechanisms(struct conn *c, const struct mail_config *cfg, struct buf *out)
{
	bool shows = login_may_show_password(c, cfg), binds = sasl_can_bind_channel(c), first = true;
	bool secrets = directory_any_secret(services_directory(services_of_config(cfg)));
	for (size_t i = 0; i < N_MECHANISMS; i++) {
		const struct sasl_mechanism *m = &mechanisms[i];
		if ((m->needs_certificate && !sasl_has_certificate(c)) || (m->needs_oauth && !oauth_is_offered(cfg)) || (m->shows_password && !shows) || (m->binds_channel && !binds) || (m->needs_secret && !secrets))
			continue;
		if (!first)
			buf_add_char(out, ' ');
		buf_add_c(out, m->name);
		first = false;
	}
}

static const struct sasl_mechanism *mechanism_find(struct str name)
{
	for (size_t i = 0; i < N_MECHANISMS; i++)
		if (str_ieq(name, str_from_c(mechanisms[i].name)))
			return &mechanisms[i];
	return NULL;
}

enum sasl_result sasl_fail(int code, int *code_out)
{
	*code_out = code;
	return SASL_FAILED;
}

int sasl_authorise(struct sasl *x, struct str authzid, const struct directory_user *user)
{
	struct directory_user other;
	if (authzid.n == 0)
		return 0;
	int code = directory_user_find(services_directory(x->services), &x->arena, authzid, &other);
	if (code == 0)
		return str_eq(other.name, user->name) ? 0 : ERR_DENIED;
	return err_class(code) == ERR_CLASS_CLIENT ? ERR_DENIED : code;
}

int sasl_proven(struct sasl *x, struct str name, struct str authzid, bool ok)
{
	int code = ok && x->asked && x->credentials_code == 0 ? sasl_authorise(x, authzid, &x->credentials.user) : ERR_DENIED;
	if (code == 0 || code == ERR_DENIED)
		code = directory_judge(services_directory(x->services), &x->login, code == 0 ? x->credentials.user.name : name, code == 0);
	if (code == 0)
		x->user = x->credentials.user;
	x->proven = code == 0;
	return code;
}

void sasl_keep_name(struct sasl *x, struct str name)
{
	if (!x->name.p && name.n)
		x->name = arena_dup(&x->arena, name);
}

/* Once for each exchange: a proof, a refusal, or a message that breaks off what had begun; before the client's last empty word, for it need not come. */
static void tell(struct sasl *x, enum sasl_result r, int code)
{
	bool ok = r == SASL_DONE || x->proven;
	if (x->told || (r == SASL_CONTINUE && !ok && !x->refused))
		return;
	x->told = true;
	login_told(x->conn, x->login.protocol, x->mechanism->name, x->name, ok ? &x->user : NULL,
			   r == SASL_MALFORMED ? "malformed" : err_text(x->refused ? x->refused : code));
}

/* base64 in, base64 out around one step. Both sides may hold a password: wiped. */
static enum sasl_result step_base64(struct sasl *x, struct str response, struct buf *reply, int *code_out)
{
	if (response.n > SASL_MESSAGE_MAX)
		return SASL_MALFORMED;
	struct buf in = BUF_INIT(0), out = BUF_INIT(0);
	in.wipe = out.wipe = true;
	enum sasl_result r = SASL_MALFORMED;
	if (in.failed)
		r = sasl_fail(ERR_NO_MEMORY, code_out);
	else if (base64_decode(&in, response) == 0)
		r = x->mechanism->step(x, buf_str(&in), &out, code_out);
	if (out.failed)
		r = sasl_fail(ERR_NO_MEMORY, code_out);
	if (r == SASL_CONTINUE)
		base64_encode(reply, buf_str(&out));
	buf_fini(&in);
	buf_fini(&out);
	return r;
}

static enum sasl_result begin(struct sasl *x, struct str initial, struct buf *reply, int *code_out)
{
	const struct sasl_mechanism *m = x->mechanism;
	if (initial.p) {
		/* RFC 4422 section 5 (2a): an initial response where the server speaks first is an error. */
		if (!m->takes_initial)
			return SASL_MALFORMED;
		return step_base64(x, str_eq(initial, STR("=")) ? STR("") : initial, reply, code_out);
	}
	if (!m->begin)
		return SASL_CONTINUE;
	struct buf out = BUF_INIT(0);
	enum sasl_result r = m->begin(x, &out, code_out);
	base64_encode(reply, buf_str(&out));
	buf_fini(&out);
	return r;
}

enum sasl_result sasl_start(struct conn *c, struct services *s, const struct mail_config *cfg, const char *protocol,
							struct str mechanism, struct str initial, struct sasl **out, struct buf *reply,
							int *code_out)
{
	const struct sasl_mechanism *m = mechanism_find(mechanism);
	*out = NULL;
	*code_out = 0;
	if (!m || (m->needs_certificate && !sasl_has_certificate(c)) || (m->needs_oauth && !oauth_is_offered(cfg)) || (m->binds_channel && !sasl_can_bind_channel(c)))
		return SASL_UNKNOWN;
	if (m->shows_password && !login_may_show_password(c, cfg)) {
		login_told(c, protocol, m->name, STR_NONE, NULL, "no TLS");
		return SASL_NEEDS_TLS;
	}
	struct sasl *x = calloc(1, sizeof(*x));
	if (!x)
		return sasl_fail(ERR_NO_MEMORY, code_out);
	x->conn = c;
	x->services = s;
	x->mechanism = m;
	x->login = (struct directory_login){ .ip = conn_peer_ip(c), .protocol = protocol };
	arena_init(&x->arena, 0);
	x->arena.wipe = true;
	enum sasl_result r = begin(x, initial, reply, code_out);
	tell(x, r, *code_out);
	if (r != SASL_CONTINUE && r != SASL_DONE)
		sasl_destroy(&x);
	*out = x;
	return r;
}

enum sasl_result sasl_step(struct sasl *x, struct str response, struct buf *reply, int *code_out)
{
	*code_out = 0;
	enum sasl_result r = step_base64(x, response, reply, code_out);
	tell(x, r, *code_out);
	return r;
}

const struct directory_user *sasl_user(const struct sasl *x) { return &x->user; }

void sasl_destroy(struct sasl **x)
{
	if (!*x)
		return;
	wipe_str((*x)->credentials.secret);
	arena_fini(&(*x)->arena);
	crypto_wipe(*x, sizeof(**x));
	free(*x);
	*x = NULL;
}
