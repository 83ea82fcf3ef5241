/* The process as the kernel and the allocator see it. */
#include "app/monitor_inside.h"

#include "base/num.h"
#include "rt/metric.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* jemalloc's, where it is linked in (mallctl(3)). */
int mallctl(const char *name, void *old, size_t *old_size, void *fresh, size_t fresh_size) __attribute__((weak));

void process_open(struct process_files *p)
{
	p->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	p->fds = opendir("/proc/self/fd");
	pthread_mutex_init(&p->lock, NULL);
}

void process_close(struct process_files *p)
{
	if (p->statm_fd >= 0)
		close(p->statm_fd);
	if (p->fds)
		closedir(p->fds);
	pthread_mutex_destroy(&p->lock);
}

/* statm: "size resident ..." in pages. */
static uint64_t read_resident(int fd)
{
	char text[128];
	ssize_t n = fd >= 0 ? pread(fd, text, sizeof text, 0) : 0;
	struct str size, rest, resident;
	uint64_t pages = 0;
	if (n > 0 && str_cut(str_make(text, (size_t)n), ' ', &size, &rest) && str_cut(rest, ' ', &resident, &rest))
		num_parse_u64(resident, &pages);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t count_files(struct process_files *p)
{
	uint64_t n = 0;
	if (!p->fds)
		return 0;
	pthread_mutex_lock(&p->lock);
	rewinddir(p->fds);
	for (const struct dirent *e; (e = readdir(p->fds));)
		n += e->d_name[0] != '.';
	pthread_mutex_unlock(&p->lock);
	return n;
}

static uint64_t ask_allocator(const char *name)
{
	size_t value = 0, size = sizeof value;
	return mallctl && mallctl(name, &value, &size, NULL, 0) == 0 ? value : 0;
}

void process_read(struct process_files *p, struct process_figures *out)
{
	struct rusage u = { 0 };
	struct rlimit limit = { 0 };
	uint64_t epoch = 1;
	getrusage(RUSAGE_SELF, &u);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (mallctl)
		mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);        /* the figures are of the newest one */
	*out = (struct process_figures){
		.resident_bytes = read_resident(p->statm_fd),
		.open_files = count_files(p),
		.max_files = limit.rlim_cur,
		.allocated_bytes = ask_allocator("stats.allocated"),
		.mapped_bytes = ask_allocator("stats.mapped"),
		.cpu_us = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) + u.ru_utime.tv_usec + u.ru_stime.tv_usec,
	};
}

static void gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
	metric_print_head(out, name, METRIC_KIND_GAUGE, help);
	metric_print_value(out, name, "", (int64_t)value);
}

/* The names that Prometheus' own clients have for these. */
void process_collect(struct process_files *p, int64_t started, struct buf *out)
{
	struct process_figures f;
	process_read(p, &f);
	gauge(out, "process_resident_memory_bytes", "Memory in use.", f.resident_bytes);
	gauge(out, "process_open_fds", "File descriptors in use.", f.open_files);
	gauge(out, "process_max_fds", "File descriptors that are allowed.", f.max_files);
	gauge(out, "process_start_time_seconds", "When the server was started, unix time.", (uint64_t)started);
	metric_print_head(out, "process_cpu_seconds_total", METRIC_KIND_COUNTER, "Processor time.");
	metric_print_millionths(out, "process_cpu_seconds_total", "", f.cpu_us);
	if (!mallctl)
		return;
	gauge(out, "troika_memory_allocated_bytes", "Memory that the program asked for (jemalloc).", f.allocated_bytes);
	gauge(out, "troika_memory_active_bytes", "Pages with such memory in them.", ask_allocator("stats.active"));
	gauge(out, "troika_memory_metadata_bytes", "Memory for the allocator's own books.", ask_allocator("stats.metadata"));
	gauge(out, "troika_memory_mapped_bytes", "Memory that the allocator got from the kernel.", f.mapped_bytes);
}
