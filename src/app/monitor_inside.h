/* Of monitor*.c alone. */
#ifndef APP_MONITOR_INSIDE_H
#define APP_MONITOR_INSIDE_H

#include "app/monitor.h"

#include <dirent.h>
#include <pthread.h>

struct process_files {
	int statm_fd;                    /* opened at once: the file system may be out of reach later */
	DIR *fds;
	pthread_mutex_t lock;            /* a leaf: fds */
};

struct monitor {
	struct monitor_parts parts;
	struct health health;
	char hostname[256];
	int64_t started;                 /* unix seconds */
	uint64_t started_ms;
	struct process_files process;
	struct http_route routes[5];
	struct http_service service;
};

/* monitor_process.c */
void process_open(struct process_files *p);
void process_close(struct process_files *p);
struct process_figures { uint64_t resident_bytes, open_files, max_files, allocated_bytes, mapped_bytes; int64_t cpu_us; };
void process_read(struct process_files *p, struct process_figures *out);
void process_collect(struct process_files *p, int64_t started, struct buf *out);

/* monitor_figures.c: for metric_on_collect. */
void monitor_collect(void *monitor, struct buf *out);
/* monitor_sessions.c */
unsigned monitor_sessions(void *monitor, const struct http_request *r, bool tls, struct http_page *out);
/* monitor_status.c */
unsigned monitor_status(void *monitor, const struct http_request *r, bool tls, struct http_page *out);

#endif
