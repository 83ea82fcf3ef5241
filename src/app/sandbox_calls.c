/* The lists of system calls, each group with what it is for. A name that the machine's architecture does not have is passed over. */
#include "app/sandbox_calls.h"

#include "app/sandbox_inside.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct group {
	const char *what;                    /* it is for */
	const char *const *names;
};
#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct group allowed[] = {
	{ "files of the data directory: store, search index, spool, trail", NAMES("open", "openat", "close", "close_range", "read", "readv", "pread64", "preadv", "preadv2",
		"write", "writev", "pwrite64", "pwritev", "pwritev2", "lseek", "stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat", "faccessat2",
		"fsync", "fdatasync", "sync_file_range", "ftruncate", "truncate", "fallocate", "fadvise64", "copy_file_range", "sendfile", "flock", "fcntl", "dup", "dup2", "dup3",
		"getdents64", "getcwd", "readlink", "readlinkat", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir",
		"chmod", "fchmod", "fchmodat", "fchown", "utimensat", "umask") },
	{ "news of other processes that write to the store", NAMES("inotify_init1", "inotify_add_watch", "inotify_rm_watch") },
	{ "memory; maps of the store (mmap and mprotect: below)", NAMES("brk", "munmap", "mremap", "madvise", "msync", "mincore", "memfd_create") },
	{ "threads (clone: below)", NAMES("futex", "futex_waitv", "set_robust_list", "get_robust_list", "set_tid_address", "rseq", "gettid", "getpid", "getppid", "exit", "exit_group",
		"sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler", "getcpu", "membarrier", "arch_prctl", "restart_syscall",
		"setpriority", "getpriority") },
	{ "time", NAMES("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times") },
	{ "signals to itself, and faults of a disk", NAMES("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigpending", "rt_sigsuspend", "sigaltstack", "pause") },
	{ "connections (socket: below)", NAMES("connect", "accept", "accept4", "bind", "listen", "shutdown", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
		"setsockopt", "getsockopt", "getsockname", "getpeername") },
	{ "waiting for them", NAMES("poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "pipe", "pipe2",
		"timerfd_create", "timerfd_settime") },
	{ "the end of the porter", NAMES("wait4") },
	{ "giving up the right to bind low ports", NAMES("capget", "capset") },
	{ "the last filter", NAMES("seccomp") },
	{ "random numbers; who and where it is", NAMES("getrandom", "uname", "sysinfo", "getrusage", "getrlimit", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getresuid", "getresgid") },
};

static const struct group sanitizer[] = {
	{ "the sanitizer's own", NAMES("ptrace", "personality", "clone", "clone3", "wait4", "waitid", "kill", "tgkill", "tkill", "prctl", "prlimit64", "setrlimit", "mmap", "mprotect",
		"process_vm_readv", "socketpair", "fork", "vfork", "sched_setscheduler", "execve", "setpgid", "setsid", "ioctl", "getdents") },
};

/* Whoever calls these in a mail server is not its programmer: the process ends at once, and the kernel's log says why. */
static const struct group never[] = {
	{ "other programs", NAMES("execve", "execveat") },
	{ "other processes", NAMES("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd") },
};
/* Nor in a program that it starts. */
static const struct group never_anywhere[] = {
	{ "the kernel", NAMES("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
		"io_uring_register", "reboot", "swapon", "swapoff", "iopl", "ioperm", "modify_ldt", "acct", "quotactl", "syslog", "lookup_dcookie", "vhangup") },
	{ "keys of the kernel", NAMES("add_key", "request_key", "keyctl") },
	{ "the tree of files", NAMES("mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig", "fspick", "mount_setattr", "open_by_handle_at",
		"name_to_handle_at", "fanotify_init") },
	{ "the clock", NAMES("settimeofday", "clock_settime", "clock_adjtime", "adjtimex") },
};

static int add_names(scmp_filter_ctx x, uint32_t action, const struct group *groups, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (const char *const *name = groups[i].names; *name; name++) {
			int nr = seccomp_syscall_resolve_name(*name);
			if (nr == __NR_SCMP_ERROR || nr < 0)
				continue;
			int r = seccomp_rule_add(x, action, nr, 0);
			if (r && r != -EEXIST)
				return r;
		}
	}
	return 0;
}
#define ADD(x, action, groups) add_names((x), (action), (groups), sizeof(groups) / sizeof((groups)[0]))

/* ---- calls that depend on what is asked ---- */

/* Threads, and no processes. clone3 hides its flags in memory, where a filter cannot look: libraries go back to clone when it is not there. */
static int add_threads(scmp_filter_ctx x)
{
	int r = seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND));
	return r ? r : seccomp_rule_add(x, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* No memory that can be written and run, and none that was written is made to run. Libraries are mapped readable and executable at once. */
static int add_memory(scmp_filter_ctx x)
{
	int r = seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!r)
		r = seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC));
	return r ? r : seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* TCP and UDP by their usual sockets, and those of the file system. */
static int add_sockets(scmp_filter_ctx x)
{
	static const int families[] = { AF_INET, AF_INET6 }, types[] = { SOCK_STREAM, SOCK_DGRAM };
	int r = seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	if (!r)
		r = seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	for (size_t i = 0; i < 4 && !r; i++)
		r = seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i / 2]),
							 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)types[i % 2]));
	return r;
}

static int add_rest(scmp_filter_ctx x)
{
	static const unsigned long ioctls[] = { FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS, TIOCGWINSZ, SIOCGIFINDEX };
	static const int prctls[] = { PR_SET_NAME, PR_GET_NAME, PR_CAPBSET_READ, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS };
	int r = 0;
	for (size_t i = 0; i < sizeof(ioctls) / sizeof(ioctls[0]) && !r; i++)
		r = seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, ioctls[i]));
	for (size_t i = 0; i < sizeof(prctls) / sizeof(prctls[0]) && !r; i++)
		r = seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)prctls[i]));
	/* limits are read, not set */
	if (!r)
		r = seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0));
	/* threads of its own are told to end */
	return r ? r : seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
}

/* ---- the filters ---- */

static int load(scmp_filter_ctx x, int r)
{
	if (!r)
		r = seccomp_attr_set(x, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!r)
		r = seccomp_attr_set(x, SCMP_FLTATR_CTL_NNP, 0);               /* that is done, and may not be done again */
	if (!r)
		(void)seccomp_attr_set(x, SCMP_FLTATR_CTL_LOG, 1);             /* where the kernel can */
	if (!r)
		(void)seccomp_attr_set(x, SCMP_FLTATR_CTL_OPTIMIZE, 2);        /* a tree, not a list */
	if (!r)
		r = seccomp_load(x);
	seccomp_release(x);
	return r == 0 ? 0 : r == -ENOMEM ? ERR_NO_MEMORY : ERR_UNSUPPORTED;
}

int calls_close_server(void)
{
	scmp_filter_ctx x = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = x ? 0 : -ENOMEM;
	if (!x)
		return ERR_NO_MEMORY;
	if (SANDBOX_SANITIZED)
		r = ADD(x, SCMP_ACT_ALLOW, sanitizer);
	if (!r)
		r = ADD(x, SCMP_ACT_ALLOW, allowed);
	if (!r && !SANDBOX_SANITIZED)
		r = ADD(x, SCMP_ACT_KILL_PROCESS, never);
	if (!r)
		r = ADD(x, SCMP_ACT_KILL_PROCESS, never_anywhere);
	if (!r && !SANDBOX_SANITIZED)
		r = add_threads(x);
	if (!r && !SANDBOX_SANITIZED)
		r = add_memory(x);
	if (!r)
		r = add_sockets(x);
	if (!r && !SANDBOX_SANITIZED)
		r = add_rest(x);
	return load(x, r);
}

int calls_close_programs(void)
{
	scmp_filter_ctx x = seccomp_init(SCMP_ACT_ALLOW);
	if (!x)
		return ERR_NO_MEMORY;
	int r = ADD(x, SCMP_ACT_ERRNO(EPERM), never_anywhere);
	if (!r && !SANDBOX_SANITIZED)
		r = seccomp_rule_add(x, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ptrace), 0);
	return load(x, r);
}

int calls_close_network(void)
{
	scmp_filter_ctx x = seccomp_init(SCMP_ACT_ALLOW);
	if (!x)
		return ERR_NO_MEMORY;
	int r = seccomp_rule_add(x, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	/* Nor the sockets of others in the file system, which Landlock does not guard. */
	if (!r)
		r = seccomp_rule_add(x, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM));
	if (!r)
		r = seccomp_rule_add(x, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(connect), 0);
	/* Whatever left the group would outlive it, and could change the directory while that is removed. */
	if (!r)
		r = seccomp_rule_add(x, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(setsid), 0);
	if (!r)
		r = seccomp_rule_add(x, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(setpgid), 0);
	return load(x, r);
}

int calls_close_listening(void)
{
	scmp_filter_ctx x = seccomp_init(SCMP_ACT_ALLOW);
	if (!x)
		return ERR_NO_MEMORY;
	int r = seccomp_rule_add(x, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(listen), 0);
	if (!r)
		r = seccomp_rule_add(x, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(capset), 0);
	if (!r)
		r = seccomp_attr_set(x, SCMP_FLTATR_CTL_TSYNC, 1);
	return load(x, r);
}
