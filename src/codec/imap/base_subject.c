#include "codec/imap/base_subject.h"

#include "base/ascii.h"
#include "codec/mime/words.h"

/* The names are those of RFC 5256 section 5; the numbers are the steps of section 2.1. After step 1 the only WSP is SP. */

static bool has_space_first(struct str s) { return s.n && s.p[0] == ' '; }

static bool take(struct str *s, const char *word)
{
	struct str prefix = str_from_c(word);
	if (!str_istarts(*s, prefix))
		return false;
	*s = str_from(*s, prefix.n);
	return true;
}

static void skip_spaces(struct str *s)
{
	while (has_space_first(*s))
		*s = str_from(*s, 1);
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP */
static bool take_blob(struct str *s)
{
	if (!s->n || s->p[0] != '[')
		return false;
	size_t i = 1;
	while (i < s->n && s->p[i] != '[' && s->p[i] != ']')
		i++;
	if (i == s->n || s->p[i] == '[')
		return false;
	*s = str_from(*s, i + 1);
	skip_spaces(s);
	return true;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static bool take_refwd(struct str *s)
{
	struct str rest = *s;
	if (!take(&rest, "re") && !take(&rest, "fwd") && !take(&rest, "fw"))
		return false;
	skip_spaces(&rest);
	take_blob(&rest);
	if (!take(&rest, ":"))
		return false;
	*s = rest;
	return true;
}

/* subj-leader = (*subj-blob subj-refwd) / WSP */
static bool take_leader(struct str *s, bool *reply)
{
	if (has_space_first(*s)) {
		*s = str_from(*s, 1);
		return true;
	}
	struct str rest = *s;
	while (take_blob(&rest))
		;
	if (!take_refwd(&rest))
		return false;
	*s = rest;
	*reply = true;
	return true;
}

/* subj-trailer = "(fwd)" / WSP */
static bool take_trailer(struct str *s, bool *reply)
{
	if (s->n && s->p[s->n - 1] == ' ') {
		s->n--;
		return true;
	}
	if (!str_iends(*s, STR("(fwd)")))
		return false;
	s->n -= 5;
	*reply = true;
	return true;
}

/* Step 4: a blob goes when something is left without it. */
static bool take_outer_blob(struct str *s)
{
	struct str rest = *s;
	if (!take_blob(&rest) || !rest.n)
		return false;
	*s = rest;
	return true;
}

/* Step 6: "[fwd:" ... "]" */
static bool take_forward(struct str *s, bool *reply)
{
	struct str rest = *s;
	if (!take(&rest, "[fwd:") || !rest.n || rest.p[rest.n - 1] != ']')
		return false;
	rest.n--;
	*s = rest;
	*reply = true;
	return true;
}

/* Steps 3 to 5. Where a row of blobs does not end in a refwd, none of them begins a leader: they go together, so that this is linear. */
static void take_prefixes(struct str *s, bool *reply)
{
	bool again;
	do {
		while (take_leader(s, reply))
			;
		for (again = false; take_outer_blob(s);)
			again = true;
	} while (again);
}

/* Step 1: words decoded; tabs and folding to spaces, several spaces to one. */
static struct str normalise(struct str subject, struct buf *scratch)
{
	buf_reset(scratch);
	mime_words_decode(subject, scratch);
	if (scratch->failed)
		return STR_NONE;
	size_t n = 0;
	for (size_t i = 0; i < scratch->n; i++) {
		char c = scratch->p[i] == '\t' ? ' ' : scratch->p[i];
		if (c != ' ' || n == 0 || scratch->p[n - 1] != ' ')
			scratch->p[n++] = c;
	}
	scratch->n = n;
	return buf_str(scratch);
}

struct str imap_base_subject(struct str subject, struct buf *scratch, bool *reply_out)
{
	bool reply = false;
	struct str s = normalise(subject, scratch);
	do {
		while (take_trailer(&s, &reply))          /* step 2 */
			;
		take_prefixes(&s, &reply);
	} while (take_forward(&s, &reply));              /* step 6 */
	if (reply_out)
		*reply_out = reply;
	return s;
}
