/* What a workload says into the record, and what a judge says when something is wrong. */
#include "tests/crash/power.h"
#include "tests/crash/record.h"

#include "base/str.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void mark(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void mark(const char *format, ...)
{
	static _Atomic int log_fd = -1;
	char text[128] = "";
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (log_fd < 0) {
		const char *path = getenv(RECORD_LOG_ENV);
		log_fd = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
		if (log_fd < 0)
			power_die("no record to write into");
	}
	struct disk_record r = { .magic = RECORD_MAGIC, .kind = RECORD_MARK, .n = (uint32_t)n };
	struct iovec iov[2] = { { &r, sizeof r }, { text, (size_t)(n + 7) / 8 * 8 } };
	if (writev(log_fd, iov, 2) != (ssize_t)(iov[0].iov_len + iov[1].iov_len))
		power_die("the record cannot be written");
}

void power_made(void) { mark("made"); }
void power_try(unsigned account, uint64_t digest) { mark("try %u %016llx", account, (unsigned long long)digest); }
void power_ack(unsigned account, uint64_t digest) { mark("ack %u %016llx", account, (unsigned long long)digest); }

bool power_fault(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	fprintf(stderr, "  ");
	vfprintf(stderr, format, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	return false;
}

void power_report(void *arg, const char *line)
{
	(void)arg;
	power_fault("check: %s", line);
}

bool power_account_fits(const struct power_expected *x, unsigned account, uint64_t digest)
{
	const struct power_account *a = &x->accounts[account];
	if (digest == a->before || digest == a->after)
		return true;
	return power_fault("account %u is %016llx, neither %016llx (acknowledged) nor %016llx (under way)", account, (unsigned long long)digest,
					   (unsigned long long)a->before, (unsigned long long)a->after);
}

uint64_t power_mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

_Noreturn void power_die(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	fprintf(stderr, "power: ");
	vfprintf(stderr, format, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(2);
}
