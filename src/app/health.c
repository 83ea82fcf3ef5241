#include "app/health.h"

#include "app/json.h"
#include "base/clock.h"
#include "rt/log.h"
#include "rt/metric.h"
#include "rt/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TICK_LATE_MS 10000u              /* no tick for so long: the workers stand still */
#define PROBE_LATE_MS 30000u             /* the disk answers no more */
#define WRITE_ERROR_MS 10000u            /* how long a failed write of the store counts */
#define PROBE_BYTES (256 << 10)

/* A damaged record is refused, and that alone: store_damaged tells of it. */
static int64_t count_write_errors(void)
{
	static const char name[] = "troika_store_errors_total";
	return metric_read_all(name) - metric_read(name, "call=\"read\",why=\"corrupt\"") - metric_read(name, "call=\"commit\",why=\"corrupt\"") -
		   metric_read(name, "call=\"blob\",why=\"corrupt\"");
}

static void note_write_errors(struct health *h)
{
	int64_t now = count_write_errors();
	/* the counters are read one after the other: a record that is refused in between makes it one too few, which is no news when it is there again */
	if (now <= h->write_errors)
		return;
	h->write_error_ms = clock_mono_ms();
	h->write_errors = now;
}

void health_init(struct health *h, const struct house *house, struct mailroute *route, struct server *server)
{
	*h = (struct health){ .house = house, .route = route, .server = server, .began_ms = clock_mono_ms() };
	h->write_errors = count_write_errors();
}

static int ask_store(struct store *s)
{
	struct store_read *r;
	int rc = store_begin(s, (struct store_scope){ .kind = STORE_SYSTEM }, &r);
	if (rc == 0)
		store_version(r);
	store_end(&r);
	return rc;
}

void health_tick(void *health)
{
	struct health *h = health;
	h->store_error = ask_store(h->house->store);
	note_write_errors(h);
	h->tick_ms = clock_mono_ms();
	if (!h->notified) {
		supervisor_tell("READY=1");
		h->notified = true;
	}
	if (h->store_error == 0 && supervisor_watchdog_ms() > 0)
		supervisor_tell("WATCHDOG=1");
}

/* Room is asked for, and given back at once: in a file without a name where the file system has such, so that a crash leaves nothing. */
static int probe_disk(const char *dir)
{
	char path[1024];
	if (!house_path(dir, "spool", path, sizeof path))
		return ERR_TOO_BIG;
	int fd = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR) && house_path(dir, "spool/probe", path, sizeof path)) {
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0)
		return err_from_errno(NULL, errno, "probe");
	int failed = posix_fallocate(fd, 0, PROBE_BYTES);
	char byte = 1;
	if (!failed && pwrite(fd, &byte, 1, PROBE_BYTES - 1) != 1)
		failed = errno ? errno : EIO;
	close(fd);
	return failed ? err_from_errno(NULL, failed, "probe") : 0;
}

void health_probe(void *health)
{
	struct health *h = health;
	int before = h->disk_error, now = probe_disk(h->house->dir);
	h->disk_error = now;
	h->probe_ms = clock_mono_ms();
	if (now && !before)
		log_event(LOG_ERROR, "health.disk", LOG_LIST(LOG_C("why", err_text(now)), LOG_C("means", "mail is refused until this ends")));
	else if (before && !now)
		log_event(LOG_NOTICE, "health.disk", LOG_LIST(LOG_C("why", "well again")));
}

/* ---- telling ---- */

static bool add_check(struct buf *out, const char *name, const char *why)
{
	json_add_comma(out);
	buf_add_char(out, '{');
	json_add_member(out, "name", str_from_c(name));
	json_add_bool(out, "ok", !why);
	if (why)
		json_add_member(out, "why", str_from_c(why));
	buf_add_char(out, '}');
	return !why;
}

/* Before the first one it counts from the start. */
static bool is_late(uint64_t last_ms, uint64_t began_ms, uint64_t limit) { return clock_mono_ms() - (last_ms ? last_ms : began_ms) > limit; }

static bool add_alive(struct health *h, struct buf *out)
{
	bool ok = add_check(out, "workers", is_late(h->tick_ms, h->began_ms, TICK_LATE_MS) ? "no worker has run for long" : NULL);
	int rc = h->store_error;
	return add_check(out, "store", rc ? err_text(rc) : NULL) && ok;
}

static const char *disk_trouble(const struct health *h)
{
	if (is_late(h->probe_ms, h->began_ms, PROBE_LATE_MS))
		return "the disk does not answer";
	if (h->disk_error)
		return err_text(h->disk_error);
	uint64_t failed = h->write_error_ms;
	return failed && clock_mono_ms() - failed < WRITE_ERROR_MS ? "the store could not do its work a moment ago" : NULL;
}

static const char *queue_trouble(struct health *h)
{
	struct outbound *o = h->route->outbound;
	struct outbound_stats st;
	if (!o)
		return "not started";
	outbound_stats(o, &st);
	return st.threads == 0 ? "no thread delivers" : NULL;
}

/* What has to be mended while everybody else is served: no reason for a restart, nor for sending mail elsewhere. True when there is nothing. */
static bool add_warning(struct buf *out, const char *name, const char *metric, const char *what)
{
	int64_t n = metric_read_all(metric);
	char text[160];
	json_add_comma(out);
	buf_add_char(out, '{');
	json_add_member(out, "name", str_from_c(name));
	json_add_bool(out, "ok", true);
	int len = snprintf(text, sizeof text, "%lld %s: troika check", (long long)n, what);
	if (n)
		json_add_member(out, "warning", str_make(text, (size_t)len));
	buf_add_char(out, '}');
	return n == 0;
}

static unsigned finish(struct buf *out, bool ok)
{
	bool sound = add_warning(out, "records", "troika_store_damaged_records", "records fail their checksums and are refused");
	sound &= add_warning(out, "index", "troika_store_index_faults", "places of the index are damaged");
	buf_add_lit(out, "]");
	json_add_member(out, "status", !ok ? STR("failed") : sound ? STR("ok") : STR("degraded"));
	buf_add_lit(out, "}\n");
	return ok ? 200 : 503;
}

unsigned health_alive(struct health *h, struct buf *out)
{
	buf_add_lit(out, "{\"checks\":[");
	return finish(out, add_alive(h, out));
}

unsigned health_ready(struct health *h, struct buf *out)
{
	struct server_stats st;
	int64_t expires = server_tls_expires(h->server);
	server_stats(h->server, &st);
	buf_add_lit(out, "{\"checks\":[");
	bool ok = add_alive(h, out);
	ok &= add_check(out, "listeners", st.listeners == 0 ? "there are none" : NULL);
	ok &= add_check(out, "draining", server_is_stopping(h->server) ? "the server is going down" : NULL);
	ok &= add_check(out, "disk", disk_trouble(h));
	ok &= add_check(out, "queue", queue_trouble(h));
	ok &= add_check(out, "certificate", expires && expires <= clock_now() ? "it has expired" : NULL);
	return finish(out, ok);
}
