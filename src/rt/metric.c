#include "rt/metric.h"

#include "base/err.h"
#include "rt/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Where the linker puts the ends of the section; weak, for programs in which nobody counts. */
extern struct metric *const __start_troika_metrics[] __attribute__((weak, visibility("hidden")));
extern struct metric *const __stop_troika_metrics[] __attribute__((weak, visibility("hidden")));
extern void (*const __start_troika_collectors[])(struct buf *out) __attribute__((weak, visibility("hidden")));
extern void (*const __stop_troika_collectors[])(struct buf *out) __attribute__((weak, visibility("hidden")));

static const struct { uint64_t us; const char *text; } bounds[METRIC_BUCKETS - 1] = {
	{ 100, "0.0001" }, { 250, "0.00025" }, { 500, "0.0005" }, { 1000, "0.001" }, { 2500, "0.0025" },
	{ 5000, "0.005" }, { 10000, "0.01" }, { 25000, "0.025" }, { 50000, "0.05" }, { 100000, "0.1" },
	{ 250000, "0.25" }, { 1000000, "1.0" }, { 5000000, "5.0" }, { 15000000, "15.0" }, { 60000000, "60.0" },
};

/* Process-wide by contract. Lock: collect_lock, held while somebody's fn runs: those must not collect. */
static pthread_mutex_t collect_lock = PTHREAD_MUTEX_INITIALIZER;
static struct { void (*fn)(void *arg, struct buf *out); void *arg; } asked[METRIC_COLLECTORS_MAX];
static size_t n_asked;

void metric_add(struct metric *m, int64_t n) { atomic_fetch_add_explicit(&m->value, (uint64_t)n, memory_order_relaxed); }

void metric_set(struct metric *m, int64_t value) { atomic_store_explicit(&m->value, (uint64_t)value, memory_order_relaxed); }

void metric_time(struct metric *m, uint64_t microseconds)
{
	unsigned i = 0;
	while (i < METRIC_BUCKETS - 1 && microseconds > bounds[i].us)
		i++;
	atomic_fetch_add_explicit(&m->bucket[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->value, microseconds, memory_order_relaxed);
}

/* ---- all of them ---- */

static int by_name(const void *a, const void *b)
{
	const struct metric *x = *(struct metric *const *)a, *y = *(struct metric *const *)b;
	int r = strcmp(x->name, y->name);
	return r != 0 ? r : strcmp(x->labels, y->labels);
}

/* Sorted, so that families and equal series stand together; the caller frees. NULL: none, or no memory. */
static struct metric **all_sorted(size_t *n_out)
{
	*n_out = 0;
	/* both ends of one array, made by the linker */
	/* cppcheck-suppress comparePointers ; it cannot know that */
	size_t n = (size_t)(__stop_troika_metrics - __start_troika_metrics);
	struct metric **all = n > 0 ? calloc(n, sizeof(struct metric *)) : NULL;
	if (!all)
		return NULL;
	for (size_t i = 0; i < n; i++)
		all[i] = __start_troika_metrics[i];
	qsort(all, n, sizeof(struct metric *), by_name);
	*n_out = n;
	return all;
}

static uint64_t value_of(const struct metric *m) { return atomic_load_explicit(&m->value, memory_order_relaxed); }

uint64_t metric_times(const struct metric *m)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < METRIC_BUCKETS; i++)
		n += atomic_load_explicit(&m->bucket[i], memory_order_relaxed);
	return n;
}

/* labels NULL: any */
static int64_t sum_of(const char *name, const char *labels)
{
	uint64_t sum = 0;
	for (struct metric *const *p = __start_troika_metrics; p != __stop_troika_metrics; p++) {
		const struct metric *m = *p;
		if (strcmp(m->name, name) == 0 && (!labels || strcmp(m->labels, labels) == 0))
			sum += m->kind == METRIC_KIND_SECONDS ? metric_times(m) : value_of(m);
	}
	return (int64_t)sum;
}

int64_t metric_read(const char *name, const char *labels) { return sum_of(name, labels); }

int64_t metric_read_all(const char *name) { return sum_of(name, NULL); }

int64_t metric_read_seconds(const char *name)
{
	uint64_t sum = 0;
	for (struct metric *const *p = __start_troika_metrics; p != __stop_troika_metrics; p++)
		sum += strcmp((*p)->name, name) == 0 ? value_of(*p) : 0;
	return (int64_t)sum;
}

/* ---- the text format: https://prometheus.io/docs/instrumenting/exposition_formats/ ---- */

static const char *const kind_names[] = {
	[METRIC_KIND_COUNTER] = "counter",
	[METRIC_KIND_GAUGE] = "gauge",
	[METRIC_KIND_SECONDS] = "histogram",
};

void metric_print_head(struct buf *out, const char *name, enum metric_kind kind, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind_names[kind]);
}

static void print_series(struct buf *out, const char *name, const char *suffix, const char *labels, const char *le)
{
	buf_add_c(out, name);
	buf_add_c(out, suffix);
	if (labels[0] || le) {
		buf_add_char(out, '{');
		buf_add_c(out, labels);
		if (le)
			buf_printf(out, "%sle=\"%s\"", labels[0] ? "," : "", le);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ' ');
}

void metric_print_value(struct buf *out, const char *name, const char *labels, int64_t value)
{
	print_series(out, name, "", labels, NULL);
	buf_printf(out, "%lld\n", (long long)value);
}

static void add_millionths(struct buf *out, int64_t value)
{
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
	buf_printf(out, "%s%llu.%06llu\n", value < 0 ? "-" : "", (unsigned long long)(size / 1000000), (unsigned long long)(size % 1000000));
}

void metric_print_millionths(struct buf *out, const char *name, const char *labels, int64_t value)
{
	print_series(out, name, "", labels, NULL);
	add_millionths(out, value);
}

/* What several of the same name and labels add up to. */
struct sum { uint64_t value, bucket[METRIC_BUCKETS]; };

static void sum_add(struct sum *s, const struct metric *m)
{
	s->value += value_of(m);
	for (unsigned i = 0; i < METRIC_BUCKETS; i++)
		s->bucket[i] += atomic_load_explicit(&m->bucket[i], memory_order_relaxed);
}

static void print_buckets(struct buf *out, const char *name, const char *labels, const struct sum *s)
{
	uint64_t below = 0;
	for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
		below += s->bucket[i];
		print_series(out, name, "_bucket", labels, i < METRIC_BUCKETS - 1 ? bounds[i].text : "+Inf");
		buf_printf(out, "%llu\n", (unsigned long long)below);
	}
	print_series(out, name, "_sum", labels, NULL);
	add_millionths(out, (int64_t)s->value);
	print_series(out, name, "_count", labels, NULL);        /* of what the buckets said: the line +Inf must be equal */
	buf_printf(out, "%llu\n", (unsigned long long)below);
}

void metric_print_seconds(struct buf *out, const char *name, const char *labels, const struct metric *m)
{
	struct sum s = { 0 };
	sum_add(&s, m);
	print_buckets(out, name, labels, &s);
}

static void print_sum(struct buf *out, const struct metric *m, const struct sum *s)
{
	if (m->kind == METRIC_KIND_SECONDS)
		print_buckets(out, m->name, m->labels, s);
	else
		metric_print_value(out, m->name, m->labels, (int64_t)s->value);
}

void metric_print_family(struct buf *out, const struct metric *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sum s = { 0 };
		sum_add(&s, &m[i]);
		if (i == 0)
			metric_print_head(out, m->name, m->kind, m->help);
		print_sum(out, &m[i], &s);
	}
}

static void print_all(struct buf *out)
{
	size_t n;
	struct metric **all = all_sorted(&n);
	for (size_t i = 0; i < n;) {
		const struct metric *first = all[i];
		if (i == 0 || strcmp(all[i - 1]->name, first->name) != 0)
			metric_print_head(out, first->name, first->kind, first->help);
		struct sum s = { 0 };
		for (; i < n && by_name(&all[i], &first) == 0; i++)
			sum_add(&s, all[i]);
		print_sum(out, first, &s);
	}
	free(all);
}

/* ---- those that are asked ---- */

int metric_on_collect(void (*fn)(void *arg, struct buf *out), void *arg)
{
	pthread_mutex_lock(&collect_lock);
	int r = n_asked < METRIC_COLLECTORS_MAX ? 0 : ERR_BUSY;
	if (r == 0) {
		asked[n_asked].fn = fn;
		asked[n_asked++].arg = arg;
	}
	pthread_mutex_unlock(&collect_lock);
	return r;
}

void metric_off_collect(void *arg)
{
	pthread_mutex_lock(&collect_lock);
	size_t kept = 0;
	for (size_t i = 0; i < n_asked; i++)
		if (asked[i].arg != arg)
			asked[kept++] = asked[i];
	n_asked = kept;
	pthread_mutex_unlock(&collect_lock);
}

void metric_collect(struct buf *out)
{
	pthread_mutex_lock(&collect_lock);
	print_all(out);
	for (void (*const *fn)(struct buf *) = __start_troika_collectors; fn != __stop_troika_collectors; fn++)
		(*fn)(out);
	for (size_t i = 0; i < n_asked; i++)
		asked[i].fn(asked[i].arg, out);
	pthread_mutex_unlock(&collect_lock);
}

/* ---- other views ---- */

/* "# TYPE name_total counter" and its HELP line, split around "_total". */
static bool is_counter_head(struct str line, struct str *before_out, struct str *after_out)
{
	if (!str_starts(line, STR("# TYPE ")) && !str_starts(line, STR("# HELP ")))
		return false;
	struct str name, after;
	if (!str_cut(str_from(line, 7), ' ', &name, &after) || name.n < 6 || !str_eq(str_from(name, name.n - 6), STR("_total")))
		return false;
	*before_out = str_sub(line, 0, 7 + name.n - 6);
	*after_out = str_from(line, 7 + name.n);
	return true;
}

void metric_to_openmetrics(struct str text, struct buf *out)
{
	struct str line, before, after;
	while (text.n > 0) {
		str_cut(text, '\n', &line, &text);
		if (is_counter_head(line, &before, &after)) {
			buf_add_str(out, before);
			buf_add_str(out, after);
		} else {
			buf_add_str(out, line);
		}
		buf_add_char(out, '\n');
	}
	buf_add_lit(out, "# EOF\n");
}

void metric_list(struct buf *out)
{
	size_t n;
	struct metric **all = all_sorted(&n);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(all[i - 1]->name, all[i]->name) != 0)
			buf_printf(out, "%s %s: %s\n", all[i]->name, kind_names[all[i]->kind], all[i]->help);
	free(all);
}
