#include "mailauth/dkim.h"

#include "mailauth/dkim_check.h"

const char *dkim_result_text(enum dkim_result r)
{
	static const char *const texts[] = {
		[DKIM_NONE] = "none", [DKIM_PASS] = "pass", [DKIM_FAIL] = "fail", [DKIM_POLICY] = "policy",
		[DKIM_NEUTRAL] = "neutral", [DKIM_TEMPERROR] = "temperror", [DKIM_PERMERROR] = "permerror" };
	return texts[r];
}

/* The signatures of one message. */
struct verification {
	struct arena *arena;
	struct dkim_message message;
	struct dkim_signature signatures[DKIM_SIGNATURES_MAX];
	struct dkim_verdict *verdicts;
	size_t n;
	struct dkim_bodies bodies;
	struct dkim_keys keys;
};

static int read_one(struct verification *v, const struct dkim_field *f, int64_t now)
{
	struct dkim_signature *s = &v->signatures[v->n];
	struct dkim_verdict *out = &v->verdicts[v->n];
	int code = dkim_signature_read(v->arena, DKIM_FIELD, f, now, s, &out->problem);
	if (code < 0)
		return code;
	out->result = (enum dkim_result)code;
	out->domain = s->domain;
	out->selector = s->selector;
	out->identity = s->identity;
	out->algorithm = s->algorithm_text;
	out->signature = s->beginning;
	if (out->result == DKIM_PASS && v->message.cut) {
		out->result = DKIM_PERMERROR;
		out->problem = "too many header fields";
	}
	if (out->result == DKIM_PASS)
		dkim_bodies_want(&v->bodies, &s->body);
	v->n++;
	return 0;
}

static int read_all(struct verification *v, int64_t now)
{
	int code = 0;
	for (size_t i = 0; code == 0 && i < v->message.n_fields && v->n < DKIM_SIGNATURES_MAX; i++)
		if (str_ieq(v->message.fields[i].name, STR("dkim-signature")))
			code = read_one(v, &v->message.fields[i], now);
	return code;
}

static int check_one(struct verification *v, size_t i)
{
	const struct dkim_signature *s = &v->signatures[i];
	struct dkim_verdict *out = &v->verdicts[i];
	struct dkim_checked checked;
	const struct dkim_body_hash *body = dkim_bodies_find(&v->bodies, &s->body);
	int code = dkim_check_message(&v->keys, &v->message, s, body, &checked);
	if (code != 0)
		return code;
	out->result = checked.result;
	out->problem = checked.problem;
	out->testing = checked.testing;
	out->bits = checked.bits;
	out->partial = body->length > s->body.limit;
	return 0;
}

int dkim_verify(const struct dns_source *dns, struct arena *a, struct str message, int64_t now, struct dkim_verdict **out, size_t *n_out)
{
	struct verification *v = arena_new(a, struct verification);
	*out = NULL;
	*n_out = 0;
	if (!v)
		return ERR_NO_MEMORY;
	v->arena = a;
	v->keys = (struct dkim_keys){ .dns = dns, .arena = a };
	v->verdicts = arena_array(a, DKIM_SIGNATURES_MAX, sizeof(*v->verdicts));
	int code = v->verdicts ? dkim_message_read(a, message, &v->message) : ERR_NO_MEMORY;
	if (code == 0)
		code = read_all(v, now);
	if (code == 0)
		code = dkim_message_hash_body(&v->message, v->bodies.v, v->bodies.n);
	for (size_t i = 0; code == 0 && i < v->n; i++)
		if (v->verdicts[i].result == DKIM_PASS)
			code = check_one(v, i);
	if (code != 0)
		return ERR_NO_MEMORY;
	*out = v->verdicts;
	*n_out = v->n;
	return 0;
}
