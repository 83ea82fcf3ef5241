#include "backup/intent.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define INTENT_MAGIC STR("TrkInt\r\n")
#define INTENT_PREFIX "restore-"
#define INTENT_LOCK_TRIES 10
/* Two slots, written in turn: a power cut tears one of them at most. */
#define SLOT_BYTES 4096
#define SLOTS 2

static const uint8_t name_key[HASH_SIPHASH_KEY] = "who is restored";

/* ---- a slot ---- */

static int slot_write(struct intent *i)
{
	struct buf b = BUF_INIT(SLOT_BYTES);
	struct str user = str_from_c(i->user), mailbox = str_from_c(i->mailbox);
	buf_add_str(&b, INTENT_MAGIC);
	buf_add_le64(&b, ++i->turn);
	buf_add_le64(&b, i->account);
	buf_add_varint(&b, user.n);
	buf_add_str(&b, user);
	buf_add_varint(&b, mailbox.n);
	buf_add_str(&b, mailbox);
	while (!b.failed && b.n < SLOT_BYTES - 4)
		buf_add_u8(&b, 0);
	buf_add_le32(&b, b.failed ? 0 : hash_crc32c(0, b.p, b.n));
	int rc = b.failed ? ERR_NO_MEMORY : 0;
	ssize_t n = rc ? 0 : pwrite(i->fd, b.p, SLOT_BYTES, (off_t)(i->turn % SLOTS * SLOT_BYTES));
	if (!rc && n != SLOT_BYTES)
		rc = err_from_errno(NULL, n < 0 ? errno : ENOSPC, "write");
	if (!rc && fdatasync(i->fd))
		rc = err_from_errno(NULL, errno, "sync");
	buf_fini(&b);
	return rc;
}

/* Taken when it is sound and newer than what is known. */
static void slot_read(struct intent *i, unsigned slot)
{
	char bytes[SLOT_BYTES];
	if (pread(i->fd, bytes, SLOT_BYTES, slot * SLOT_BYTES) != SLOT_BYTES || load_le32(bytes + SLOT_BYTES - 4) != hash_crc32c(0, bytes, SLOT_BYTES - 4))
		return;
	struct cursor c = cursor_make(str_make(bytes, SLOT_BYTES - 4));
	bool ours = str_eq(cursor_bytes(&c, INTENT_MAGIC.n), INTENT_MAGIC);
	uint64_t turn = cursor_le64(&c), account = cursor_le64(&c);
	struct str user = cursor_bytes(&c, cursor_varint(&c)), mailbox = cursor_bytes(&c, cursor_varint(&c));
	if (!ours || c.bad || turn <= i->turn || !str_copy_c(i->user, sizeof(i->user), user) || !str_copy_c(i->mailbox, sizeof(i->mailbox), mailbox))
		return;
	i->turn = turn;
	i->account = account;
	i->again = true;
}

/* ---- the file ---- */

/* 0, ERR_BUSY, or another code. Whoever was done meanwhile has removed the file that was opened: then it is opened anew. */
static int lock(struct intent *i, bool make)
{
	struct stat st;
	int rc = ERR_BUSY;
	for (unsigned tries = 0; rc == ERR_BUSY && tries < INTENT_LOCK_TRIES; tries++) {
		int fd = open(i->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0), 0600);
		if (fd < 0)
			return err_from_errno(NULL, errno, "open");
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			rc = errno == EWOULDBLOCK ? ERR_BUSY : err_from_errno(NULL, errno, "lock");
			tries = INTENT_LOCK_TRIES;
		} else if (fstat(fd, &st) == 0 && st.st_nlink > 0) {
			i->fd = fd;
			return 0;
		}
		close(fd);
	}
	return rc;
}

static void read_slots(struct intent *i)
{
	for (unsigned slot = 0; slot < SLOTS; slot++)
		slot_read(i, slot);
}

/* Who writes a name in capitals means the same user. */
static uint64_t hash_of(const char *user)
{
	char text[INTENT_USER_MAX];
	size_t n = strlen(user);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)ascii_lower(user[i]);
	return hash_siphash_keyed(name_key, str_make(text, n));
}

int intent_open(const char *dir, struct str user, struct intent *out, struct err *e)
{
	*out = (struct intent){ .fd = -1 };
	if (!str_copy_c(out->user, sizeof(out->user), user))
		return err_set(e, ERR_INVALID, NULL, "the name is too long");
	str_copy_c(out->dir, sizeof(out->dir), str_from_c(dir));      /* the longer path below fits, or none does */
	unsigned n = (unsigned)snprintf(out->folder, sizeof(out->folder), "%s/backup", dir);
	if (n >= sizeof(out->folder) ||
		(unsigned)snprintf(out->path, sizeof(out->path), "%s/" INTENT_PREFIX "%016llx", out->folder, (unsigned long long)hash_of(out->user)) >= sizeof(out->path))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", dir);
	if (mkdir(out->folder, 0700) && errno != EEXIST)
		return err_from_errno(e, errno, "cannot make %s", out->folder);
	int rc = lock(out, true);
	if (rc == ERR_BUSY)
		return err_set(e, rc, NULL, "another restore into the account of %.*s is at work", STR_ARG(user));
	if (rc)
		return err_set(e, rc, NULL, "cannot write %s: %s", out->path, err_text(rc));
	read_slots(out);
	return 0;
}

static void sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int intent_note(struct intent *i, uint64_t account, struct str mailbox, struct err *e)
{
	bool first = i->turn == 0;
	i->account = account;
	bool same = mailbox.p == i->mailbox;
	int rc = same || str_copy_c(i->mailbox, sizeof(i->mailbox), mailbox) ? slot_write(i) : ERR_TOO_BIG;
	if (!rc && first) {
		sync_folder(i->folder);
		sync_folder(i->dir);                      /* the folder may be new */
	}
	return rc ? err_set(e, rc, NULL, "cannot write %s: %s", i->path, err_text(rc)) : 0;
}

bool intent_is_making(const struct intent *i, struct str mailbox)
{
	return i && i->mailbox[0] && str_eq(str_from_c(i->mailbox), mailbox);
}

void intent_close(struct intent *i, bool done)
{
	if (i->fd < 0)
		return;
	/* Removed while it is locked. One in which nothing was ever written tells nothing. */
	if (done || i->turn == 0)
		unlink(i->path);
	close(i->fd);
	i->fd = -1;
}

/* ---- all of them ---- */

static void look_at(const char *folder, const char *name, intent_fn *fn, void *arg)
{
	struct intent i = { .fd = -1 };
	bool forget = false;
	if (strncmp(name, INTENT_PREFIX, strlen(INTENT_PREFIX)) != 0 ||
		(unsigned)snprintf(i.path, sizeof(i.path), "%s/%s", folder, name) >= sizeof(i.path))
		return;
	if (lock(&i, false) == 0) {
		read_slots(&i);
		forget = i.turn && fn(arg, str_from_c(i.user), i.account, i.path);
		intent_close(&i, forget);
	}
}

void intent_each(const char *dir, intent_fn *fn, void *arg)
{
	char folder[PATH_LENGTH_MAX];
	if ((unsigned)snprintf(folder, sizeof(folder), "%s/backup", dir) >= sizeof(folder))
		return;
	DIR *d = opendir(folder);
	const struct dirent *entry;
	while (d && (entry = readdir(d)))
		look_at(folder, entry->d_name, fn, arg);
	if (d)
		closedir(d);
}
