#include "mailauth/arc.h"

#include "base/ascii.h"
#include "mailauth/arc_chain.h"
#include "mailauth/dkim_public.h"
#include "mailauth/dkim_template.h"
#include "mailauth/dkim_write.h"

/* The set that is being made. */
struct sealing {
	const struct dkim_signer *signer;
	enum arc_result cv;
	unsigned instance;
	int64_t now;
	struct buf results, message, seal;
};

static void begin(struct sealing *s, struct dkim_writer *w, struct buf *out, struct str field)
{
	dkim_write_begin(w, out, field);
	dkim_write_number(w, STR("i="), s->instance);
	dkim_write_tag(w, STR("a="), dkim_algorithm_text(dkim_key_algorithm(s->signer->key)));
	if (out == &s->seal)
		dkim_write_tag(w, STR("cv="), str_from_c(arc_result_text(s->cv)));
	else
		dkim_write_tag(w, STR("c="), STR("relaxed/relaxed"));
	dkim_write_tag(w, STR("d="), s->signer->domain);
	dkim_write_tag(w, STR("s="), s->signer->selector);
	dkim_write_number(w, STR("t="), s->now);
}

/* RFC 8617 4.1.2: what we sign ourselves, and the signatures that are there; never Authentication-Results or ARC fields. */
static int make_message_signature(struct sealing *s, const struct dkim_message *m, struct err *e)
{
	struct dkim_template t;
	struct dkim_writer w;
	int code = dkim_template_init(&t, m, true, e);
	if (code == 0) {
		begin(s, &w, &s->message, STR("ARC-Message-Signature:"));
		dkim_write_list(&w, STR("h="), buf_str(&t.names));
		dkim_write_tag(&w, STR("bh="), buf_str(&t.body_hash));
		code = dkim_write_signature(&w, buf_str(&t.header), s->signer->key);
	}
	dkim_template_fini(&t);
	return code;
}

/* 5.1.1: over all sets from the oldest; 5.1.2: over ours alone when the chain failed. */
static int make_seal(struct sealing *s, const struct arc_chain *c)
{
	struct dkim_writer w;
	struct buf before = BUF_INIT(0);
	for (unsigned i = 0; s->cv == ARC_PASS && i < c->n; i++)
		arc_set_canon(&c->sets[i], true, &before);
	dkim_canon_field(DKIM_RELAXED, buf_str(&s->results), &before);
	dkim_canon_field(DKIM_RELAXED, buf_str(&s->message), &before);
	begin(s, &w, &s->seal, STR("ARC-Seal:"));
	int code = before.failed ? ERR_NO_MEMORY : dkim_write_signature(&w, buf_str(&before), s->signer->key);
	buf_fini(&before);
	return code;
}

static int seal(struct sealing *s, const struct dkim_message *m, const struct arc_chain *c, struct str authres, struct buf *out, struct err *e)
{
	buf_printf(&s->results, "ARC-Authentication-Results: i=%u; ", s->instance);
	buf_add_str(&s->results, authres);
	buf_add_lit(&s->results, "\r\n");
	int code = s->results.failed ? ERR_NO_MEMORY : make_message_signature(s, m, e);
	if (code == 0)
		code = make_seal(s, c);
	if (code != 0)
		return code;
	size_t before = out->n;
	buf_add_str(out, buf_str(&s->seal));
	buf_add_str(out, buf_str(&s->message));
	buf_add_str(out, buf_str(&s->results));
	if (!out->failed)
		return 0;
	out->n = before;
	return ERR_NO_MEMORY;
}

/* 5.1 step 2, and 4.2.1. What was validated must be what lies here. */
static int may_seal(const struct arc_chain *c, enum arc_result incoming, unsigned instances, struct err *e)
{
	if (c->failed)
		return err_set(e, ERR_CONFLICT, NULL, "ARC chain has failed already");
	if (c->n >= ARC_SETS_MAX)
		return err_set(e, ERR_CONFLICT, NULL, "ARC chain is full");
	bool same = c->n == instances && c->any == (incoming != ARC_NONE) && (incoming != ARC_PASS || !c->problem);
	return same ? 0 : err_set(e, ERR_INVALID, NULL, "ARC chain is not the one that was validated");
}

int arc_seal(struct str message, const struct dkim_signer *s, enum arc_result incoming, unsigned instances, struct str authres, int64_t now,
			 struct buf *out, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct dkim_message m;
	struct arc_chain c;
	struct sealing sealing = { .signer = s, .cv = incoming, .instance = instances + 1, .now = now };
	if (message.n > 0 && ascii_is_blank(message.p[0]))
		return err_set(e, ERR_INVALID, NULL, "the message begins with no field");
	int code = dkim_message_read(&arena, message, &m);
	if (code == 0)
		code = arc_chain_read(&arena, &m, &c);
	if (code == 0)
		code = may_seal(&c, incoming, instances, e);
	if (code == 0)
		code = seal(&sealing, &m, &c, authres, out, e);
	buf_fini(&sealing.results);
	buf_fini(&sealing.message);
	buf_fini(&sealing.seal);
	arena_fini(&arena);
	return code;
}
