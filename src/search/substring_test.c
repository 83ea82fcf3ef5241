/* The index's answer, verified where it asks for that, is what a reading of every email finds: for what comes to mind, and for thousands of pieces
 * of texts made here and of real mail. */
#include "search/fixture.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <unistd.h>

#define MAIL TROIKA_SOURCE "/../shared/data/mail/"

/* The same numbers each time. */
static uint32_t roll(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % n;
}

static void test_plain(void **state)
{
	(void)state;
	static const struct { const char *text; size_t body, in_text; } cases[] = {
		{ "invoice", 2, 3 }, { "INVOICE", 2, 3 }, { "voic", 2, 3 }, { "invoices", 1, 1 }, { "two invoices", 1, 1 }, { "o invoi", 1, 1 },
		{ "e@example", 0, 0 }, { "ann@example.org", 0, 5 }, { "bob@", 0, 5 }, { "subject: an", 0, 1 }, { "nothing", 0, 0 }, { "end.\r\nNew", 1, 1 },
		{ "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\x95\xd1\x82", 1, 1 }, { "\xd1\x80\xd0\xb8\xd0\xb2", 1, 1 }, { "\xe6\x9d\xb1\xe4\xba\xac", 1, 1 },
		{ "\xe4\xba\xac", 1, 1 }, { "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", 1, 1 }, { "\xe9\x83\xbd tokyo", 1, 1 }, { "!!!", 1, 1 }, { "", 5, 5 },
		{ "caf\xc3\x89", 1, 1 }, { "!", 1, 1 },
	};
	struct fixture f;
	fixture_begin(&f, 0, "");
	fixture_add_text(&f, "one", STR("Here is the invoice.\r\n"));
	fixture_add_text(&f, "two", STR("Two invoices: the end.\r\nNew line!!!\r\n"));
	fixture_add_text(&f, "an invoice", STR("\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\r\n"));
	fixture_add_text(&f, "four", STR("\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd tokyo\r\n"));
	fixture_add_text(&f, "five", STR("Caf\xc3\xa9\r\n"));
	/* Not indexed, half indexed, indexed: always the same. */
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
			assert_int_equal(fixture_ask(&f, SEARCH_BODY, str_from_c(cases[i].text), NULL), cases[i].body + (cases[i].body == 5) * (f.n - 5));
			assert_int_equal(fixture_ask(&f, SEARCH_TEXT, str_from_c(cases[i].text), NULL) >= cases[i].in_text, 1);
		}
		if (round < 2)
			fixture_update(&f);
		if (round == 0)
			fixture_add_text(&f, "six", STR("later\r\n"));
	}
	fixture_end(&f);
}

/* What need not be read. */
static void test_reads(void **state)
{
	(void)state;
	struct fixture f;
	size_t read;
	fixture_begin(&f, 0, "");
	for (int i = 0; i < 20; i++)
		fixture_add_text(&f, "words", i % 2 ? STR("some plain words here\r\n") : STR("somewhat plain wording here\r\n"));
	fixture_ask(&f, SEARCH_BODY, STR("word"), &read);
	assert_int_equal(read, 20);
	fixture_update(&f);
	assert_int_equal(fixture_ask(&f, SEARCH_BODY, STR("word"), &read), 20);
	assert_int_equal(read, 0);
	assert_int_equal(fixture_ask(&f, SEARCH_BODY, STR("some p"), &read), 10);
	assert_int_equal(read, 10);
	assert_int_equal(fixture_ask(&f, SEARCH_BODY, STR("words h"), &read), 10);
	assert_int_equal(read, 10);
	fixture_ask(&f, SEARCH_BODY, STR(" "), &read);
	assert_int_equal(read, 20);
	/* Of a header only candidates are told. */
	assert_int_equal(fixture_ask(&f, SEARCH_HEADER, STR("bob"), &read), 20);
	assert_int_equal(read, 20);
	assert_int_equal(fixture_ask(&f, SEARCH_HEADER, STR("carol"), &read), 0);
	assert_int_equal(read, 0);
	fixture_end(&f);
}

/* ---- many pieces of many texts ---- */

static void add_random_text(struct buf *b, uint64_t *seed)
{
	/* Few letters, so that much is found; runs over every limit; all classes of characters side by side. */
	static const char *const parts[] = {
		"a", "b", "ab", "ba", "a", "b", " ", ".", "-", "\r\n", "!", ", ", "\xc3\xa9", "e\xcc\x81", "\xd0\xb6", "\xd1\x91", "\xd0\x96", "\xe6\x9d\xb1",
		"\xe4\xba\xac", "\xe3\x81\x82", "\xef\xbc\xa1", "\xef\xbd\x81", "\xe0\xb8\x81", "\xe0\xb8\xb4", "\xed\x95\x9c", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "1", "_", "@",
		"\xc3\x9f", "\xef\xac\x81", "\xc2\xad", "\xff",
	};
	for (unsigned n = roll(seed, 60); n; n--) {
		const char *part = parts[roll(seed, sizeof parts / sizeof parts[0])];
		unsigned times = roll(seed, 40) ? 1 : 1 + roll(seed, 130);
		while (times--)
			buf_add_c(b, part);
	}
}

/* A piece of some text there is: characters, not bytes; long ones are rare. */
static struct str random_piece(const struct fixture *f, uint64_t *seed)
{
	const struct fixture_email *e = &f->email[roll(seed, (uint32_t)f->n)];
	struct str all = roll(seed, 8) == 0 ? e->subject : roll(seed, 8) == 0 ? e->from : roll(seed, 4) == 0 ? e->header : e->source.n && roll(seed, 2) ? e->source : e->body;
	if (all.n == 0)
		return STR("x");
	size_t from = roll(seed, (uint32_t)all.n);
	while (from < all.n && ((unsigned char)all.p[from] & 0xc0) == 0x80)
		from++;
	static const uint32_t lengths[] = { 3, 6, 12, 12, 30, 30, 200 };
	size_t n = 1 + roll(seed, lengths[roll(seed, sizeof lengths / sizeof lengths[0])]);
	return utf8_clip(str_sub(all, from, n), n);
}

static void ask_pieces(struct fixture *f, unsigned times, uint64_t *seed)
{
	static const enum search_field fields[] = { SEARCH_BODY, SEARCH_BODY, SEARCH_TEXT, SEARCH_HEADER, SEARCH_SUBJECT, SEARCH_FROM };
	for (unsigned i = 0; i < times; i++) {
		struct str piece = random_piece(f, seed);
		fixture_ask(f, fields[roll(seed, 6)], piece, NULL);
	}
}

static void test_random(void **state)
{
	(void)state;
	struct fixture f;
	uint64_t seed = 1;
	fixture_begin(&f, 0, "");
	for (int round = 0; round < 40; round++) {
		for (unsigned n = 1 + roll(&seed, 30); n; n--) {
			struct buf b = BUF_INIT(0);
			add_random_text(&b, &seed);
			fixture_add_text(&f, "x", buf_str(&b));
			buf_fini(&b);
		}
		if (roll(&seed, 4))
			fixture_update(&f);
		if (roll(&seed, 8) == 0)
			fixture_reopen(&f, 0, "");
		ask_pieces(&f, 200, &seed);
	}
	fixture_end(&f);
}

/* ---- real mail ---- */

static bool read_command(const char *command, struct buf *out)
{
	FILE *pipe = popen(command, "r");    // NOLINT(cert-env33-c): the commands stand below
	size_t n = 1;
	for (char *to; pipe && n && (to = buf_reserve(out, 1 << 16)); out->n += n)
		n = fread(to, 1, 1 << 16, pipe);
	return pipe && pclose(pipe) == 0 && !out->failed;
}

/* Messages stand between lines that begin with the separator; line ends become CRLF. */
static void add_messages(struct fixture *f, const char *command, struct str separator)
{
	struct buf file = BUF_INIT(0), message = BUF_INIT(0);
	assert_true(read_command(command, &file));
	for (struct str all = buf_str(&file), line; all.n;) {
		str_cut(all, '\n', &line, &all);
		bool boundary = str_starts(line, separator);
		if (!boundary) {
			buf_add_str(&message, str_ends(line, STR("\r")) ? str_sub(line, 0, line.n - 1) : line);
			buf_add_lit(&message, "\r\n");
		}
		if ((boundary || !all.n) && message.n) {
			fixture_add(f, buf_str(&message));
			buf_reset(&message);
		}
	}
	buf_fini(&message);
	buf_fini(&file);
}

static void test_real(void **state)
{
	(void)state;
	struct fixture f;
	uint64_t seed = 2;
	if (access(MAIL "real-ham.mbox.xz", R_OK)) {
		print_message("skipped: %s is not there\n", MAIL);
		skip();
	}
	fixture_begin(&f, 0, "");
	add_messages(&f, "tar -xJf " MAIL "mime-samples.tar.xz --wildcards '*.eml' --to-command='echo \"From troika-sample\"; cat; echo'", STR("From troika-sample"));
	fixture_update(&f);
	ask_pieces(&f, 1500, &seed);
	add_messages(&f, "xz -dc " MAIL "real-ham.mbox.xz", STR("From "));
	fixture_update(&f);
	ask_pieces(&f, 3000, &seed);
	print_message("%zu messages\n", f.n);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_reads), cmocka_unit_test(test_random), cmocka_unit_test(test_real),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
