#include "codec/imap/select_args.h"

/* sequence-set without "*" and "$": RFC 7162 7. */
static bool plain_set(struct imap_cursor *c, struct imap_seqset *out)
{
	if (!imap_seqset(c, out))
		return false;
	for (size_t i = 0; i < out->count; i++)
		if (out->range[i].lo == IMAP_SEQ_STAR || out->range[i].hi == IMAP_SEQ_STAR)
			return imap_fail(c, "* has no meaning in what a client knows");
	return out->saved ? imap_fail(c, "$ has no meaning in what a client knows") : true;
}

static bool ascending_set(struct imap_cursor *c, struct imap_seqset *out, uint64_t *total_out)
{
	*total_out = 0;
	if (!plain_set(c, out))
		return false;
	for (size_t i = 0; i < out->count; i++) {
		if (out->range[i].lo > out->range[i].hi || (i && out->range[i].lo <= out->range[i - 1].hi))
			return imap_fail(c, "The numbers and UIDs of a sample must ascend");
		*total_out += (uint64_t)out->range[i].hi - out->range[i].lo + 1;
	}
	return true;
}

/* seq-match-data = "(" known-sequence-set SP known-uid-set ")" */
static bool sample(struct imap_cursor *c, struct imap_qresync *q)
{
	uint64_t numbers, uids;
	q->has_sample = true;
	if (!imap_expect(c, '(', "Expected (") || !ascending_set(c, &q->numbers, &numbers) || !imap_sp(c)
		|| !ascending_set(c, &q->uids, &uids) || !imap_expect(c, ')', "Expected )"))
		return false;
	return numbers == uids ? true : imap_fail(c, "A sample must have as many UIDs as numbers");
}

/* "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")" */
static bool qresync(struct imap_cursor *c, struct imap_qresync *q)
{
	if (!imap_sp(c) || !imap_expect(c, '(', "Expected (") || !imap_nz_number(c, &q->uidvalidity) || !imap_sp(c)
		|| !imap_number64(c, &q->modseq))
		return false;
	if (q->modseq == 0)
		return imap_fail(c, "A mod-sequence is at least 1");
	if (imap_take(c, ' ')) {
		q->has_known = imap_peek(c) != '(';
		if (q->has_known && !plain_set(c, &q->known))
			return false;
		if ((!q->has_known || imap_take(c, ' ')) && !sample(c, q))
			return false;
	}
	return imap_expect(c, ')', "Expected )");
}

static bool param(struct imap_cursor *c, struct imap_select *out)
{
	if (imap_take_word(c, "CONDSTORE")) {
		out->condstore = true;
		return true;
	}
	if (out->has_qresync || !imap_take_word(c, "QRESYNC"))
		return imap_fail(c, "Unknown parameter");
	out->has_qresync = true;
	return qresync(c, &out->qresync);
}

bool imap_select_args(struct imap_cursor *c, struct imap_select *out)
{
	*out = (struct imap_select){ .condstore = false };
	if (imap_peek(c) != ' ')
		return imap_end(c);
	if (!imap_sp(c) || !imap_expect(c, '(', "Expected ("))
		return false;
	do {
		if (!param(c, out))
			return false;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "Expected )") && imap_end(c);
}

bool imap_sample_next(struct imap_sample_walk *w, struct imap_sample *out)
{
	const struct imap_qresync *q = w->q;
	if (w->number_range == q->numbers.count || w->uid_range == q->uids.count)
		return false;
	struct range number = q->numbers.range[w->number_range], uid = q->uids.range[w->uid_range];
	*out = (struct imap_sample){ .number = number.lo + w->number_used, .uid = uid.lo + w->uid_used };
	uint32_t more_numbers = number.hi - out->number, more_uids = uid.hi - out->uid;
	out->count = (more_numbers < more_uids ? more_numbers : more_uids) + 1;
	w->number_used += out->count;
	w->uid_used += out->count;
	if (out->number + (out->count - 1) == number.hi) {
		w->number_range++;
		w->number_used = 0;
	}
	if (out->uid + (out->count - 1) == uid.hi) {
		w->uid_range++;
		w->uid_used = 0;
	}
	return true;
}
