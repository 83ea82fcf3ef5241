/* FUZZY: words by their stems in five languages, without accents and widths, ranked. */
#include "search/fixture.h"

#include "base/buf.h"

#include <stdlib.h>

/* Which emails, best first: "3 1". */
static const char *ask(struct fixture *f, enum search_field field, const char *text)
{
	struct search_ranked *ranked;
	size_t n;
	struct buf b = BUF_INIT(0);
	int r = search_fuzzy(f->search, FIXTURE_ACCOUNT, field, str_from_c(text), &ranked, &n);
	if (r)
		return r == ERR_UNSUPPORTED ? "unsupported" : r == ERR_NOT_FOUND ? "none" : "error";
	for (size_t i = 0; i < n; i++) {
		assert_in_range(ranked[i].score, 1, 100);
		assert_true(i == 0 ? ranked[i].score == 100 : ranked[i].score <= ranked[i - 1].score);
		buf_printf(&b, "%s%llu", i ? " " : "", (unsigned long long)ranked[i].email);
	}
	free(ranked);
	const char *out = arena_dup_c(&f->arena, buf_str(&b));
	buf_fini(&b);
	return out;
}

static void test_languages(void **state)
{
	(void)state;
	static const struct { const char *question, *emails; } cases[] = {
		{ "ship", "1" }, { "SHIPPED", "1" }, { "boxes", "1" }, { "box ship", "1" }, { "box horse", "" }, { "box!? ship,", "1" },
		{ "\xd0\xbb\xd0\xbe\xd1\x88\xd0\xb0\xd0\xb4\xd1\x8c", "2" },                  /* loshad', for loshadi */
		{ "\xd0\xb5\xd0\xbb\xd0\xba\xd0\xb0", "2" },                                  /* yolka, written without dots */
		{ "H\xc3\xa4user", "3" }, { "haus", "3" }, { "Hauser", "3" },
		{ "chevaux", "4" }, { "CAFE", "4 6" }, { "canciones", "5" }, { "cancion", "5" },
		{ "\xef\xbc\xa7\xef\xbd\x8f\xef\xbd\x8f\xef\xbd\x87", "6" },                  /* full-width Goog */
		{ "\xe6\x9d\xb1\xe4\xba\xac", "6" }, { "example", "" }, { "strasse", "3" }, { "...", "unsupported" }, { "", "unsupported" },
		{ "zebra", "" }, { "the", "1" },
		/* words that are nowhere: near ones; the first letter must be right, and short words and numbers are not guessed at */
		{ "shiping", "1" }, { "shipp", "1" }, { "cheval", "4" }, { "chevel", "4" }, { "chevla", "4" }, { "dit", "" }, { "vaht", "" },
		{ "\xd0\xbb\xd0\xbe\xd1\x88\xd0\xb4\xd0\xb0\xd1\x8c", "2" },                  /* loshdat' */
	};
	struct fixture f;
	fixture_begin(&f, 0, "");
	assert_string_equal(ask(&f, SEARCH_BODY, "ship"), "none");
	fixture_add_text(&f, "a", STR("The boxes that you have are shipping with the next boat, as it was said.\r\n"));
	fixture_add_text(&f, "b", STR("\xd0\x9b\xd0\xbe\xd1\x88\xd0\xb0\xd0\xb4\xd0\xb8 \xd0\xb8 \xd1\x91\xd0\xbb\xd0\xba\xd0\xb8\r\n"));
	fixture_add_text(&f, "c", STR("Das Haus und die H\xc3\xa4user sind nicht in der Stra\xc3\x9f" "e mit dem Baum.\r\n"));
	fixture_add_text(&f, "d", STR("Le cheval et les chevaux ne mangent pas dans le caf\xc3\xa9 avec vous.\r\n"));
	fixture_add_text(&f, "e", STR("Las canciones de la noche y el d\xc3\xad" "a son para los que no canci\xc3\xb3n.\r\n"));
	fixture_add_text(&f, "f", STR("goog cafe \xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd\r\n"));
	fixture_update(&f);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *got = ask(&f, SEARCH_BODY, cases[i].question);
		/* Of equals, either may be first. */
		bool turned = strcmp(cases[i].emails, "4 6") == 0 && strcmp(got, "6 4") == 0;
		if (strcmp(got, cases[i].emails) != 0 && !turned)
			fail_msg("%s: %s", cases[i].question, got);
	}
	fixture_end(&f);
}

static void test_fields_and_ranks(void **state)
{
	(void)state;
	struct fixture f;
	fixture_begin(&f, 0, "");
	fixture_add_text(&f, "weather", STR("report report report about rivers\r\n"));
	fixture_add_text(&f, "a report on rivers", STR("nothing here\r\n"));
	for (int i = 0; i < 20; i++)
		fixture_add_text(&f, "other", STR("words and words and more of them, and one report\r\n"));
	fixture_add_text(&f, "last", STR("many other words stand in this longer text that speaks of a river once\r\n"));
	fixture_update(&f);
	assert_string_equal(ask(&f, SEARCH_SUBJECT, "rivers"), "2");
	assert_string_equal(ask(&f, SEARCH_BODY, "river"), "1 23");
	assert_string_equal(ask(&f, SEARCH_TEXT, "rivers"), "2 1 23");
	assert_string_equal(ask(&f, SEARCH_TEXT, "rivers report"), "2 1");
	assert_string_equal(ask(&f, SEARCH_SUBJECT, "weather"), "1");
	assert_int_equal(strlen(ask(&f, SEARCH_FROM, "ann")), strlen(ask(&f, SEARCH_TO, "bob")));
	assert_string_equal(ask(&f, SEARCH_FROM, "bob"), "");
	assert_string_equal(ask(&f, SEARCH_CC, "bob"), "");
	assert_string_equal(ask(&f, SEARCH_HEADER, "bob"), "unsupported");
	/* What FTS5 might take for its own language is only words. */
	assert_string_equal(ask(&f, SEARCH_BODY, "river\" OR \"nothing"), "");
	assert_string_equal(ask(&f, SEARCH_BODY, "river) NOT (report*"), "");
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_languages), cmocka_unit_test(test_fields_and_ranks) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
