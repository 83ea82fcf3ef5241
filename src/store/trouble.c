#include "store/trouble.h"

#include "base/clock.h"
#include "base/err.h"
#include "rt/log.h"
#include "rt/metric.h"
#include "store/limits.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define NAME "troika_store_errors_total"
#define HELP "Calls that failed by the machine's fault."
#define OF(call, cause) "call=\"" call "\",why=\"" cause "\""
METRIC_COUNTER(commit_space, NAME, OF("commit", "no space"), HELP);
METRIC_COUNTER(commit_io, NAME, OF("commit", "io"), HELP);
METRIC_COUNTER(commit_memory, NAME, OF("commit", "no memory"), HELP);
METRIC_COUNTER(commit_unknown, NAME, OF("commit", "unknown"), HELP);
METRIC_COUNTER(commit_corrupt, NAME, OF("commit", "corrupt"), HELP);
METRIC_COUNTER(put_space, NAME, OF("put", "no space"), HELP);
METRIC_COUNTER(put_io, NAME, OF("put", "io"), HELP);
METRIC_COUNTER(put_memory, NAME, OF("put", "no memory"), HELP);
METRIC_COUNTER(read_io, NAME, OF("read", "io"), HELP);
METRIC_COUNTER(read_busy, NAME, OF("read", "too many readers"), HELP);
METRIC_COUNTER(read_memory, NAME, OF("read", "no memory"), HELP);
METRIC_COUNTER(read_corrupt, NAME, OF("read", "corrupt"), HELP);
METRIC_COUNTER(blob_io, NAME, OF("blob", "io"), HELP);
METRIC_COUNTER(blob_memory, NAME, OF("blob", "no memory"), HELP);
METRIC_COUNTER(blob_corrupt, NAME, OF("blob", "corrupt"), HELP);

METRIC_SECONDS(index_seconds, "troika_store_sync_seconds", "what=\"index\"", "Time until written data was safe.");
METRIC_SECONDS(blob_seconds, "troika_store_sync_seconds", "what=\"blobs\"", "Time until written data was safe.");
METRIC_COUNTER(slow_index, "troika_store_slow_syncs_total", "what=\"index\"", "Syncs that took a second or longer.");
METRIC_COUNTER(slow_blobs, "troika_store_slow_syncs_total", "what=\"blobs\"", "Syncs that took a second or longer.");

int store_trouble(enum store_call call, int rc)
{
	static const struct { enum store_call call; int code; struct metric *m; } rows[] = {
		{ STORE_CALL_COMMIT, ERR_NO_SPACE, &commit_space }, { STORE_CALL_COMMIT, ERR_IO, &commit_io },
		{ STORE_CALL_COMMIT, ERR_NO_MEMORY, &commit_memory }, { STORE_CALL_COMMIT, ERR_UNKNOWN, &commit_unknown },
		{ STORE_CALL_COMMIT, ERR_CORRUPT, &commit_corrupt },
		{ STORE_CALL_PUT, ERR_NO_SPACE, &put_space }, { STORE_CALL_PUT, ERR_IO, &put_io }, { STORE_CALL_PUT, ERR_NO_MEMORY, &put_memory },
		{ STORE_CALL_READ, ERR_IO, &read_io }, { STORE_CALL_READ, ERR_BUSY, &read_busy }, { STORE_CALL_READ, ERR_NO_MEMORY, &read_memory },
		{ STORE_CALL_READ, ERR_CORRUPT, &read_corrupt },
		{ STORE_CALL_BLOB, ERR_IO, &blob_io }, { STORE_CALL_BLOB, ERR_NO_MEMORY, &blob_memory }, { STORE_CALL_BLOB, ERR_CORRUPT, &blob_corrupt },
	};
	if (rc >= 0 || err_class(rc) == ERR_CLASS_CLIENT)
		return rc;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].call == call && rows[i].code == rc)
			metric_add(rows[i].m, 1);
	}
	return rc;
}

/* ---- damaged values ---- */

METRIC_GAUGE(damaged, "troika_store_damaged_records", "", "Records that failed their checksum since the start, each counted once.");

void store_damaged(const char *what, uint32_t sum)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static uint32_t known[STORE_DAMAGED_MAX];
	static size_t n;
	bool fresh = true;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n; i++)
		fresh &= known[i] != sum;
	fresh &= n < STORE_DAMAGED_MAX;
	if (fresh)
		known[n++] = sum;
	metric_set(&damaged, (int64_t)n);
	pthread_mutex_unlock(&lock);
	if (fresh)
		log_event(LOG_ERROR, "store.damaged-record", LOG_LIST(LOG_C("key", what), LOG_C("means", "it is refused; everything else goes on"),
															 LOG_C("cure", "troika check --repair")));
}

void store_synced(enum store_sync what, uint64_t began_us)
{
	uint64_t took = clock_mono_us() - began_us;
	metric_time(what == STORE_SYNC_INDEX ? &index_seconds : &blob_seconds, took);
	if (took < STORE_SLOW_SYNC_MS * UINT64_C(1000))
		return;
	metric_add(what == STORE_SYNC_INDEX ? &slow_index : &slow_blobs, 1);
	log_event(LOG_WARN, "store.slow-sync", LOG_LIST(LOG_C("what", what == STORE_SYNC_INDEX ? "index" : "blobs"), LOG_U("ms", took / 1000)));
}
