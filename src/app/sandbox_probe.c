/* Attempts of somebody who has got hold of a thread of the server; for tests/e2e/sandbox.py. */
#include "app/house.h"
#include "app/sandbox.h"
#include "rt/fault.h"
#include "rt/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_SIZE 1024

bool sandbox_probe_wanted(void) { return fault_hit("app.sandbox_probe"); }

/* result: of a system call; done also where the attempt itself failed for another reason than the sandbox. */
static void tell(const char *what, long result)
{
	int error = result < 0 ? errno : 0;
	bool refused = error == EPERM || error == EACCES || error == ENOSYS;
	log_event(LOG_NOTICE, "sandbox.probe", LOG_LIST(LOG_C("what", what), LOG_C("result", refused ? "refused" : result < 0 ? "failed" : "DONE"), LOG_I("errno", error)));
}

static long open_and_close(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd;
}

static long socket_and_close(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);
	if (fd >= 0)
		close(fd);
	return fd;
}

static void try_files(const char *dir)
{
	char path[PATH_SIZE];
	tell("read /etc/passwd", open_and_close("/etc/passwd", O_RDONLY));
	tell("read /etc/shadow", open_and_close("/etc/shadow", O_RDONLY));
	tell("list /root", open_and_close("/root", O_RDONLY | O_DIRECTORY));
	tell("list /", open_and_close("/", O_RDONLY | O_DIRECTORY));
	tell("write /tmp", open_and_close("/tmp/troika-probe", O_WRONLY | O_CREAT));
	tell("make a directory in /tmp", mkdir("/tmp/troika-probe", 0700));
	tell("read another process", open_and_close("/proc/1/environ", O_RDONLY));
	if (!house_path(dir, "troika.conf", path, sizeof(path)))
		return;
	tell("write troika.conf", open_and_close(path, O_WRONLY));
	tell("delete troika.conf", unlink(path));
	if (house_path(dir, "anything", path, sizeof(path)))
		tell("write beside the rooms", open_and_close(path, O_WRONLY | O_CREAT));
	if (house_path(dir, "spool/probe", path, sizeof(path)))
		tell("write inside (allowed)", open_and_close(path, O_WRONLY | O_CREAT));
	unlink(path);
}

static void try_processes(void)
{
	struct rlimit limit = { 1, 1 };
	long child = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (child == 0)
		_exit(0);
	tell("fork", child);
	tell("clone3", syscall(SYS_clone3, NULL, 0));
	tell("kill another process", kill(getppid(), 0));
	tell("become root", syscall(SYS_setuid, 0));
	tell("become dumpable", prctl(PR_SET_DUMPABLE, 1));
	tell("set limits", prlimit(0, RLIMIT_CORE, &limit, NULL));
}

static void try_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *x = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	tell("memory to write and run", x == MAP_FAILED ? -1 : 0);
	tell("run what was written", p == MAP_FAILED ? 0 : mprotect(p, 4096, PROT_READ | PROT_EXEC));
	if (p != MAP_FAILED)
		munmap(p, 4096);
	if (x != MAP_FAILED)
		munmap(x, 4096);
}

static void try_sockets(void)
{
	tell("socket of AF_NETLINK", socket_and_close(AF_NETLINK, SOCK_RAW, 0));
	tell("socket of AF_PACKET", socket_and_close(AF_PACKET, SOCK_RAW, 0));
	tell("raw socket", socket_and_close(AF_INET, SOCK_RAW, 1));
	tell("raw socket of IPv6", socket_and_close(AF_INET6, SOCK_RAW, 58));
	tell("socket of AF_VSOCK", socket_and_close(AF_VSOCK, SOCK_STREAM, 0));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	tell("listen on a port", listen(fd, 1));
	close(fd);
	tell("TCP socket (allowed)", socket_and_close(AF_INET, SOCK_STREAM, 0));
}

/* Those that end the process. */
static void try_fatal(void)
{
	static char path[] = "/bin/true", *argv[] = { path, NULL };
	if (fault_hit("app.sandbox_exec"))
		tell("exec", execve(path, argv, NULL));
	if (fault_hit("app.sandbox_ptrace"))
		tell("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	if (fault_hit("app.sandbox_mount"))
		tell("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
	if (fault_hit("app.sandbox_keyctl"))
		tell("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

void sandbox_probe(const char *dir)
{
	try_files(dir);
	try_processes();
	try_memory();
	try_sockets();
	log_event(LOG_NOTICE, "sandbox.probed", LOG_NOTHING);
	try_fatal();
}
