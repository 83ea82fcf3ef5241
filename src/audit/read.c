#include "audit/read.h"

#include "audit/inside.h"
#include "audit/limits.h"
#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct days {
	int64_t *v;
	size_t n, cap;
};

static int by_day(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static int add_day(struct days *d, int64_t day)
{
	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 64;
		int64_t *v = realloc(d->v, cap * sizeof(*v));
		if (!v)
			return ERR_NO_MEMORY;
		d->v = v;
		d->cap = cap;
	}
	d->v[d->n++] = day;
	return 0;
}

static int list_days(int dir, int64_t from, struct days *out)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	for (struct dirent *f; code == 0 && (f = readdir(d));) {
		int64_t day;
		if (audit_file_day(f->d_name, &day) && day >= from)
			code = add_day(out, day);
	}
	closedir(d);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_day);
	return code;
}

static bool matches(const struct audit_filter *f, const struct audit_event *x, const char *since)
{
	if (f->user.n && !str_ieq(f->user, x->user) && !str_ieq(f->user, x->actor) && !str_ieq(f->user, x->object))
		return false;
	if (f->ip.n && !str_ieq(f->ip, x->ip))
		return false;
	/* times are of one width, so that they compare as text */
	return (!f->failed || !x->ok) && (!since[0] || str_cmp(x->time, str_from_c(since)) >= 0);
}

static void format_since(int64_t ms, char *out, size_t size)
{
	struct civil t = civil_from_unix(ms / 1000);
	out[0] = '\0';
	if (ms)
		snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.year, t.month, t.day, t.hour, t.minute, t.second, (int)(ms % 1000));
}

struct reading {
	const struct audit_filter *filter;
	audit_trail_fn *fn;
	void *arg;
	char since[64];
	uint64_t bad;
};

static int read_file(struct reading *x, FILE *in)
{
	struct arena a = ARENA_INIT(0);
	char *text = NULL;
	size_t cap = 0;
	int code = 0;
	for (ssize_t n; code == 0 && (n = getline(&text, &cap, in)) > 0;) {
		struct str line = str_make(text, (size_t)n);
		struct audit_event event;
		if (line.p[line.n - 1] == '\n')
			line.n--;
		int bad = line.n ? audit_line_parse(&a, line, &event) : ERR_CORRUPT;
		if (bad == ERR_NO_MEMORY)
			code = bad;
		else if (bad)
			x->bad += line.n > 0;
		else if (matches(x->filter, &event, x->since))
			code = x->fn(x->arg, &event, line);
		arena_reset(&a);
	}
	free(text);
	arena_fini(&a);
	return code;
}

int audit_trail_read(const char *dir, const struct audit_filter *f, audit_trail_fn *fn, void *arg, uint64_t *bad_out, struct err *e)
{
	struct reading x = { .filter = f, .fn = fn, .arg = arg };
	struct days days = { 0 };
	char path[4096];
	*bad_out = 0;
	snprintf(path, sizeof(path), "%s/audit", dir);
	int d = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d < 0)
		return err_from_errno(e, errno, "cannot open %s", path);
	format_since(f->since_ms, x.since, sizeof(x.since));
	int code = list_days(d, f->since_ms ? audit_day(f->since_ms / 1000) : INT64_MIN, &days);
	for (size_t i = 0; code == 0 && i < days.n; i++) {
		char name[AUDIT_FILE_NAME];
		audit_file_name(days.v[i], name);
		int fd = openat(d, name, O_RDONLY | O_CLOEXEC);
		FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
		if (!in) {
			if (fd >= 0)
				close(fd);
			code = errno == ENOENT ? 0 : err_from_errno(e, errno, "cannot read %s/%s", path, name);      /* its days were over */
			continue;
		}
		code = read_file(&x, in);
		(void)fclose(in);
	}
	*bad_out = x.bad;
	free(days.v);
	close(d);
	return code;
}
