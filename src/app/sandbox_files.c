#include "app/sandbox_files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of later versions of the interface than Debian 12's header knows. */
#define ACCESS_TRUNCATE (1ull << 14)         /* 3 */
#define ACCESS_IOCTL_DEV (1ull << 15)        /* 5 */
#define SCOPE_SIGNAL (1ull << 1)             /* 6; not abstract sockets: a supervisor may listen on one */
struct ruleset {
	uint64_t fs, net, scoped;
};

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ON_FILES (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV)

struct files {
	int fd;
	unsigned abi;
	uint64_t handled;
};

static uint64_t handled_by(unsigned abi)
{
	uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
	if (abi >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all |= ACCESS_TRUNCATE;
	if (abi >= 5)
		all |= ACCESS_IOCTL_DEV;
	return all;
}

/* Nothing of devices, which no use here needs. */
static uint64_t rights_of(const struct files *f, enum files_use use)
{
	static const uint64_t rights[] = {
		[FILES_READ] = READ, [FILES_RUN] = READ | LANDLOCK_ACCESS_FS_EXECUTE,
		[FILES_WRITE] = ~(uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | ACCESS_IOCTL_DEV) };
	return rights[use] & f->handled;
}

int files_begin(struct files **out)
{
	*out = NULL;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return ERR_UNSUPPORTED;
	struct files *f = calloc(1, sizeof(*f));
	if (!f)
		return ERR_NO_MEMORY;
	f->abi = (unsigned)abi;
	f->handled = handled_by(f->abi);
	struct ruleset r = { .fs = f->handled, .scoped = abi >= 6 ? SCOPE_SIGNAL : 0 };
	size_t size = abi >= 6 ? sizeof(r) : abi >= 4 ? offsetof(struct ruleset, scoped) : offsetof(struct ruleset, net);
	f->fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (f->fd < 0) {
		free(f);
		return ERR_UNSUPPORTED;
	}
	*out = f;
	return 0;
}

int files_allow(struct files *f, const char *path, enum files_use use)
{
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : ERR_IO;
	uint64_t rights = rights_of(f, use);
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rights &= ON_FILES;
	struct landlock_path_beneath_attr rule = { .allowed_access = rights, .parent_fd = fd };
	int r = syscall(SYS_landlock_add_rule, f->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ? ERR_IO : 0;
	close(fd);
	return r;
}

/* Where much else lies besides. */
static bool is_too_wide(const char *dir)
{
	static const char *const wide[] = { "/", "/etc", "/usr", "/usr/local", "/var", "/var/lib", "/tmp", "/home", "/root", "/srv" };
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (!strcmp(dir, wide[i]))
			return true;
	return false;
}

static int allow_place(struct files *f, const char *path, char *copy, enum files_use use)
{
	const char *dir = dirname(copy);
	return files_allow(f, is_too_wide(dir) ? path : dir, use);
}

int files_allow_around(struct files *f, const char *path, enum files_use use)
{
	char *copy = strdup(path), *real = realpath(path, NULL);
	int r = copy ? allow_place(f, path, copy, use) : ERR_NO_MEMORY;
	if (r == 0 && real)
		r = allow_place(f, path, real, use);
	free(copy);
	free(real);
	return r;
}

int files_close(struct files **f, unsigned *abi_out)
{
	int r = syscall(SYS_landlock_restrict_self, (*f)->fd, 0) ? ERR_UNSUPPORTED : 0;
	*abi_out = (*f)->abi;
	close((*f)->fd);
	free(*f);
	*f = NULL;
	return r;
}
