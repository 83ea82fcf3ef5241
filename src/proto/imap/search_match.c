#include "proto/imap/search_match.h"

#include "codec/mime/section.h"

/* Buffers that one message made larger than this are given back after it. */
#define KEPT_OCTETS ((size_t)1 << 20)
#define DAY_SECONDS 86400

/* imap_matcher.have */
enum { SUMMARY = 1, BLOB = 2, HEADER = 4, BODY = 8, FAILED = 16 };

/* ---- reading, once for a message ---- */

static bool failed(struct imap_matcher *x, int err)
{
	x->have |= FAILED;
	if (err != ERR_NOT_FOUND)
		x->err = err;
	return false;
}

static bool have_summary(struct imap_matcher *x)
{
	if (x->have & (SUMMARY | FAILED))
		return !(x->have & FAILED);
	int err = imap_email_get(&x->emails, x->m->email, &x->email);
	if (!err)
		err = mime_summary_open(&x->summary, x->email.summary);
	if (err)
		return failed(x, err);
	x->have |= SUMMARY;
	return true;
}

static bool have_blob(struct imap_matcher *x)
{
	if (!have_summary(x))
		return false;
	if (x->have & BLOB)
		return true;
	int err = email_map_blob(x->scope->account, x->email.blob, &x->blob);
	if (err)
		return failed(x, err);
	x->have |= BLOB;
	return true;
}

static struct str raw_header(const struct imap_matcher *x)
{
	struct mime_section octets;
	if (mime_section_find(&x->summary, NULL, 0, MIME_SECTION_HEADER, &octets))
		return STR_NONE;
	return str_sub(x->blob.bytes, octets.at, octets.n);
}

static bool have_header(struct imap_matcher *x)
{
	if (!have_blob(x))
		return false;
	if (!(x->have & HEADER)) {
		buf_reset(&x->header);
		imap_search_header(&x->tools, raw_header(x), &x->header);
		x->have |= HEADER;
	}
	return true;
}

static bool have_body(struct imap_matcher *x)
{
	if (!have_blob(x))
		return false;
	if (!(x->have & BODY)) {
		buf_reset(&x->body);
		buf_reset(&x->source);
		int err = imap_search_body(&x->tools, &x->summary, x->blob.bytes, &x->body, &x->source);
		if (err || x->body.failed || x->source.failed)
			return failed(x, err ? err : ERR_NO_MEMORY);
		x->have |= BODY;
	}
	return true;
}

static void give_back(struct buf *b)
{
	if (b->cap > KEPT_OCTETS)
		buf_fini(b);
}

static void forget(struct imap_matcher *x)
{
	if (x->have & BLOB) {
		email_unmap(x->scope->account, &x->blob);
		/* Much time may have gone by: no long reads. */
		imap_email_batch_end(&x->emails);
	}
	give_back(&x->header);
	give_back(&x->body);
	give_back(&x->source);
	give_back(&x->tools.octets);
	give_back(&x->tools.text);
	x->have = 0;
}

/* ---- tests ---- */

static int64_t day_of(int64_t seconds)
{
	return seconds >= 0 ? seconds / DAY_SECONDS : -((-seconds + DAY_SECONDS - 1) / DAY_SECONDS);
}

static bool is_between(const struct imap_search_key *k, int64_t day) { return day >= k->day_from && day < k->day_until; }

/* RFC 3501 6.4.4: "disregarding time and timezone" is the day as the sender wrote it. */
static bool match_sent(struct imap_matcher *x, const struct imap_search_key *k)
{
	return have_summary(x) && x->summary.has_date &&
	       is_between(k, day_of(x->summary.sent + (int64_t)60 * x->summary.zone_minutes));
}

/* A field of the envelope; from the message itself when the summary had to leave something out. */
static bool match_field(struct imap_matcher *x, const struct imap_test *t, struct str field)
{
	enum search_verdict verdict = imap_index_says(&x->index, x->scope, t, x->m->email);
	if (verdict != SEARCH_READ_IT)
		return verdict == SEARCH_YES;
	if (!have_summary(x))
		return false;
	buf_reset(&x->field);
	if (imap_search_envelope_field(&x->tools, &x->summary, field, &x->field) &&
	    imap_needle_in_folded(&t->needle, buf_str(&x->field)))
		return true;
	if (!(x->summary.defects & MIME_CUT) || !have_blob(x))
		return false;
	buf_reset(&x->field);
	return imap_search_header_field(&x->tools, raw_header(x), field, &x->field) &&
	       imap_needle_in_folded(&t->needle, buf_str(&x->field));
}

static bool match_header(struct imap_matcher *x, const struct imap_test *t)
{
	if (t->cost == IMAP_SEARCH_FROM_SUMMARY)
		return match_field(x, t, t->key->name);
	if (imap_index_says(&x->index, x->scope, t, x->m->email) == SEARCH_NO || !have_blob(x))
		return false;
	buf_reset(&x->field);
	return imap_search_header_field(&x->tools, raw_header(x), t->key->name, &x->field) &&
	       imap_needle_in_folded(&t->needle, buf_str(&x->field));
}

static bool match_text(struct imap_matcher *x, const struct imap_test *t)
{
	enum search_verdict verdict = imap_index_says(&x->index, x->scope, t, x->m->email);
	if (verdict != SEARCH_READ_IT)
		return verdict == SEARCH_YES;
	if (t->key->kind == IMAP_SEARCH_TEXT && have_header(x) && imap_needle_in_folded(&t->needle, buf_str(&x->header)))
		return true;
	return have_body(x) && (imap_needle_in_folded(&t->needle, buf_str(&x->body)) || imap_needle_in_folded(&t->needle, buf_str(&x->source)));
}

static bool match_test(struct imap_matcher *x, const struct imap_test *t);

/* What the index knows for certain costs less than any reading. */
static bool index_settles(struct imap_matcher *x, const struct imap_test *first, bool value)
{
	for (const struct imap_test *t = first; t; t = t->next) {
		if (t->key->kind != IMAP_SEARCH_BODY && t->key->kind != IMAP_SEARCH_TEXT)
			continue;
		enum search_verdict verdict = imap_index_says(&x->index, x->scope, t, x->m->email);
		if (verdict != SEARCH_READ_IT && ((verdict == SEARCH_YES) != t->key->negated) == value)
			return true;
	}
	return false;
}

/* The children stand in the order of their cost. */
static bool match_children(struct imap_matcher *x, const struct imap_test *t, bool all)
{
	bool settled = false;
	for (const struct imap_test *child = t->child; child; child = child->next) {
		if (!settled && child->cost > IMAP_SEARCH_FROM_VIEW && child->next) {
			if (index_settles(x, child, !all))
				return !all;
			settled = true;
		}
		if (match_test(x, child) != all)
			return !all;
	}
	return all;
}

static bool match_kind(struct imap_matcher *x, const struct imap_test *t)
{
	const struct imap_search_key *k = t->key;
	const struct message *m = x->m;
	switch (k->kind) {
	case IMAP_SEARCH_ALL:
		return true;
	case IMAP_SEARCH_AND:
		return match_children(x, t, true);
	case IMAP_SEARCH_OR:
		return match_children(x, t, false);
	case IMAP_SEARCH_SEQSET:
	case IMAP_SEARCH_UIDSET:
		return rangeset_has(&t->set, m->uid);
	case IMAP_SEARCH_FLAG:
	case IMAP_SEARCH_KEYWORD:
		return (m->flags & t->mask) != 0;
	case IMAP_SEARCH_RECENT:
		return rangeset_has(x->scope->recent, m->uid);
	case IMAP_SEARCH_DATE:
		return is_between(k, day_of(m->date));
	case IMAP_SEARCH_SAVED:
		return is_between(k, day_of(message_saved(m)));
	case IMAP_SEARCH_LARGER:
		return m->size > k->number;
	case IMAP_SEARCH_SMALLER:
		return m->size < k->number;
	case IMAP_SEARCH_MODSEQ:
		return m->modseq >= k->number;
	case IMAP_SEARCH_OLDER:
		return m->date <= t->moment;
	case IMAP_SEARCH_YOUNGER:
		return m->date >= t->moment;
	case IMAP_SEARCH_EMAILID:
		return m->email == t->mask;
	case IMAP_SEARCH_THREADID:
		return t->mask && have_summary(x) && x->email.thread == t->mask;
	case IMAP_SEARCH_SENT:
		return match_sent(x, k);
	case IMAP_SEARCH_HEADER:
		return match_header(x, t);
	case IMAP_SEARCH_FROM:
		return match_field(x, t, STR("from"));
	case IMAP_SEARCH_TO:
		return match_field(x, t, STR("to"));
	case IMAP_SEARCH_CC:
		return match_field(x, t, STR("cc"));
	case IMAP_SEARCH_BCC:
		return match_field(x, t, STR("bcc"));
	case IMAP_SEARCH_SUBJECT:
		return match_field(x, t, STR("subject"));
	case IMAP_SEARCH_BODY:
	case IMAP_SEARCH_TEXT:
		return match_text(x, t);
	}
	return false;
}

static bool has_text(const struct imap_search_key *k) { return k->kind >= IMAP_SEARCH_HEADER && k->kind <= IMAP_SEARCH_TEXT; }

static bool match_test(struct imap_matcher *x, const struct imap_test *t)
{
	x->index.score = IMAP_SCORE_UNRANKED;
	bool is = match_kind(x, t);
	if (is && t->key->fuzzy && has_text(t->key)) {
		x->fuzzy++;
		x->score += x->index.score;
	}
	return is != t->key->negated;
}

int imap_match(struct imap_matcher *x, const struct imap_test *root, const struct message *m)
{
	if (x->have)
		forget(x);
	x->m = m;
	x->err = 0;
	x->fuzzy = x->score = 0;
	bool yes = match_test(x, root);
	if (x->err)
		return x->err;
	/* What could not be read any more has no text to match, and none to miss. */
	return yes && !(x->have & FAILED);
}

unsigned imap_match_score(const struct imap_matcher *x) { return x->fuzzy ? x->score / x->fuzzy : 100; }

bool imap_match_was_slow(const struct imap_matcher *x) { return (x->have & BLOB) != 0; }

void imap_matcher_fini(struct imap_matcher *x)
{
	forget(x);
	imap_email_batch_end(&x->emails);
	imap_search_tools_fini(&x->tools);
	imap_index_fini(&x->index);
	buf_fini(&x->field);
	buf_fini(&x->header);
	buf_fini(&x->body);
	buf_fini(&x->source);
}
