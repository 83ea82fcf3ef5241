/* More destinations than memory holds (the linked library's limit is small): what is due now is tried now, and what was forgotten is found when its time
 * comes. */
#include "queue/fixture.h"

#include "base/clock.h"

#define MANY 40u
#define HOUR 3600

static void submit_to(struct fixture *f, unsigned i, int64_t not_before)
{
	struct queue_submission s = fixture_message(f, "s@example.com > a@example.net");
	struct queue_recipient r = s.recipients[0];
	uint64_t id;
	r.destination = arena_printf(&f->arena, "d%u.example", i);
	s.recipients = &r;
	s.envelope.not_before = not_before;
	FIXTURE_OK(queue_submit(f->queue, &s, &id, NULL));
}

static void what_is_due_is_tried(void **state)
{
	struct fixture *f = *state;
	int64_t start = clock_now();
	fixture_expect_nothing(f);
	for (unsigned i = 0; i < MANY; i++)
		submit_to(f, i, start + HOUR * (1 + (int64_t)(i * 7 % MANY)));
	assert_true(fixture_stats(f).destinations <= QUEUE_DESTINATIONS_MAX);
	submit_to(f, MANY, 0);
	fixture_expect(f, "d40.example: a@example.net", QUEUE_DELIVERED);
	/* each comes within a look or two of its time, and not before */
	for (unsigned i = 0; i < MANY; i++) {
		fixture_expect_nothing(f);
		fixture_forward(f, start + HOUR * (1 + (int64_t)i) - clock_now());
		struct queue_job *j = fixture_take(f);
		for (unsigned n = 0; !j && n < 2; n++) {
			fixture_forward(f, QUEUE_OVERFLOW_MS / 1000);
			j = fixture_take(f);
		}
		assert_non_null(j);
		fixture_finish(f, j, QUEUE_DELIVERED);
	}
	fixture_empty(f);
}

static void all_at_once(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 0; i < MANY; i++)
		submit_to(f, i, 0);
	unsigned n = 0;
	for (unsigned idle = 0; idle < 3;) {
		struct queue_job *j = fixture_take(f);
		idle = j ? 0 : idle + 1;
		if (j)
			fixture_finish(f, j, QUEUE_DELIVERED), n++;
		else
			fixture_forward(f, QUEUE_OVERFLOW_MS / 1000);
	}
	assert_int_equal(n, MANY);
	fixture_empty(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { FIXTURE_TEST(what_is_due_is_tried), FIXTURE_TEST(all_at_once) };
	return fixture_run("overflow", tests, sizeof(tests) / sizeof(tests[0]));
}
