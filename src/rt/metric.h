/* Figures for who watches from outside: counters, gauges and histograms, each a static object in the file that counts, found by all through a
 * section of the program. Any thread; counting is one relaxed addition. Process-wide, like the log.
 *
 *     METRIC_COUNTER(refused, "troika_rt_refused_total", "why=\"too many connections\"", "Connections refused at once.");
 *     ... metric_add(&refused, 1);
 *
 * Names: troika_ROOM_WHAT, counters end in _total, seconds and bytes are the units (https://prometheus.io/docs/practices/naming/). Every limit that is hit,
 * every refusal and every slow operation has one. What depends on a peer's choice (names, addresses) is no label. The same name and labels may stand in
 * several files: they are shown as one sum. Those of one name say the same kind and help. */
#ifndef RT_METRIC_H
#define RT_METRIC_H

#include "base/buf.h"

#include <stdint.h>

enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE, METRIC_KIND_SECONDS };
#define METRIC_BUCKETS 16                         /* of METRIC_KIND_SECONDS: bounds in metric.c, 100 us to 60 s, and all above */

struct metric {
	const char *name, *labels, *help;             /* labels: "" or "key=\"value\",..." without braces */
	enum metric_kind kind;
	_Atomic uint64_t value;                       /* of a gauge: an int64_t; of seconds: their sum in microseconds */
	_Atomic uint64_t bucket[METRIC_BUCKETS];      /* of seconds: how many fell into it, and into no lower one */
};
#define METRIC_INIT(kind_, name_, labels_, help_) { .name = (name_), .labels = (labels_), .help = (help_), .kind = (kind_) }
#define METRIC_DEFINE(id, kind_, name_, labels_, help_) \
	static struct metric id = METRIC_INIT(kind_, name_, labels_, help_); \
	static struct metric *const id##_in_section __attribute__((section("troika_metrics"), used)) = &id
#define METRIC_COUNTER(id, name, labels, help) METRIC_DEFINE(id, METRIC_KIND_COUNTER, name, labels, help)
#define METRIC_GAUGE(id, name, labels, help) METRIC_DEFINE(id, METRIC_KIND_GAUGE, name, labels, help)
#define METRIC_SECONDS(id, name, labels, help) METRIC_DEFINE(id, METRIC_KIND_SECONDS, name, labels, help)

void metric_add(struct metric *m, int64_t n);
void metric_set(struct metric *m, int64_t value);
void metric_time(struct metric *m, uint64_t microseconds);

/* What was counted under exactly this name and these labels, of seconds how often; 0 when there is none. Walks through all: for tests and pages. */
int64_t metric_read(const char *name, const char *labels);
/* The sum over all labels; and that of the time, in microseconds. */
int64_t metric_read_all(const char *name);
int64_t metric_read_seconds(const char *name);

/* Figures that are asked for when somebody looks: fn appends whole lines of the text format, families that nobody else shows. A few, and with none of the
 * locks held that fn takes. ERR_BUSY: there are METRIC_COLLECTORS_MAX already. */
int metric_on_collect(void (*fn)(void *arg, struct buf *out), void *arg);
void metric_off_collect(void *arg);               /* those with this arg; when no collection runs any more */
/* The same in every program that holds the file. Not for what ends before the program does. */
#define METRIC_COLLECT(fn) \
	static void (*const fn##_in_section)(struct buf *out) __attribute__((section("troika_collectors"), used)) = fn
/* For such an fn: a family's head, one of its lines (of a value that is a whole number, or millionths), and a family of metrics that lie in an array. */
void metric_print_head(struct buf *out, const char *name, enum metric_kind kind, const char *help);
void metric_print_value(struct buf *out, const char *name, const char *labels, int64_t value);
void metric_print_millionths(struct buf *out, const char *name, const char *labels, int64_t value);
void metric_print_family(struct buf *out, const struct metric *m, size_t n);
/* The lines of one histogram, whatever it is called; *m needs no name. */
void metric_print_seconds(struct buf *out, const char *name, const char *labels, const struct metric *m);
uint64_t metric_times(const struct metric *m);    /* how often metric_time was called on it */

/* All of them in the Prometheus text format, version 0.0.4. */
void metric_collect(struct buf *out);
/* That text as OpenMetrics 1.0.0: the family of a counter is named without _total, and the end is marked. */
void metric_to_openmetrics(struct str text, struct buf *out);
/* The registry: one line a family, "name kind: help", sorted. */
void metric_list(struct buf *out);

#endif
