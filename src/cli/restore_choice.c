#include "cli/restore_choice.h"

#include "base/num.h"
#include "codec/mime/words.h"

struct wish {
	struct rangeset uids;
	struct str id, subject;
};

static bool parse_uids(struct str text, struct rangeset *out)
{
	struct str rest = text, part, first, last;
	for (bool more = true; more;) {
		uint32_t lo, hi;
		more = str_cut(rest, ',', &part, &rest);
		bool range = str_cut(part, ':', &first, &last);
		if (!num_parse_u32(first, &lo) || lo == 0 || !num_parse_u32(range ? last : first, &hi) || hi == 0 || rangeset_add(out, lo, hi))
			return false;
	}
	return true;
}

static int read_wish(const char *message, const char *subject, struct wish *out, struct err *e)
{
	*out = (struct wish){ .uids = RANGESET_INIT, .subject = str_from_c(subject) };
	struct str s = str_from_c(message);
	if (str_chr(s, '@') == STR_NPOS && !str_starts(s, STR("<"))) {
		if (s.n && !parse_uids(s, &out->uids))
			return err_set(e, ERR_INVALID, NULL, "'%s' is neither UIDs (5,7:9) nor a Message-ID", message);
		return 0;
	}
	if (str_starts(s, STR("<")) && str_ends(s, STR(">")))
		s = str_sub(s, 1, s.n - 2);
	out->id = s;
	return 0;
}

static bool has_id(const struct mime_envelope *envelope, struct str id)
{
	struct str theirs = str_trim(mime_text_str(envelope->message_id));
	if (str_starts(theirs, STR("<")) && str_ends(theirs, STR(">")))
		theirs = str_sub(theirs, 1, theirs.n - 2);
	return str_eq(theirs, id);
}

static bool has_subject(const struct mime_envelope *envelope, struct str words)
{
	struct buf decoded = BUF_INIT(1 << 20);
	mime_words_decode(mime_text_str(envelope->subject), &decoded);
	bool found = str_ifind(buf_str(&decoded), words) != STR_NPOS;
	buf_fini(&decoded);
	return found;
}

static bool is_meant(const struct wish *w, const struct message *m, const struct mime_envelope *envelope)
{
	return (w->uids.n == 0 || rangeset_has(&w->uids, m->uid)) && (w->id.n == 0 || has_id(envelope, w->id)) &&
		   (w->subject.n == 0 || has_subject(envelope, w->subject));
}

static int look_at(struct account *a, const struct wish *w, const struct message *m, restore_choice_fn *fn, void *arg)
{
	struct email_reader *r;
	struct email email;
	struct mime_summary summary;
	struct mime_envelope envelope = { .from = STR_NONE };
	int rc = email_reader_begin(a, &r);
	if (rc)
		return rc;
	rc = email_reader_get(r, m->email, &email);
	if (!rc && mime_summary_open(&summary, email.summary) == 0 && mime_summary_envelope(&summary, &envelope))
		envelope = (struct mime_envelope){ .from = STR_NONE };
	rc = rc == ERR_NOT_FOUND || rc == ERR_CORRUPT ? 0 : rc;
	if (!rc && is_meant(w, m, &envelope))
		rc = fn(arg, m, &envelope);
	email_reader_end(&r);
	return rc;
}

int restore_choose(struct account *a, uint32_t mailbox, const char *message, const char *subject, restore_choice_fn *fn, void *arg, struct err *e)
{
	struct wish w;
	struct view *v = NULL;
	int rc = read_wish(message, subject, &w, e);
	if (!rc)
		rc = view_open(a, mailbox, &v);
	if (!rc) {
		struct view_iter it = view_iter_at(v, 0);
		const struct message *m;
		while (!rc && (m = view_iter_next(&it)))
			rc = look_at(a, &w, m, fn, arg);
	}
	view_unref(&v);
	rangeset_fini(&w.uids);
	return rc;
}
