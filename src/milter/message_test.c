/* What smfi_addheader, smfi_insheader, smfi_chgheader, smfi_replacebody and the envelope's changes do, by Sendmail's documentation of them. */
#include "milter/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define OWN "Received: us\r\n"
#define THREE "A: 1\r\nB: 2\r\n\tfolded\r\na: 3\r\n\r\nbody\r\n"

struct wish {
	char kind;
	uint32_t index;
	const char *name, *value;
};
struct row {
	const char *message;
	struct wish wishes[4];
	const char *wanted;          /* behind OWN, unless it begins with ^: then the whole */
	size_t pieces;               /* slices at most */
};
static const struct row table[] = {
	{ THREE, { { 0 } }, THREE, 2 },
	/* add: behind the last field */
	{ THREE, { { 'h', 0, "X", "new" } }, "A: 1\r\nB: 2\r\n\tfolded\r\na: 3\r\nX: new\r\n\r\nbody\r\n", 4 },
	{ "\r\nbody", { { 'h', 0, "X", "new" } }, "X: new\r\n\r\nbody", 3 },
	{ "A: 1\r\n", { { 'h', 0, "X", "new" } }, "A: 1\r\nX: new\r\n", 3 },
	/* insert: 0 is above our own trace fields, 1 below them, too far is the end */
	{ THREE, { { 'i', 0, "X", "new" } }, "^X: new\r\n" OWN THREE, 3 },
	{ THREE, { { 'i', 1, "X", "new" } }, "X: new\r\n" THREE, 3 },
	{ THREE, { { 'i', 2, "X", "new" } }, "A: 1\r\nX: new\r\nB: 2\r\n\tfolded\r\na: 3\r\n\r\nbody\r\n", 4 },
	{ THREE, { { 'i', 99, "X", "new" } }, "A: 1\r\nB: 2\r\n\tfolded\r\na: 3\r\nX: new\r\n\r\nbody\r\n", 4 },
	{ THREE, { { 'i', 1, "X", "new" }, { 'i', 1, "Y", "newer" } }, "Y: newer\r\nX: new\r\n" THREE, 4 },
	/* change: the index counts fields of that name, from 1; 0 is taken for 1 */
	{ THREE, { { 'm', 1, "a", "x" } }, "a: x\r\nB: 2\r\n\tfolded\r\na: 3\r\n\r\nbody\r\n", 3 },
	{ THREE, { { 'm', 0, "a", "x" } }, "a: x\r\nB: 2\r\n\tfolded\r\na: 3\r\n\r\nbody\r\n", 3 },
	{ THREE, { { 'm', 2, "A", "x" } }, "A: 1\r\nB: 2\r\n\tfolded\r\nA: x\r\n\r\nbody\r\n", 4 },
	{ THREE, { { 'm', 3, "A", "x" } }, "A: 1\r\nB: 2\r\n\tfolded\r\na: 3\r\nA: x\r\n\r\nbody\r\n", 4 },
	{ THREE, { { 'm', 1, "B", "" } }, "A: 1\r\na: 3\r\n\r\nbody\r\n", 3 },
	{ THREE, { { 'm', 1, "C", "" } }, THREE, 2 },
	{ THREE, { { 'm', 1, "Received", "" } }, THREE, 2 },                     /* ours is not theirs */
	/* a deleted field still counts while the same filter speaks: so both orders of deleting work */
	{ THREE, { { 'm', 1, "A", "" }, { 'm', 2, "A", "" } }, "B: 2\r\n\tfolded\r\n\r\nbody\r\n", 3 },
	{ THREE, { { 'm', 2, "A", "" }, { 'm', 1, "A", "" } }, "B: 2\r\n\tfolded\r\n\r\nbody\r\n", 3 },
	/* values that would become fields of their own, or the end of the header */
	{ "A: 1\r\n\r\nb", { { 'h', 0, "X", "one\nTwo: 2" } }, "A: 1\r\nX: one\r\n\tTwo: 2\r\n\r\nb", 4 },
	{ "A: 1\r\n\r\nb", { { 'h', 0, "X", "one\n\n\n two\n" } }, "A: 1\r\nX: one\r\n two\r\n\r\nb", 4 },
	{ "A: 1\r\n\r\nb", { { 'h', 0, "X", "one\r\n\ttwo\r\n" } }, "A: 1\r\nX: one\r\n\ttwo\r\n\r\nb", 4 },
	{ "A: 1\r\n\r\nb", { { 'h', 0, "X", "one\rTwo: 2" } }, "A: 1\r\nX: one Two: 2\r\n\r\nb", 4 },
	/* the body: in pieces; line ends repaired; the blank line made where there was none */
	{ THREE, { { 'b', 0, NULL, "new\r\nbo" }, { 'b', 0, NULL, "dy\r\n" } }, "A: 1\r\nB: 2\r\n\tfolded\r\na: 3\r\n\r\nnew\r\nbody\r\n", 3 },
	{ THREE, { { 'b', 0, NULL, "" } }, "A: 1\r\nB: 2\r\n\tfolded\r\na: 3\r\n\r\n", 2 },
	{ "A: 1\r\n", { { 'b', 0, NULL, "x\ny\rz\r\n" } }, "A: 1\r\n\r\nx\r\ny\r\nz\r\n", 4 },
	/* lines that are no fields stay where they are */
	{ ">From x\r\nA: 1\r\n\r\nb", { { 'm', 1, "A", "" } }, ">From x\r\n\r\nb", 3 },
	/* without a blank line the body begins where no field can be */
	{ "A: 1\r\nbody", { { 'h', 0, "X", "new" } }, "A: 1\r\nX: new\r\nbody", 4 },
};

static struct milter_reply reply_of(const struct wish *w)
{
	return (struct milter_reply){ .kind = (enum milter_reply_kind)w->kind, .index = w->index, .name = str_from_c(w->name), .value = str_from_c(w->value) };
}

static void gather(const struct milter_message *m, struct buf *b, size_t *n_out)
{
	struct str *pieces;

	assert_int_equal(milter_message_pieces(m, &pieces, n_out), 0);
	for (size_t i = 0; i < *n_out; i++)
		buf_add_str(b, pieces[i]);
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct row *row = &table[i];
		struct arena a = ARENA_INIT(0);
		struct milter_changes c;
		struct milter_message m;
		struct buf got = BUF_INIT(0), wanted = BUF_INIT(0);
		size_t n;

		milter_changes_init(&c, &a, 1000);
		assert_int_equal(milter_message_parse(&a, STR(OWN), str_from_c(row->message), &m), 0);
		for (size_t k = 0; k < 4 && row->wishes[k].kind; k++) {
			struct milter_reply r = reply_of(&row->wishes[k]);
			assert_int_equal(milter_changes_take(&c, &r, false), 0);
		}
		assert_int_equal(milter_message_apply(&m, &c), 0);
		gather(&m, &got, &n);
		if (row->wanted[0] != '^')
			buf_add_lit(&wanted, OWN);
		buf_add_c(&wanted, row->wanted + (row->wanted[0] == '^'));
		if (!str_eq(buf_str(&got), buf_str(&wanted)))
			fail_msg("row %zu: got\n%.*s\nwanted\n%.*s", i, STR_ARG(buf_str(&got)), STR_ARG(buf_str(&wanted)));
		if (n > row->pieces)
			fail_msg("row %zu: %zu pieces", i, n);
		buf_fini(&got);
		buf_fini(&wanted);
		milter_message_fini(&m);
		milter_changes_fini(&c);
		arena_fini(&a);
	}
}

/* The second filter sees the message as the first left it, and no deleted fields count any more. */
static void test_two_filters(void **state)
{
	struct arena a = ARENA_INIT(0);
	struct milter_changes c;
	struct milter_message m;
	struct buf got = BUF_INIT(0);
	size_t n;
	const struct wish first[] = { { 'm', 1, "A", "" }, { 'h', 0, "X", "one" }, { 'b', 0, NULL, "first\r\n" } };
	const struct wish second[] = { { 'm', 1, "A", "two" }, { 'm', 1, "X", "two" }, { 'b', 0, NULL, "second\r\n" } };

	(void)state;
	milter_changes_init(&c, &a, 1000);
	assert_int_equal(milter_message_parse(&a, STR_NONE, STR(THREE), &m), 0);
	for (size_t i = 0; i < 3; i++) {
		struct milter_reply r = reply_of(&first[i]);
		assert_int_equal(milter_changes_take(&c, &r, false), 0);
	}
	assert_int_equal(milter_message_apply(&m, &c), 0);
	assert_true(str_eq(m.body, STR("first\r\n")));
	for (size_t i = 0; i < 3; i++) {
		struct milter_reply r = reply_of(&second[i]);
		assert_int_equal(milter_changes_take(&c, &r, true), 0);
	}
	assert_int_equal(milter_message_apply(&m, &c), 0);
	gather(&m, &got, &n);
	assert_true(str_eq(buf_str(&got), STR("B: 2\r\n\tfolded\r\nA:two\r\nX:two\r\n\r\nsecond\r\n")));
	buf_fini(&got);
	milter_message_fini(&m);
	milter_changes_fini(&c);
	arena_fini(&a);
}

static void test_envelope(void **state)
{
	struct arena a = ARENA_INIT(0);
	struct milter_changes c, before;
	const struct wish wishes[] = { { '+', 0, "<new@example>", NULL }, { '-', 0, "old@example", NULL }, { '2', 0, "<x@example>", "NOTIFY=NEVER" },
								   { 'e', 0, "<>", "RET=HDRS" }, { 'q', 0, NULL, "looks\todd" } };
	const struct milter_reply empty = { .kind = MILTER_REPLY_ADD_RCPT, .name = STR_INIT("<>") }, none = { .kind = MILTER_REPLY_CONTINUE };

	(void)state;
	milter_changes_init(&c, &a, 10);
	for (size_t i = 0; i < 5; i++) {
		struct milter_reply r = reply_of(&wishes[i]);
		assert_int_equal(milter_changes_take(&c, &r, false), 0);
	}
	assert_true(c.rcpts->add && str_eq(c.rcpts->address, STR("new@example")));
	assert_true(!c.rcpts->next->add && str_eq(c.rcpts->next->address, STR("old@example")));
	assert_true(str_eq(c.rcpts->next->next->arguments, STR("NOTIFY=NEVER")));
	assert_true(c.has_sender && c.sender.n == 0 && str_eq(c.sender_arguments, STR("RET=HDRS")));
	assert_true(c.quarantine && str_eq(c.reason, STR("looks?odd")));
	assert_int_equal(milter_changes_take(&c, &empty, false), ERR_INVALID);
	assert_int_equal(milter_changes_take(&c, &none, false), ERR_INVALID);

	before = c;
	struct milter_reply more = reply_of(&wishes[0]), body = { .kind = MILTER_REPLY_BODY, .value = STR_INIT("0123456") };
	assert_int_equal(milter_changes_take(&c, &more, false), 0);
	assert_int_equal(milter_changes_take(&c, &body, false), 0);
	assert_int_equal(milter_changes_take(&c, &body, false), ERR_TOO_BIG);
	milter_changes_undo(&c, &before);
	assert_null(c.rcpts->next->next->next);
	assert_false(c.has_body);
	assert_int_equal(milter_changes_take(&c, &body, false), 0);
	milter_changes_fini(&c);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_table), cmocka_unit_test(test_two_filters), cmocka_unit_test(test_envelope) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
