#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/imap/order.h"
#include "codec/imap/thread.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGES_MAX 12
#define REFS_MAX 4

/* A message: "id<ref<ref.subject": ids are letters, 0 none; the subject is a letter, "-" none, a capital for a reply. Sent in their order
 * unless "@n" says when; arrived in the order of the mailbox. */
struct row {
	enum imap_thread_algorithm algorithm;
	const char *messages[MESSAGES_MAX];
	const char *threads;
};
#define ORDERED IMAP_THREAD_ORDEREDSUBJECT
#define REFERENCES IMAP_THREAD_REFERENCES
#define REFS IMAP_THREAD_REFS

static const struct row rows[] = {
	{ REFERENCES, { 0 }, "" },
	{ REFERENCES, { "a.-", "b.-" }, "(1)(2)" },
	{ REFERENCES, { "a.-", "b<a.-", "c<a<b.-" }, "(1 2 3)" },
	/* RFC 5256 section 4: the shape of "(2)(3 6 (4 23)(44 7 96))". */
	{ REFERENCES, { "a.-", "b.-", "c<b.-", "d<c.-", "e<d.-", "f<c.-@5", "g<f.-", "h<g.-" }, "(1)(2 3 (4 5)(6 7 8))" },
	/* and of "((3)(5))": the parent is not there. */
	{ REFERENCES, { "a<x.-", "b<x.-" }, "((1)(2))" },
	{ REFERENCES, { "a<x.-" }, "(1)" },
	{ REFERENCES, { "a<x<y.-", "b<x<z.-" }, "((1)(2))" },
	/* By date, not by number; ties by number. */
	{ REFERENCES, { "a.-@9", "b.-@3", "c.-@3" }, "(2)(3)(1)" },
	{ REFERENCES, { "a.-", "b<a.-@9", "c<a.-@2" }, "(1 (3)(2))" },
	/* The child is there before the parent. */
	{ REFERENCES, { "b<a.-@2", "a.-@1" }, "(2 1)" },
	/* Two with one id; references to it mean the first. */
	{ REFERENCES, { "a.-", "a.-", "b<a.-" }, "(1 3)(2)" },
	/* Its own parent, and two that name each other: no loops. */
	{ REFERENCES, { "a<a.-", "b<c.-", "c<b.-" }, "(1)(3 2)" },
	/* 1.B: the last reference is the parent, whatever was said before. */
	{ REFERENCES, { "a.-", "b.-", "d<a<c.-", "c<b.-" }, "(1)(2 4 3)" },
	{ REFERENCES, { "d<a<c.-", "c.-", "a.-" }, "(2 1)(3)" },
	/* Step 5: a reply comes below the message of its subject. */
	{ REFERENCES, { "a.s", "b.S" }, "(1 2)" },
	{ REFERENCES, { "b.S", "a.s" }, "(2 1)" },
	/* Two that are no replies, and two that are replies, get a dummy. */
	{ REFERENCES, { "a.s", "b.s" }, "((1)(2))" },
	{ REFERENCES, { "a.S", "b.S", "c.S" }, "((1)(2)(3))" },
	/* A dummy takes others in; two dummies become one. */
	{ REFERENCES, { "a<x.s", "b<x.s", "c.s" }, "((1)(2)(3))" },
	{ REFERENCES, { "a<x.s", "b<x.s", "c<y.s", "d<y.s" }, "((1)(2)(3)(4))" },
	/* No subject is not a subject. */
	{ REFERENCES, { "a.-", "b.-" }, "(1)(2)" },
	/* Without step 5; threads by their latest message. */
	{ REFS, { "a.s", "b.S" }, "(1)(2)" },
	{ REFS, { "a.-", "b.-", "c<a.-" }, "(2)(1 3)" },
	{ REFS, { "a<x.-", "b.-", "c<x.-" }, "(2)((1)(3))" },
	{ ORDERED, { "a.s", "b.t", "c.S", "d.s" }, "(1 (3)(4))(2)" },
	{ ORDERED, { "a.s@9", "b.t@5", "c.S@1" }, "(3 1)(2)" },
	{ ORDERED, { "a.-", "b.s", "c.-" }, "(1 3)(2)" },
};

static int go_on(void *arg)
{
	(void)arg;
	return 0;
}

static void read_message(const char *in, uint32_t i, uint64_t *refs, struct imap_thread_message *m)
{
	*m = (struct imap_thread_message){ .number = i + 1, .refs = refs, .sent = i + 1, .arrived = i + 1 };
	m->id = in[0] == '0' ? 0 : (uint64_t)in[0];
	for (in++; *in == '<'; in += 2)
		refs[m->n_refs++] = (uint64_t)in[1];
	char subject = in[1];
	m->reply = subject >= 'A' && subject <= 'Z';
	m->subject = subject == '-' ? 0 : (uint64_t)(subject | 32);
	if (in[2] == '@')
		m->sent = in[3] - '0';
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct imap_thread_message m[MESSAGES_MAX];
		uint64_t refs[MESSAGES_MAX][REFS_MAX];
		uint32_t n = 0;
		for (; n < MESSAGES_MAX && rows[i].messages[n]; n++)
			read_message(rows[i].messages[n], n, refs[n], &m[n]);
		struct imap_threads t;
		struct buf out = BUF_INIT(0);
		struct imap_thread_sink sink = { &out, go_on, NULL };
		assert_int_equal(imap_threads_make(rows[i].algorithm, m, n, &t), 0);
		for (uint32_t k = 0; k < t.n_roots; k++)
			assert_int_equal(imap_thread_write(&t, k, &sink), 0);
		if (!str_eq(buf_str(&out), str_from_c(rows[i].threads)))
			fail_msg("row %zu: %.*s, not %s", i, STR_ARG(buf_str(&out)), rows[i].threads);
		imap_threads_fini(&t);
		buf_fini(&out);
	}
}

/* Small random mailboxes, beside the algorithm done as the RFC writes it (thread_fuzz.c). */
static void test_random(void **state)
{
	(void)state;
	uint32_t seed = 1;
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t bytes[100];
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(seed >> 24);
		}
		LLVMFuzzerTestOneInput(bytes, 4 + round % (sizeof(bytes) - 4));
	}
}

/* A chain as long as a mailbox: no recursion, and no walk from every message to the root. */
static void test_deep(void **state)
{
	(void)state;
	enum { N = 200000 };
	struct imap_thread_message *m = calloc(N, sizeof(*m));
	uint64_t *ids = calloc(N + 1, sizeof(*ids));
	for (uint32_t i = 0; i < N; i++) {
		ids[i] = i + 1;
		m[i] = (struct imap_thread_message){ .number = i + 1, .id = ids[i], .refs = i ? &ids[i - 1] : NULL, .n_refs = i > 0, .sent = i };
	}
	struct imap_threads t;
	struct buf out = BUF_INIT(0);
	struct imap_thread_sink sink = { &out, go_on, NULL };
	assert_int_equal(imap_threads_make(REFERENCES, m, N, &t), 0);
	assert_int_equal(t.n_roots, 1);
	assert_int_equal(imap_thread_write(&t, 0, &sink), 0);
	assert_true(str_starts(buf_str(&out), STR("(1 2 3 ")) && str_ends(buf_str(&out), STR(" 200000)")));
	imap_threads_fini(&t);
	buf_fini(&out);
	free(m);
	free(ids);
}

static void test_algorithms(void **state)
{
	(void)state;
	enum imap_thread_algorithm a;
	assert_true(imap_thread_algorithm(STR("references"), &a) && a == REFERENCES);
	assert_true(imap_thread_algorithm(STR("REFS"), &a) && a == REFS);
	assert_true(imap_thread_algorithm(STR("OrderedSubject"), &a) && a == ORDERED);
	assert_false(imap_thread_algorithm(STR("REF"), &a));
}

static void test_order(void **state)
{
	(void)state;
	uint64_t key[] = { imap_order_key(5), imap_order_key(-1), imap_order_key(INT64_MAX), imap_order_key(INT64_MIN), imap_order_key(5), imap_order_key(0) };
	uint32_t order[] = { 0, 1, 2, 3, 4, 5 };
	static const uint32_t sorted[] = { 3, 1, 5, 0, 4, 2 };
	assert_int_equal(imap_order(key, order, 6), 0);
	assert_memory_equal(order, sorted, sizeof(sorted));
	uint32_t two[] = { 4, 0 };                         /* equal: as they stood */
	assert_int_equal(imap_order(key, two, 2), 0);
	assert_int_equal(two[0], 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows), cmocka_unit_test(test_random), cmocka_unit_test(test_deep), cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
