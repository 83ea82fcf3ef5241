#include "acme/acme.h"

#include "acme/certificate.h"
#include "acme/session.h"
#include "rt/crypto.h"

static const char *const challenge_names[] = { [ACME_HTTP_01] = "http-01", [ACME_TLS_ALPN_01] = "tls-alpn-01", [ACME_DNS_01] = "dns-01" };

const char *acme_challenge_name(enum acme_challenge c)
{
	return (size_t)c < sizeof challenge_names / sizeof *challenge_names ? challenge_names[c] : NULL;
}

/* What is to be shown for one authorization. */
struct proof {
	struct str name, url, token, value;
};

static json_t *order_object(const struct acme_request *r)
{
	json_t *identifiers = json_array();

	for (size_t i = 0; i < r->n_names; i++)
		json_array_append_new(identifiers, json_pack("{s:s,s:s%}", "type", "dns", "value", r->names[i].p, r->names[i].n));
	return json_pack("{s:o}", "identifiers", identifiers);
}

static int place_order(struct acme_session *s, struct acme_answer *out)
{
	json_t *order = order_object(s->request);
	char *text = order ? json_dumps(order, JSON_COMPACT) : NULL;
	int rc = text ? acme_post(s, s->new_order, str_from_c(text), out) : ERR_NO_MEMORY;

	free(text);
	json_decref(order);
	if (rc == 0 && (!out->location.n || !json_is_object(out->json))) {
		acme_answer_fini(out);
		rc = err_set(s->e, ERR_INVALID, NULL, "the ACME server answers an order with no order");
	}
	return rc;
}

/* RFC 8555 8.1: token "." thumbprint; for dns-01 the digest of that (8.4). */
static int make_value(struct acme_session *s, struct proof *p)
{
	struct buf authorization = BUF_INIT(ACME_URL_MAX), value = BUF_INIT(ACME_URL_MAX);
	uint8_t digest[CRYPTO_SHA256_SIZE];

	buf_add_str(&authorization, p->token);
	buf_add_char(&authorization, '.');
	int rc = jws_thumbprint(s->key, &authorization);
	if (rc == 0 && s->request->challenge == ACME_DNS_01) {
		rc = crypto_sha256(buf_str(&authorization), digest);
		base64url_encode(&value, str_make(digest, sizeof digest));
	} else {
		buf_add_str(&value, buf_str(&authorization));
	}
	p->value = arena_dup(&s->arena, buf_str(&value));
	buf_fini(&authorization);
	buf_fini(&value);
	return rc ? rc : p->value.p ? 0 : ERR_NO_MEMORY;
}

/* RFC 8555 7.1.4: the challenge of our kind among those offered. */
static int choose_challenge(struct acme_session *s, const json_t *authorization, struct proof *p)
{
	const json_t *challenges = json_object_get(authorization, "challenges");
	struct str wanted = str_from_c(acme_challenge_name(s->request->challenge));

	p->name = acme_text(s, json_object_get(authorization, "identifier"), "value");
	for (size_t i = 0; i < json_array_size(challenges); i++) {
		const json_t *c = json_array_get(challenges, i);
		if (!str_eq(acme_text(s, c, "type"), wanted))
			continue;
		p->url = acme_text(s, c, "url");
		p->token = acme_text(s, c, "token");
		if (p->url.n && p->token.n && p->name.n)
			return make_value(s, p);
	}
	return err_set(s->e, ERR_DENIED, NULL, "the ACME server offers no %.*s for %.*s", STR_ARG(wanted), STR_ARG(p->name));
}

/* Why an authorization failed, in the authority's words (RFC 8555 8: error of the challenge). */
static int refused(struct acme_session *s, const json_t *authorization, struct str name)
{
	const json_t *challenges = json_object_get(authorization, "challenges");
	const char *detail = NULL;

	for (size_t i = 0; !detail && i < json_array_size(challenges); i++)
		detail = json_string_value(json_object_get(json_object_get(json_array_get(challenges, i), "error"), "detail"));
	return err_set(s->e, ERR_DENIED, NULL, "%.*s was not proven: %s", STR_ARG(name), detail ? detail : "no reason given");
}

/* Looks until the object is no longer in one of the waiting states; *out holds it. */
static int poll_until_done(struct acme_session *s, struct str url, struct acme_answer *out, struct str *status_out)
{
	uint64_t wait = 0;

	for (;;) {
		int rc = acme_post(s, url, STR_NONE, out);
		if (rc)
			return rc;
		*status_out = acme_text(s, out->json, "status");
		if (!str_eq(*status_out, STR("pending")) && !str_eq(*status_out, STR("processing")))
			return 0;
		unsigned after = out->retry_after_s;
		acme_answer_fini(out);
		rc = acme_wait(s, &wait, after);
		if (rc)
			return rc;
	}
}

static int show(struct acme_session *s, struct str url, const struct proof *p)
{
	const struct acme_solver *solver = &s->request->solver;
	enum acme_challenge kind = s->request->challenge;
	struct acme_answer a;
	struct str status;
	int rc = solver->present(solver->ctx, kind, p->name, p->token, p->value, s->e);

	if (rc == 0)
		rc = acme_post(s, p->url, STR("{}"), &a);             /* RFC 8555 7.5.1: ready */
	if (rc == 0) {
		acme_answer_fini(&a);
		rc = poll_until_done(s, url, &a, &status);
	}
	if (rc == 0) {
		rc = str_eq(status, STR("valid")) ? 0 : refused(s, a.json, p->name);
		acme_answer_fini(&a);
	}
	solver->remove(solver->ctx, kind, p->name, p->token, p->value);
	return rc;
}

static int prove(struct acme_session *s, struct str url)
{
	struct acme_answer a;
	struct proof p = { .url = STR_NONE };
	int rc = acme_post(s, url, STR_NONE, &a);

	if (rc)
		return rc;
	struct str status = acme_text(s, a.json, "status");
	bool needed = str_eq(status, STR("pending"));
	if (needed)
		rc = choose_challenge(s, a.json, &p);
	else if (!str_eq(status, STR("valid")))
		rc = refused(s, a.json, acme_text(s, json_object_get(a.json, "identifier"), "value"));
	acme_answer_fini(&a);
	return rc || !needed ? rc : show(s, url, &p);
}

static int prove_all(struct acme_session *s, const json_t *order)
{
	const json_t *list = json_object_get(order, "authorizations");
	int rc = json_array_size(list) ? 0 : err_set(s->e, ERR_INVALID, NULL, "the ACME server's order holds no authorizations");

	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		struct str url = str_from_c(json_string_value(json_array_get(list, i)));
		rc = url.n && url.n <= ACME_URL_MAX && str_chr(url, '"') == STR_NPOS ? prove(s, arena_dup(&s->arena, url)) : ERR_INVALID;
	}
	return rc;
}

/* RFC 8555 7.4: hand in the request, wait, fetch. */
static int finalize(struct acme_session *s, struct str order_url, struct str finalize_url, struct buf *certificate_out, struct buf *key_out)
{
	struct buf der = BUF_INIT(65536), payload = BUF_INIT(131072);
	struct acme_answer a;
	struct str status, url = STR_NONE;
	int rc = certificate_request(s->request->names, s->request->n_names, s->request->key, key_out, &der);

	if (rc == 0) {
		buf_add_lit(&payload, "{\"csr\":\"");
		base64url_encode(&payload, buf_str(&der));
		buf_add_lit(&payload, "\"}");
		rc = payload.failed ? ERR_NO_MEMORY : acme_post(s, finalize_url, buf_str(&payload), &a);
	}
	buf_fini(&der);
	buf_fini(&payload);
	if (rc == 0) {
		acme_answer_fini(&a);
		rc = poll_until_done(s, order_url, &a, &status);
	}
	if (rc == 0) {
		url = acme_text(s, a.json, "certificate");
		acme_answer_fini(&a);
		if (!str_eq(status, STR("valid")) || !url.n)
			rc = err_set(s->e, ERR_DENIED, NULL, "the ACME server did not issue: the order is %.*s", STR_ARG(status));
	}
	if (rc == 0)
		rc = acme_post(s, url, STR_NONE, &a);
	if (rc == 0) {
		buf_add_str(certificate_out, a.body);
		acme_answer_fini(&a);
		int64_t begins, ends;
		rc = acme_certificate_times(buf_str(certificate_out), &begins, &ends);
	}
	return rc;
}

int acme_obtain(const struct acme_request *r, struct buf *certificate_out, struct buf *key_out, struct err *e)
{
	struct acme_session s;
	struct acme_answer order = { .json = NULL };

	if (r->n_names == 0 || r->n_names > ACME_NAMES_MAX)
		return err_set(e, ERR_INVALID, NULL, "a certificate needs 1 to %u names", ACME_NAMES_MAX);
	int rc = acme_session_open(&s, r, e);
	if (rc == 0)
		rc = place_order(&s, &order);
	if (rc == 0) {
		struct str finalize_url = acme_text(&s, order.json, "finalize");
		rc = finalize_url.n ? prove_all(&s, order.json) : err_set(e, ERR_INVALID, NULL, "the ACME server's order cannot be finalized");
		if (rc == 0)
			rc = finalize(&s, order.location, finalize_url, certificate_out, key_out);
	}
	acme_answer_fini(&order);
	acme_session_close(&s);
	if (rc && e && !e->code)
		err_set(e, rc, NULL, "ACME: %s", err_text(rc));
	return rc;
}
