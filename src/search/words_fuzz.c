/* What the exact index rests on: whatever stands in a text, each piece of it as a pattern is found among the text's terms; and a term that holds an
 * exact pattern proves that the text does. */
#include "base/utf8.h"
#include "codec/imap/needle.h"
#include "search/words.h"

#include <stdint.h>
#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool fits(const struct piece *p, struct str term)
{
	switch (p->kind) {
	case PIECE_WHOLE: return str_eq(term, p->text);
	case PIECE_PREFIX: return str_starts(term, p->text);
	case PIECE_SUFFIX: return str_ends(term, p->text);
	case PIECE_INFIX: return str_find(term, p->text) != STR_NPOS;
	}
	return false;
}

static bool is_there(const struct piece *p, struct str text)
{
	struct words w = words_of(text);
	struct str term;
	while (words_next(&w, &term)) {
		MUST(term.n > 0 && term.n <= TERM_MAX && utf8_is_valid(term));
		MUST(term.p >= text.p && term.p + term.n <= text.p + text.n);
		if (fits(p, term))
			return true;
	}
	return false;
}

static struct str piece_of(struct str text, size_t from, size_t n)
{
	while (from < text.n && ((unsigned char)text.p[from] & 0xc0) == 0x80)
		from++;
	return utf8_clip(str_from(text, from), n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf folded = BUF_INIT(0);
	struct pattern p;
	if (size < 4)
		return 0;
	imap_fold(str_make(data + 4, size - 4), &folded);
	struct str text = buf_str(&folded);
	struct str inside = piece_of(text, text.n ? (data[0] << 8 | data[1]) % text.n : 0, (size_t)data[2] + 1);
	if (pattern_split(inside, &p)) {
		MUST(p.n > 0 && p.n <= PATTERN_PIECES_MAX);
		for (size_t i = 0; i < p.n; i++)
			MUST(is_there(&p.piece[i], text));
	}
	/* Something that may be there or not. */
	struct str other = piece_of(text, text.n ? data[3] % text.n : 0, 1 + data[3] % 7);
	struct str rest = str_from(text, text.n / 2);
	if (pattern_split(other, &p) && p.exact) {
		MUST(p.n == 1);
		MUST(is_there(&p.piece[0], rest) == (str_find(rest, other) != STR_NPOS));
	}
	buf_fini(&folded);
	return 0;
}
