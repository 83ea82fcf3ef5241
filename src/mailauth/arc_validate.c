#include "mailauth/arc.h"

#include "mailauth/arc_chain.h"
#include "mailauth/dkim_check.h"

struct validation {
	struct arena *arena;
	struct dkim_message message;
	struct arc_chain chain;
	struct dkim_signature messages[ARC_SETS_MAX], seals[ARC_SETS_MAX];
	bool readable[ARC_SETS_MAX];          /* the message signature, and there is room to hash what it wants */
	struct dkim_bodies bodies;
	struct dkim_keys keys;
	struct arc_verdict *verdict;
};

static int fail(struct validation *v, const char *why)
{
	v->verdict->result = ARC_FAIL;
	v->verdict->problem = why;
	return 0;
}

/* ---- message signatures: 5.2 steps 4 and 5 ---- */

static const struct dkim_body_hash relaxed_body = { .how = DKIM_RELAXED, .limit = UINT64_MAX };

/* Without c= a field is simple/simple (RFC 6376 3.5), but the published suite and dkimpy take it for relaxed/relaxed: either will do. */
static bool may_be_relaxed(const struct dkim_signature *s) { return !dkim_tags_find(&s->tags, STR("c")) && s->body.limit == UINT64_MAX; }

static bool want_bodies(struct validation *v, const struct dkim_signature *s)
{
	return dkim_bodies_want(&v->bodies, &s->body) && (!may_be_relaxed(s) || dkim_bodies_want(&v->bodies, &relaxed_body));
}

/* The newest first, so that it is surely hashed. *problem_out: of the newest. */
static int read_messages(struct validation *v, int64_t now, const char **problem_out)
{
	for (unsigned i = v->chain.n; i-- > 0;) {
		const char *problem;
		struct dkim_signature *s = &v->messages[i];
		int code = dkim_signature_read(v->arena, DKIM_ARC_MESSAGE, v->chain.sets[i].message, now, s, &problem);
		if (code < 0)
			return code;
		v->readable[i] = code == DKIM_PASS && want_bodies(v, s);
		if (i + 1 == v->chain.n)
			*problem_out = problem;
	}
	return dkim_message_hash_body(&v->message, v->bodies.v, v->bodies.n);
}

static int check_message(struct validation *v, unsigned i, struct dkim_checked *out)
{
	struct dkim_signature *s = &v->messages[i];
	*out = (struct dkim_checked){ .result = DKIM_NEUTRAL, .problem = "not read" };
	if (!v->readable[i])
		return 0;
	int code = dkim_check_message(&v->keys, &v->message, s, dkim_bodies_find(&v->bodies, &s->body), out);
	if (code != 0 || out->result != DKIM_FAIL || !may_be_relaxed(s))
		return code;
	s->header = DKIM_RELAXED;
	return dkim_check_message(&v->keys, &v->message, s, dkim_bodies_find(&v->bodies, &relaxed_body), out);
}

static int find_oldest_pass(struct validation *v)
{
	struct dkim_checked checked = { .result = DKIM_PASS };
	for (unsigned i = v->chain.n - 1; i-- > 0;) {
		int code = check_message(v, i, &checked);
		if (code != 0)
			return code;
		if (checked.result != DKIM_PASS) {
			v->verdict->oldest_pass = i + 2;
			return 0;
		}
	}
	return 0;
}

/* ---- seals: step 6 ---- */

/* `text` holds all sets in canonical form; before[i]: where the seal of set i begins in it. */
static int check_seal(struct validation *v, unsigned i, struct buf *text, size_t before, struct dkim_checked *out)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	text->n = before;
	dkim_signature_canon(&v->seals[i], text);
	int code = text->failed ? ERR_NO_MEMORY : crypto_sha256(buf_str(text), digest);
	return code ? code : dkim_check(&v->keys, &v->seals[i], digest, NULL, out);
}

static int check_seals(struct validation *v, struct buf *text)
{
	size_t before[ARC_SETS_MAX];
	for (unsigned i = 0; i < v->chain.n; i++) {
		arc_set_canon(&v->chain.sets[i], false, text);
		before[i] = text->n;
		dkim_canon_field(DKIM_RELAXED, v->seals[i].field->raw, text);
	}
	for (unsigned i = v->chain.n; i-- > 0;) {
		struct dkim_checked checked;
		int code = check_seal(v, i, text, before[i], &checked);
		if (code != 0)
			return code;
		if (checked.result != DKIM_PASS) {
			v->verdict->temporary = checked.result == DKIM_TEMPERROR;
			return fail(v, checked.problem);
		}
	}
	return 0;
}

/* ---- the whole ---- */

static int read_seals(struct validation *v, int64_t now)
{
	for (unsigned i = 0; i < v->chain.n; i++) {
		const char *problem;
		int code = dkim_signature_read(v->arena, DKIM_ARC_SEAL, v->chain.sets[i].seal, now, &v->seals[i], &problem);
		if (code < 0)
			return code;
		if (code != DKIM_PASS)
			return fail(v, problem);
	}
	v->verdict->sealer = v->seals[v->chain.n - 1].domain;
	v->verdict->results = v->chain.sets[v->chain.n - 1].payload;
	return 0;
}

static int validate(struct validation *v, int64_t now)
{
	struct dkim_checked newest;
	const char *problem = NULL;
	int code = read_seals(v, now);
	if (code == 0 && v->verdict->result == ARC_PASS)
		code = read_messages(v, now, &problem);
	if (code != 0 || v->verdict->result != ARC_PASS)
		return code;
	if (problem)
		return fail(v, problem);
	code = check_message(v, v->chain.n - 1, &newest);
	if (code == 0 && newest.result != DKIM_PASS) {
		v->verdict->temporary = newest.result == DKIM_TEMPERROR;
		return fail(v, newest.problem);
	}
	if (code == 0)
		code = find_oldest_pass(v);
	if (code != 0)
		return code;
	struct buf text = BUF_INIT(0);
	code = check_seals(v, &text);
	buf_fini(&text);
	return code;
}

int arc_validate(const struct dns_source *dns, struct arena *a, struct str message, int64_t now, struct arc_verdict *out)
{
	struct validation *v = arena_new(a, struct validation);
	*out = (struct arc_verdict){ .result = ARC_NONE };
	if (!v)
		return ERR_NO_MEMORY;
	v->arena = a;
	v->verdict = out;
	v->keys = (struct dkim_keys){ .dns = dns, .arena = a };
	int code = dkim_message_read(a, message, &v->message);
	if (code == 0)
		code = arc_chain_read(a, &v->message, &v->chain);
	if (code != 0)
		return ERR_NO_MEMORY;
	if (!v->chain.any)
		return 0;
	out->instances = v->chain.n;
	out->result = ARC_PASS;
	if (v->chain.problem)
		return fail(v, v->chain.problem);
	return validate(v, now) == 0 ? 0 : ERR_NO_MEMORY;
}
