#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "rt/limits.h"
#include "rt/metric.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Defined out of order, so that the output must sort; with equal series, as two files would. */
METRIC_COUNTER(later, "troika_test_z_total", "", "Last.");
METRIC_COUNTER(red, "troika_test_balls_total", "colour=\"red\"", "Balls.");
METRIC_GAUGE(depth, "troika_test_depth", "", "How deep.");
METRIC_COUNTER(blue, "troika_test_balls_total", "colour=\"blue\"", "Balls.");
METRIC_COUNTER(red_too, "troika_test_balls_total", "colour=\"red\"", "Balls.");
METRIC_SECONDS(took, "troika_test_seconds", "what=\"x\"", "How long.");

static struct metric *const mine[] = { &later, &red, &depth, &blue, &red_too, &took };

static int start_anew(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++) {
		mine[i]->value = 0;
		for (unsigned b = 0; b < METRIC_BUCKETS; b++)
			mine[i]->bucket[b] = 0;
	}
	return 0;
}

/* The lines about this test, NUL-terminated, with or without those that functions add; the room's own metrics are left out. The caller frees. */
static char *collected(bool asked)
{
	struct buf all, out;
	buf_init(&all, 0);
	buf_init(&out, 0);
	metric_collect(&all);
	assert_false(all.failed);
	struct str rest = buf_str(&all), line;
	while (rest.n > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (str_find(line, STR("troika_test_")) != STR_NPOS && (asked || str_find(line, STR("troika_test_always_")) == STR_NPOS)) {
			buf_add_str(&out, line);
			buf_add_char(&out, '\n');
		}
	}
	buf_add_char(&out, '\0');
	buf_fini(&all);
	char *text;
	size_t n;
	buf_take(&out, &text, &n);
	return text;
}

static void test_format(void **state)
{
	(void)state;
	metric_add(&red, 2);
	metric_add(&red_too, 40);
	metric_add(&blue, 1);
	metric_set(&depth, -7);
	metric_add(&depth, 2);
	metric_time(&took, 100);              /* a bound belongs to its bucket */
	metric_time(&took, 101);
	metric_time(&took, 60000000);
	metric_time(&took, 60000001);
	char *text = collected(false);
	assert_string_equal(text,
	                    "# HELP troika_test_balls_total Balls.\n# TYPE troika_test_balls_total counter\n"
	                    "troika_test_balls_total{colour=\"blue\"} 1\ntroika_test_balls_total{colour=\"red\"} 42\n"
	                    "# HELP troika_test_depth How deep.\n# TYPE troika_test_depth gauge\ntroika_test_depth -5\n"
	                    "# HELP troika_test_seconds How long.\n# TYPE troika_test_seconds histogram\n"
	                    "troika_test_seconds_bucket{what=\"x\",le=\"0.0001\"} 1\ntroika_test_seconds_bucket{what=\"x\",le=\"0.00025\"} 2\n"
	                    "troika_test_seconds_bucket{what=\"x\",le=\"0.0005\"} 2\ntroika_test_seconds_bucket{what=\"x\",le=\"0.001\"} 2\n"
	                    "troika_test_seconds_bucket{what=\"x\",le=\"0.0025\"} 2\ntroika_test_seconds_bucket{what=\"x\",le=\"0.005\"} 2\n"
	                    "troika_test_seconds_bucket{what=\"x\",le=\"0.01\"} 2\ntroika_test_seconds_bucket{what=\"x\",le=\"0.025\"} 2\n"
	                    "troika_test_seconds_bucket{what=\"x\",le=\"0.05\"} 2\ntroika_test_seconds_bucket{what=\"x\",le=\"0.1\"} 2\n"
	                    "troika_test_seconds_bucket{what=\"x\",le=\"0.25\"} 2\ntroika_test_seconds_bucket{what=\"x\",le=\"1.0\"} 2\n"
	                    "troika_test_seconds_bucket{what=\"x\",le=\"5.0\"} 2\ntroika_test_seconds_bucket{what=\"x\",le=\"15.0\"} 2\n"
	                    "troika_test_seconds_bucket{what=\"x\",le=\"60.0\"} 3\ntroika_test_seconds_bucket{what=\"x\",le=\"+Inf\"} 4\n"
	                    "troika_test_seconds_sum{what=\"x\"} 120.000202\ntroika_test_seconds_count{what=\"x\"} 4\n"
	                    "# HELP troika_test_z_total Last.\n# TYPE troika_test_z_total counter\ntroika_test_z_total 0\n");
	free(text);
	assert_int_equal(metric_read("troika_test_balls_total", "colour=\"red\""), 42);
	assert_int_equal(metric_read("troika_test_balls_total", ""), 0);
	assert_int_equal(metric_read_all("troika_test_balls_total"), 43);
	assert_int_equal(metric_read("troika_test_depth", ""), -5);
	assert_int_equal(metric_read("troika_test_seconds", "what=\"x\""), 4);
	assert_int_equal(metric_read_seconds("troika_test_seconds"), 120000202);
	assert_int_equal(metric_read_all("troika_test_nothing"), 0);
}

static void test_openmetrics(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 0);
	metric_to_openmetrics(STR("# HELP a_total Of a_total things.\n# TYPE a_total counter\na_total{b=\"# TYPE c_total counter\"} 1\n"
	                          "# HELP _total x\n# TYPE g gauge\ng 5\n"),
	                      &out);
	buf_add_char(&out, '\0');
	assert_string_equal(out.p, "# HELP a Of a_total things.\n# TYPE a counter\na_total{b=\"# TYPE c_total counter\"} 1\n"
	                           "# HELP  x\n# TYPE g gauge\ng 5\n# EOF\n");
	buf_fini(&out);
}

static struct metric row[2] = {
	METRIC_INIT(METRIC_KIND_COUNTER, "troika_test_row_total", "n=\"0\"", "A row."),
	METRIC_INIT(METRIC_KIND_COUNTER, "troika_test_row_total", "n=\"1\"", "A row."),
};

static struct metric unnamed;
static void add_always(struct buf *out)
{
	metric_print_head(out, "troika_test_always_seconds", METRIC_KIND_SECONDS, "Always there.");
	metric_print_seconds(out, "troika_test_always_seconds", "a=\"b\"", &unnamed);
}
METRIC_COLLECT(add_always);

static void add_own(void *arg, struct buf *out)
{
	metric_print_head(out, "troika_test_own", METRIC_KIND_GAUGE, "Own.");
	metric_print_value(out, "troika_test_own", "", *(int *)arg);
	metric_print_millionths(out, "troika_test_own", "half=\"1\"", -500000);
	metric_print_family(out, row, 2);
}

static void test_asked(void **state)
{
	(void)state;
	int figure = 3, other = 4;
	metric_add(&row[1], 9);
	assert_int_equal(metric_on_collect(add_own, &figure), 0);
	metric_time(&unnamed, 70);
	char *text = collected(true);
	assert_non_null(strstr(text, "# TYPE troika_test_always_seconds histogram\ntroika_test_always_seconds_bucket{a=\"b\",le=\"0.0001\"} 1\n"));
	assert_non_null(strstr(text, "troika_test_always_seconds_sum{a=\"b\"} 0.000070\n"));
	assert_non_null(strstr(text, "# TYPE troika_test_own gauge\ntroika_test_own 3\ntroika_test_own{half=\"1\"} -0.500000\n"
	                             "# HELP troika_test_row_total A row.\n# TYPE troika_test_row_total counter\n"
	                             "troika_test_row_total{n=\"0\"} 0\ntroika_test_row_total{n=\"1\"} 9\n"));
	free(text);
	metric_off_collect(&other);
	metric_off_collect(&figure);
	text = collected(true);
	assert_null(strstr(text, "troika_test_own"));
	free(text);
	for (int i = 0; i < METRIC_COLLECTORS_MAX; i++)
		assert_int_equal(metric_on_collect(add_own, &figure), 0);
	assert_int_equal(metric_on_collect(add_own, &figure), ERR_BUSY);
	metric_off_collect(&figure);
}

static void *count_much(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10000; i++) {
		metric_add(&blue, 1);
		metric_time(&took, (uint64_t)i);
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_much, NULL), 0);
	for (int i = 0; i < 20; i++)
		free(collected(true));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(metric_read_all("troika_test_balls_total"), 40000);
	assert_int_equal(metric_read_all("troika_test_seconds"), 40000);
}

static void test_list(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 0);
	metric_list(&out);
	buf_add_char(&out, '\0');
	assert_non_null(strstr(out.p, "troika_test_balls_total counter: Balls.\ntroika_test_depth gauge: How deep.\n"
	                              "troika_test_seconds histogram: How long.\ntroika_test_z_total counter: Last.\n"));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_format, start_anew), cmocka_unit_test(test_openmetrics), cmocka_unit_test(test_asked),
		cmocka_unit_test_setup(test_threads, start_anew), cmocka_unit_test(test_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
