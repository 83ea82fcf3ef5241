#include "search/stems.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/utf8.h"
#include "search/words.h"

#include <libstemmer.h>
#include <stdlib.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

enum language { RUSSIAN, ENGLISH, GERMAN, FRENCH, SPANISH, LANGUAGES };
#define LATIN_LANGUAGES (1u << ENGLISH | 1u << GERMAN | 1u << FRENCH | 1u << SPANISH)
#define LITTLE_WORDS_MIN 3u                       /* below: who can tell */

static const char *const names[LANGUAGES] = { "russian", "english", "german", "french", "spanish" };
/* Little words that are frequent in one language and, mostly, not in the others. */
static const char *const little_words[LANGUAGES] = {
	[ENGLISH] = " the and of to in is that for it with you this was are be have not on as at by or from ",
	[GERMAN] = " der die und das ist nicht ein eine den mit von zu auf f\xc3\xbcr dem sie ich im sich wir auch es ",
	[FRENCH] = " le la les et des est une du que pour dans pas vous sur ce avec nous je il au ",
	[SPANISH] = " el los las que de y en un una por con para no es se del la al lo como ",
};

/* A word and what was found out about it. Lives in the stemmer's arena. */
struct word {
	struct str text, plain;                       /* plain: without accents; the same slice when it has none */
	unsigned languages;                           /* of its script; 0: none that has a stemmer */
	unsigned little;                              /* languages in which it is a little word */
	unsigned stemmed;                             /* languages whose stems are here */
	struct str stem[LANGUAGES][2];                /* of text and of plain, without accents */
	uint64_t email;                               /* the last one that had it, by the stemmer's count */
	uint8_t times[STEM_COLUMNS];                  /* in that one; STEM_COUNT_MAX at most */
};

struct stemmer {
	struct sb_stemmer *snowball[LANGUAGES];
	const UNormalizer2 *fold, *decompose;
	struct arena arena;
	struct map *words;
	uint64_t email;                               /* counts begins */
	struct buf found;                             /* struct word *: those of this email, each once */
	size_t n_found, n_words;                      /* how many those are; with repetitions */
	unsigned little[LANGUAGES];                   /* of this email */
	struct buf normal, scratch, out;
	UChar *wide[2];
	size_t wide_room;
	bool failed;
};

int stemmer_create(struct stemmer **out)
{
	struct stemmer *s = *out = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NO_MEMORY;
	UErrorCode status = U_ZERO_ERROR;
	s->fold = unorm2_getNFKCCasefoldInstance(&status);
	s->decompose = unorm2_getNFDInstance(&status);
	bool ok = U_SUCCESS(status) && map_create(&s->words) == 0;
	for (unsigned i = 0; ok && i < LANGUAGES; i++)
		ok = (s->snowball[i] = sb_stemmer_new(names[i], "UTF_8")) != NULL;
	if (!ok) {
		stemmer_destroy(out);
		return ERR_NO_MEMORY;
	}
	return 0;
}

void stemmer_destroy(struct stemmer **s)
{
	if (!s || !*s)
		return;
	for (unsigned i = 0; i < LANGUAGES; i++)
		sb_stemmer_delete((*s)->snowball[i]);
	map_destroy(&(*s)->words);
	arena_fini(&(*s)->arena);
	buf_fini(&(*s)->found);
	buf_fini(&(*s)->normal);
	buf_fini(&(*s)->scratch);
	buf_fini(&(*s)->out);
	free((*s)->wide[0]);
	free((*s)->wide[1]);
	free(*s);
	*s = NULL;
}

/* ---- characters ---- */

static bool widen(struct stemmer *s, size_t n)
{
	if (n <= s->wide_room)
		return true;
	for (int i = 0; i < 2; i++) {
		UChar *more = reallocarray(s->wide[i], n, sizeof(UChar));
		if (!more)
			return false;
		s->wide[i] = more;
	}
	s->wide_room = n;
	return true;
}

/* Full and half widths, ligatures, sharp s and so on become what they stand for: NFKC with case folding. */
static struct str normal_form(struct stemmer *s, struct str text)
{
	if (utf8_is_ascii(text))
		return text;
	/* One character never becomes more than 18, but texts do not grow like that: what does not fit is taken as it is. */
	int32_t n = 0, folded = 0, bytes = 0;
	UErrorCode status = U_ZERO_ERROR;
	if (!widen(s, text.n * 2 + 64))
		return text;
	u_strFromUTF8(s->wide[0], (int32_t)s->wide_room, &n, text.p, (int32_t)text.n, &status);
	folded = unorm2_normalize(s->fold, s->wide[0], n, s->wide[1], (int32_t)s->wide_room, &status);
	buf_reset(&s->normal);
	char *to = U_SUCCESS(status) ? buf_reserve(&s->normal, (size_t)folded * 3 + 1) : NULL;
	if (!to)
		return text;
	u_strToUTF8(to, folded * 3 + 1, &bytes, s->wide[1], folded, &status);
	return U_SUCCESS(status) ? str_make(to, (size_t)bytes) : text;
}

/* The letter below the accents, in scripts where that is one: Latin, Greek; in Cyrillic only yo is written without its dots. 0: nothing. */
static uint32_t plain_letter(const struct stemmer *s, uint32_t c)
{
	if (c >= 0x300 && c <= 0x36f)
		return 0;
	if (c >= 0x400 && c <= 0x52f)
		return c == 0x451 ? 0x435 : c;
	if (c < 0x80 || c >= 0x2000)
		return c;
	UChar parts[16];
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = unorm2_getRawDecomposition(s->decompose, (UChar32)c, parts, 16, &status);
	/* The first part may have accents itself. */
	return U_SUCCESS(status) && n > 0 && parts[0] != c && parts[0] < 0x2000 ? plain_letter(s, parts[0]) : c;
}

static struct str without_accents(struct stemmer *s, struct str text)
{
	if (utf8_is_ascii(text))
		return text;
	buf_reset(&s->scratch);
	for (size_t at = 0; at < text.n;) {
		uint32_t c = plain_letter(s, utf8_next(text, &at));
		if (c)
			utf8_add(&s->scratch, c);
	}
	return str_eq(buf_str(&s->scratch), text) ? text : arena_dup(&s->arena, buf_str(&s->scratch));
}

/* ---- words ---- */

static unsigned languages_of(struct str text)
{
	size_t at = 0;
	uint32_t c = utf8_next(text, &at);
	if ((c >= 'a' && c <= 'z') || (c >= 0xc0 && c <= 0x24f))
		return LATIN_LANGUAGES;
	return c >= 0x400 && c <= 0x52f ? 1u << RUSSIAN : 0;
}

static unsigned little_in(struct str text)
{
	char spaced[16];
	unsigned languages = 0;
	if (text.n + 2 > sizeof spaced)
		return 0;
	snprintf(spaced, sizeof spaced, " %.*s ", STR_ARG(text));
	for (unsigned i = 0; i < LANGUAGES; i++)
		if (little_words[i] && strstr(little_words[i], spaced))
			languages |= 1u << i;
	return languages;
}

static struct word *word_of(struct stemmer *s, struct str text)
{
	struct word *w = map_get(s->words, text);
	if (w)
		return w;
	w = arena_new(&s->arena, struct word);
	if (!w || !(w->text = arena_dup(&s->arena, text)).p || map_put(s->words, w->text, w)) {
		s->failed = true;
		return NULL;
	}
	w->plain = without_accents(s, w->text);
	w->languages = languages_of(w->text);
	w->little = w->languages & LATIN_LANGUAGES ? little_in(w->text) : 0;
	return w;
}

static struct str stem_of(struct stemmer *s, enum language language, struct str text)
{
	const sb_symbol *stem = sb_stemmer_stem(s->snowball[language], (const sb_symbol *)text.p, (int)text.n);
	if (!stem) {
		s->failed = true;
		return STR_NONE;
	}
	struct str out = arena_dup(&s->arena, str_make(stem, (size_t)sb_stemmer_length(s->snowball[language])));
	return without_accents(s, out);
}

static const struct str *stems_in(struct stemmer *s, struct word *w, enum language language)
{
	if (!(w->stemmed >> language & 1)) {
		w->stem[language][0] = stem_of(s, language, w->text);
		w->stem[language][1] = w->plain.p == w->text.p ? STR_NONE : stem_of(s, language, w->plain);
		w->stemmed |= 1u << language;
	}
	return w->stem[language];
}

/* Different stems of a word in these languages; at most STEMS_OF_A_WORD. */
#define STEMS_OF_A_WORD (2 * LANGUAGES + 1)
static unsigned stems_of(struct stemmer *s, struct word *w, unsigned languages, struct str out[STEMS_OF_A_WORD])
{
	unsigned n = 0;
	if (!(w->languages & languages))
		out[n++] = w->plain;
	for (enum language l = 0; l < LANGUAGES; l++) {
		if (!(w->languages & languages & 1u << l))
			continue;
		const struct str *stem = stems_in(s, w, l);
		for (unsigned i = 0; i < 2; i++) {
			bool known = stem[i].n == 0;
			for (unsigned k = 0; k < n; k++)
				known |= str_eq(out[k], stem[i]);
			if (!known)
				out[n++] = stem[i];
		}
	}
	return n;
}

/* The words in a term: what stands inside addresses and numbers parts them here. */
static bool cut_word(struct str *rest, struct str *out)
{
	static const char marks[] = "._-@'";
	size_t start = 0;
	while (start < rest->n && memchr(marks, rest->p[start], 5))
		start++;
	size_t end = start;
	while (end < rest->n && !memchr(marks, rest->p[end], 5))
		end++;
	*out = str_sub(*rest, start, end - start);
	*rest = str_from(*rest, end);
	return out->n > 0;
}

/* ---- an email ---- */

void stemmer_begin(struct stemmer *s)
{
	if (map_count(s->words) > STEM_CACHE_MAX || s->failed || s->arena.failed) {
		map_destroy(&s->words);
		arena_fini(&s->arena);
		s->failed = map_create(&s->words) != 0;
	}
	buf_reset(&s->found);
	s->email++;
	s->n_words = s->n_found = 0;
	memset(s->little, 0, sizeof s->little);
}

static void note(struct stemmer *s, struct word *w, enum stem_column column)
{
	s->n_words++;
	if (w->email != s->email) {
		w->email = s->email;
		memset(w->times, 0, sizeof w->times);
		buf_add(&s->found, (const void *)&w, sizeof(void *));
		s->n_found++;
	}
	w->times[column] += w->times[column] < STEM_COUNT_MAX;
}

void stemmer_add(struct stemmer *s, enum stem_column column, struct str text)
{
	struct words terms = words_of(normal_form(s, utf8_clip(text, EMAIL_STEMS_BYTES)));
	struct str term, part;
	while (!s->failed && s->n_words < EMAIL_STEMS_MAX && words_next(&terms, &term)) {
		if (terms.cut)
			continue;
		while (cut_word(&term, &part)) {
			struct word *w = part.n <= STEM_BYTES_MAX ? word_of(s, part) : NULL;
			if (!w)
				continue;
			note(s, w, column);
			for (unsigned l = 0; w->little && l < LANGUAGES; l++)
				s->little[l] += w->little >> l & 1;
		}
	}
}

static unsigned languages_told(const struct stemmer *s)
{
	unsigned best = 0, languages = 1u << RUSSIAN;
	for (unsigned l = 0; l < LANGUAGES; l++)
		best = s->little[l] > best ? s->little[l] : best;
	if (best < LITTLE_WORDS_MIN)
		return languages | LATIN_LANGUAGES;
	for (unsigned l = 0; l < LANGUAGES; l++)
		if (s->little[l] * 2 >= best)
			languages |= 1u << l;
	return languages;
}

static void add_stems(struct stemmer *s, struct word *w, unsigned languages, enum stem_column column)
{
	struct str stems[STEMS_OF_A_WORD];
	unsigned n = stems_of(s, w, languages, stems);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned times = w->times[column]; times; times--) {
			buf_add_str(&s->out, stems[i]);
			buf_add_char(&s->out, ' ');
		}
	}
}

int stemmer_end(struct stemmer *s, struct str stems_out[STEM_COLUMNS])
{
	size_t ends[STEM_COLUMNS], n = s->n_found, start = 0;
	struct word **found = (struct word **)(void *)s->found.p;
	unsigned languages = languages_told(s);
	if (s->failed || s->found.failed)
		return ERR_NO_MEMORY;
	buf_reset(&s->out);
	for (enum stem_column c = 0; c < STEM_COLUMNS; c++) {
		for (size_t i = 0; i < n; i++)
			if (found[i]->times[c])
				add_stems(s, found[i], languages, c);
		ends[c] = s->out.n;
	}
	for (enum stem_column c = 0; c < STEM_COLUMNS; start = ends[c++])
		stems_out[c] = str_sub(buf_str(&s->out), start, ends[c] - start);
	return s->failed || s->out.failed || s->arena.failed ? ERR_NO_MEMORY : 0;
}

/* ---- a question ---- */

static void add_word(struct stemmer *s, const struct stemmer_index *index, struct str text, struct buf *out)
{
	struct str stems[STEMS_OF_A_WORD];
	struct word *w = word_of(s, text);
	unsigned n = w ? stems_of(s, w, LATIN_LANGUAGES | 1u << RUSSIAN, stems) : 0;
	bool known = false;
	for (unsigned i = 0; i < n; i++) {
		buf_add_c(out, i ? " OR \"" : " (\"");
		buf_add_str(out, stems[i]);
		buf_add_char(out, '"');
		known |= index->known(index->arg, stems[i]);
	}
	for (unsigned i = 0; i < n && !known; i++)
		index->guess(index->arg, stems[i], out);
	if (n)
		buf_add_char(out, ')');
}

bool stemmer_question(struct stemmer *s, const struct stemmer_index *index, unsigned columns, struct str text, struct buf *out)
{
	static const char *const columns_names[STEM_COLUMNS] = { "subject", "sender", "receiver", "cc", "bcc", "body" };
	unsigned n = 0;
	stemmer_begin(s);
	buf_add_char(out, '{');
	for (unsigned c = 0; c < STEM_COLUMNS; c++)
		if (columns >> c & 1)
			buf_printf(out, " %s", columns_names[c]);
	buf_add_lit(out, " } : (");
	struct words terms = words_of(normal_form(s, text));
	struct str term, part;
	while (n < FUZZY_WORDS_MAX && words_next(&terms, &term)) {
		while (n < FUZZY_WORDS_MAX && cut_word(&term, &part)) {
			if (part.n > STEM_BYTES_MAX)
				continue;
			buf_add_c(out, n++ ? " AND" : "");
			add_word(s, index, part, out);
		}
	}
	buf_add_char(out, ')');
	if (s->failed || s->arena.failed)
		out->failed = true;
	return n > 0;
}
