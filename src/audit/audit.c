#include "audit/audit.h"

#include "audit/inside.h"
#include "audit/limits.h"
#include "audit/line.h"
#include "base/clock.h"
#include "base/num.h"
#include "rt/fault.h"
#include "rt/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_S 86400
#define MINUTE_MS 60000

/* Process-wide by contract, like the log: one process, one trail. */
static struct {
	_Atomic int dir;                     /* DIR/audit, -1: closed */
	_Atomic unsigned keep_days;
	_Atomic int64_t day;                 /* that was cleaned up at last */
	char who[128];                       /* "root(0)"; written before there are threads */
	pthread_mutex_t lock;                /* the three below */
	int64_t minute;
	unsigned refusals;                   /* listed in that minute */
	uint64_t unlisted;
} trail = { .dir = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- who ---- */

static void add_user(struct buf *out, uid_t uid)
{
	struct passwd pw, *found = NULL;
	char text[4096];
	getpwuid_r(uid, &pw, text, sizeof(text), &found);
	buf_printf(out, "%s(%u)", found ? found->pw_name : "", (unsigned)uid);
}

/* Who logged in to the machine, whatever became of it since (sudo, su); the kernel knows. False: nobody did. */
static bool login_uid(uid_t *out)
{
	char text[32];
	uint32_t uid;
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (fd >= 0)
		close(fd);
	if (n <= 0 || !num_parse_u32(str_trim(str_make(text, (size_t)n)), &uid) || uid == UINT32_MAX)
		return false;
	*out = uid;
	return true;
}

void audit_who(void)
{
	struct buf b = BUF_INIT(sizeof(trail.who) - 1);
	uid_t login;
	add_user(&b, getuid());
	if (login_uid(&login) && login != getuid()) {
		buf_add_lit(&b, " by ");
		add_user(&b, login);
	}
	str_copy_c(trail.who, sizeof(trail.who), buf_str(&b));
	buf_fini(&b);
}

/* ---- days ---- */

int64_t audit_day(int64_t now_s) { return now_s / DAY_S; }

void audit_file_name(int64_t day, char out[AUDIT_FILE_NAME])
{
	struct civil c = civil_from_unix(day * DAY_S);
	snprintf(out, AUDIT_FILE_NAME, "%04d-%02d-%02d.jsonl", c.year, c.month, c.day);
}

bool audit_file_day(const char *name, int64_t *day_out)
{
	struct civil c = { .year = 0 };
	uint32_t year, month, day;
	char again[AUDIT_FILE_NAME];
	struct str s = str_from_c(name);
	if (s.n != AUDIT_FILE_NAME - 1 || !num_parse_u32(str_sub(s, 0, 4), &year) || !num_parse_u32(str_sub(s, 5, 2), &month) || !num_parse_u32(str_sub(s, 8, 2), &day))
		return false;
	c.year = (int)year;
	c.month = (int)month;
	c.day = (int)day;
	*day_out = civil_to_unix(&c) / DAY_S;
	audit_file_name(*day_out, again);
	return str_eq(s, str_from_c(again));
}

/* Only what is named as we name it: a copy that somebody put there stays. */
static void clean_up(int dir, int64_t today, unsigned keep_days)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *f; (f = readdir(d));) {
		int64_t day;
		if (!audit_file_day(f->d_name, &day) || day >= today - (int64_t)keep_days)
			continue;
		if (unlinkat(dir, f->d_name, 0) == 0)
			log_event(LOG_INFO, "audit.dropped", LOG_LIST(LOG_C("file", f->d_name)));
	}
	closedir(d);
}

/* Whoever comes first in a day. */
static void clean_up_due(int dir, int64_t today)
{
	int64_t last = atomic_load_explicit(&trail.day, memory_order_relaxed);
	unsigned keep_days = atomic_load_explicit(&trail.keep_days, memory_order_relaxed);
	if (keep_days && last != today && atomic_compare_exchange_strong(&trail.day, &last, today))
		clean_up(dir, today, keep_days);
}

/* ---- writing ---- */

/* A line that a full disk or a power cut left half must not swallow ours. */
static bool ends_torn(int fd)
{
	struct stat st;
	char last;
	return fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

static int write_line(int dir, int64_t today, struct str line)
{
	char name[AUDIT_FILE_NAME], text[AUDIT_LINE_MAX + 1];
	audit_file_name(today, name);
	/* opened anew each time: who moves or deletes a file gets a new one */
	int fd = openat(dir, name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	size_t n = 0;
	if (ends_torn(fd))
		text[n++] = '\n';
	memcpy(text + n, line.p, line.n);
	n += line.n;
	ssize_t done = fault_hit("audit.write") ? (ssize_t)(n / 2) : -2;
	done = write(fd, text, done >= 0 ? (size_t)done : n);
	int error = done == (ssize_t)n ? 0 : done < 0 ? errno : ENOSPC;
	close(fd);
	return error;
}

static void append(struct buf *line)
{
	int dir = atomic_load_explicit(&trail.dir, memory_order_acquire);
	int64_t today = audit_day(clock_now());
	int error = line->failed || line->n > AUDIT_LINE_MAX ? ENOMEM : 0;
	if (dir >= 0) {
		clean_up_due(dir, today);
		if (!error)
			error = write_line(dir, today, buf_str(line));
		if (error)
			log_event(LOG_ERROR, "audit.failed", LOG_LIST(LOG_C("error", strerror(error)), LOG_S("line", str_trim(buf_str(line)))));
	}
	buf_fini(line);
}

static bool is_open(void) { return atomic_load_explicit(&trail.dir, memory_order_acquire) >= 0; }

/* May one more refusal be listed? *unlisted_out: to be told before it. */
static bool list_refusal(int64_t now_ms, uint64_t *unlisted_out)
{
	*unlisted_out = 0;
	pthread_mutex_lock(&trail.lock);
	if (trail.minute != now_ms / MINUTE_MS) {
		trail.minute = now_ms / MINUTE_MS;
		trail.refusals = 0;
		*unlisted_out = trail.unlisted;
		trail.unlisted = 0;
	}
	bool may = trail.refusals < AUDIT_REFUSALS_PER_MINUTE;
	trail.refusals += may;
	trail.unlisted += !may;
	pthread_mutex_unlock(&trail.lock);
	return may;
}

static void tell_unlisted(uint64_t n)
{
	struct buf line = BUF_INIT(AUDIT_LINE_MAX + 1);
	if (!n)
		return;
	audit_line_unlisted(&line, clock_now_ms(), n);
	append(&line);
}

static bool may_list(int64_t now_ms)
{
	uint64_t unlisted;
	bool may = list_refusal(now_ms, &unlisted);
	tell_unlisted(unlisted);
	return may;
}

void audit_login(const struct audit_login *l)
{
	struct buf line = BUF_INIT(AUDIT_LINE_MAX + 1);
	int64_t now = clock_now_ms();
	if (!is_open())
		return;
	if (!l->ok && !may_list(now))
		return;
	audit_line_login(&line, now, l);
	append(&line);
}

void audit_act(struct str actor, const char *protocol, const char *what, struct str object, struct str detail, int result)
{
	struct buf line = BUF_INIT(AUDIT_LINE_MAX + 1), process = BUF_INIT(0);
	if (!is_open())
		return;
	/* who asks over a protocol for what is denied could fill the disk otherwise */
	if (result && strcmp(protocol, "cli") != 0 && !may_list(clock_now_ms()))
		return;
	buf_printf(&process, "%s:%s", protocol, trail.who);
	audit_line_act(&line, clock_now_ms(), actor.n ? actor : buf_str(&process), protocol, what, object, detail, result);
	append(&line);
	buf_fini(&process);
}

/* ---- opening ---- */

int audit_open(const char *dir, unsigned keep_days, struct err *e)
{
	int parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return err_from_errno(e, errno, "cannot open %s", dir);
	int fd = mkdirat(parent, "audit", 0700) && errno != EEXIST ? -1 : openat(parent, "audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 ? err_from_errno(e, errno, "cannot open %s/audit", dir) : 0;
	close(parent);
	if (r)
		return r;
	if (!trail.who[0])
		audit_who();
	atomic_store(&trail.keep_days, keep_days);
	atomic_store(&trail.day, 0);
	int old = atomic_exchange(&trail.dir, fd);
	if (old >= 0)
		close(old);
	clean_up_due(fd, audit_day(clock_now()));
	return 0;
}

void audit_set_keep_days(unsigned keep_days)
{
	if (atomic_exchange(&trail.keep_days, keep_days) != keep_days)
		atomic_store(&trail.day, 0);
}

void audit_close(void)
{
	pthread_mutex_lock(&trail.lock);
	uint64_t unlisted = trail.unlisted;
	trail.unlisted = 0;
	pthread_mutex_unlock(&trail.lock);
	tell_unlisted(unlisted);
	int old = atomic_exchange(&trail.dir, -1);
	if (old >= 0)
		close(old);
}
