#include "search/words.h"

#include "base/utf8.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <stdint.h>

enum class { NONE, LETTERS, IDEOGRAPHS };

/* A bit for each of A-Z a-z 0-9 . _ - @ ' */
static const uint64_t ascii_letters[2] = { UINT64_C(0x03ff608000000000), UINT64_C(0x07fffffe87ffffff) };

static bool is_without_spaces(UScriptCode script)
{
	return script == USCRIPT_HAN || script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA || script == USCRIPT_THAI || script == USCRIPT_LAO ||
	       script == USCRIPT_KHMER || script == USCRIPT_MYANMAR || script == USCRIPT_TIBETAN || script == USCRIPT_BOPOMOFO;
}

/* The common ranges first: what they say is the definition, whatever the Unicode version. */
static enum class class_of(uint32_t c)
{
	if (c < 0x80)
		return ascii_letters[c >> 6] >> (c & 63) & 1 ? LETTERS : NONE;
	if ((c >= 0xc0 && c <= 0x24f) || (c >= 0x370 && c <= 0x52f) || (c >= 0xac00 && c <= 0xd7a3))
		return c != 0xd7 && c != 0xf7 ? LETTERS : NONE;
	if ((c >= 0x3400 && c <= 0x4dbf) || (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3041 && c <= 0x30fe && c != 0x30fb))
		return IDEOGRAPHS;
	unsigned kind = U_MASK(u_charType((UChar32)c));
	if (!(kind & (U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK)))
		return NONE;
	UErrorCode status = U_ZERO_ERROR;
	return is_without_spaces(uscript_getScript((UChar32)c, &status)) ? IDEOGRAPHS : LETTERS;
}

static enum class class_at(struct str text, size_t *at)
{
	unsigned char c = (unsigned char)text.p[*at];
	if (c < 0x80) {
		++*at;
		return class_of(c);
	}
	return class_of(utf8_next(text, at));
}

/* Most text is ASCII: what can be told of it byte by byte is. */
static bool is_ascii_letter(unsigned char c) { return c < 0x80 && (ascii_letters[c >> 6] >> (c & 63) & 1); }

static size_t skip_ascii(struct str text, size_t at, bool letters)
{
	while (at < text.n && (unsigned char)text.p[at] < 0x80 && is_ascii_letter((unsigned char)text.p[at]) == letters)
		at++;
	return at;
}

/* The run at or behind `from`: false when there is none. */
static bool next_run(struct str text, size_t from, size_t *start_out, size_t *end_out, enum class *class_out)
{
	size_t at = from, start = from;
	enum class class = NONE;
	while (class == NONE && (at = skip_ascii(text, at, false)) < text.n) {
		start = at;
		class = class_at(text, &at);
	}
	if (class == NONE)
		return false;
	size_t end = at = class == LETTERS ? skip_ascii(text, at, true) : at;
	while (at < text.n && class_at(text, &at) == class)
		end = at = class == LETTERS ? skip_ascii(text, at, true) : at;
	*start_out = start;
	*end_out = end;
	*class_out = class;
	return true;
}

/* The beginning of the character that the byte at `at` belongs to; of one behind the end: the end. */
static size_t char_floor(struct str text, size_t at)
{
	while (at > 0 && at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static size_t char_ceil(struct str text, size_t at)
{
	while (at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static size_t char_end(struct str text, size_t at)
{
	utf8_next(text, &at);
	return at;
}

/* ---- terms ---- */

/* A pair, and on by one character; the last character alone is no term unless the run is no more than that. */
static struct str next_pair(struct words *w, bool first)
{
	size_t start = w->at, middle = char_end(w->text, start);
	if (middle >= w->run_end) {
		w->at = w->run_end;
		return first ? str_sub(w->text, start, middle - start) : STR_NONE;
	}
	size_t end = char_end(w->text, middle);
	w->at = end >= w->run_end ? w->run_end : middle;
	return str_sub(w->text, start, end - start);
}

static struct str next_window(struct words *w)
{
	size_t start = w->at, left = w->run_end - start;
	if (left <= TERM_MAX) {
		w->at = w->run_end;
		return str_sub(w->text, start, left);
	}
	w->cut = true;
	size_t end = char_floor(w->text, start + TERM_MAX);
	size_t next = char_floor(w->text, end - TERM_SURE);
	/* The last one reaches back instead of being short. */
	if (w->run_end - next <= TERM_MAX)
		next = char_ceil(w->text, w->run_end - TERM_MAX);
	w->at = next;
	return str_sub(w->text, start, end - start);
}

bool words_next(struct words *w, struct str *term_out)
{
	bool first = false;
	if (w->at >= w->run_end) {
		size_t start;
		enum class class;
		if (!next_run(w->text, w->run_end, &start, &w->run_end, &class))
			return false;
		w->at = start;
		w->cut = false;
		w->ideographs = class == IDEOGRAPHS;
		first = true;
	}
	*term_out = w->ideographs ? next_pair(w, first) : next_window(w);
	return true;
}

/* ---- patterns ---- */

static void add_piece(struct pattern *p, enum piece_kind kind, struct str text)
{
	if (p->n < PATTERN_PIECES_MAX)
		p->piece[p->n++] = (struct piece){ kind, text };
	else
		p->exact = false;
}

static void add_terms(struct pattern *p, struct str run)
{
	struct words w = words_of(run);
	struct str term;
	while (words_next(&w, &term))
		add_piece(p, PIECE_WHOLE, term);
}

/* All of it is inside of a longer run, perhaps: its stretches are each in some window. */
static void add_inside(struct pattern *p, struct str run)
{
	p->exact = run.n <= TERM_SURE;
	for (size_t at = 0; at < run.n;) {
		size_t end = run.n - at <= TERM_SURE ? run.n : char_floor(run, at + TERM_SURE);
		add_piece(p, PIECE_INFIX, str_sub(run, at, end - at));
		at = end;
	}
}

static void add_letters(struct pattern *p, struct str run, bool open_left, bool open_right)
{
	if (open_left && open_right)
		add_inside(p, run);
	else if (open_left)
		add_piece(p, PIECE_SUFFIX, run.n <= TERM_SURE ? run : str_from(run, char_ceil(run, run.n - TERM_SURE)));
	else if (open_right)
		add_piece(p, PIECE_PREFIX, run.n <= TERM_SURE ? run : str_sub(run, 0, char_floor(run, TERM_SURE)));
	else
		add_terms(p, run);
}

static void add_ideographs(struct pattern *p, struct str run, bool open_left, bool open_right)
{
	if (char_end(run, 0) < run.n) {
		add_terms(p, run);
		/* Two characters are one term, and that says all. */
		p->exact = open_left && open_right && p->n == 1;
		return;
	}
	p->exact = open_left && open_right;
	add_piece(p, p->exact ? PIECE_INFIX : open_left ? PIECE_SUFFIX : open_right ? PIECE_PREFIX : PIECE_WHOLE, run);
}

bool pattern_split(struct str folded, struct pattern *out)
{
	out->n = 0;
	out->exact = false;
	size_t start, end = 0;
	enum class class;
	while (next_run(folded, end, &start, &end, &class)) {
		struct str run = str_sub(folded, start, end - start);
		if (class == LETTERS)
			add_letters(out, run, start == 0, end == folded.n);
		else
			add_ideographs(out, run, start == 0, end == folded.n);
	}
	return out->n > 0;
}
