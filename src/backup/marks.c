#include "backup/marks.h"

#include "backup/limits.h"
#include "base/hash.h"
#include "rt/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_NOTE "name"
#define NAME_BYTES 8
#define MARKS_MAGIC STR("TrkMrk\r\n")
#define MARKS_BYTES (8 + 2 * MOMENT_TOKEN + 4)

static const uint8_t set_key[HASH_SIPHASH_KEY] = "names of users";

bool marks_is_set(const uint8_t token[MOMENT_TOKEN])
{
	static const uint8_t none[MOMENT_TOKEN];
	return memcmp(token, none, MOMENT_TOKEN) != 0;
}

static int repository_name(struct repository *r, char out[2 * NAME_BYTES + 1])
{
	uint8_t name[NAME_BYTES];
	struct buf b = BUF_INIT(0);
	int rc = repository_note_get(r, NAME_NOTE, &b);
	if (rc == ERR_NOT_FOUND) {
		crypto_random(name, sizeof(name));
		buf_reset(&b);
		buf_add(&b, name, sizeof(name));
		rc = repository_note_put(r, NAME_NOTE, buf_str(&b));
	}
	if (!rc && b.n != NAME_BYTES)
		rc = ERR_CORRUPT;
	for (size_t i = 0; !rc && i < NAME_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", (unsigned char)b.p[i]);
	buf_fini(&b);
	return rc;
}

static bool path_of(const char *dir, const char *name, const char *end, char out[PATH_LENGTH_MAX])
{
	return (unsigned)snprintf(out, PATH_LENGTH_MAX, "%s/backup%s%s%s", dir, *name ? "/" : "", name, end) < PATH_LENGTH_MAX;
}

int marks_read(const char *dir, struct repository *r, struct str set, struct marks *out, struct err *e)
{
	char path[PATH_LENGTH_MAX], bytes[MARKS_BYTES + 1], name[2 * NAME_BYTES + 1] = "";
	*out = (struct marks){ .name = "" };
	int rc = repository_name(r, name);
	if (rc)
		return err_set(e, rc, NULL, "the repository's name cannot be read: %s", err_text(rc));
	if (set.n)
		snprintf(out->name, sizeof(out->name), "%s-%016llx", name, (unsigned long long)hash_siphash_keyed(set_key, set));
	else
		snprintf(out->name, sizeof(out->name), "%s", name);
	if (!path_of(dir, out->name, "", path))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
	if (fd >= 0)
		close(fd);
	if (n == MARKS_BYTES && memcmp(bytes, MARKS_MAGIC.p, MARKS_MAGIC.n) == 0 &&
		load_le32(bytes + MARKS_BYTES - 4) == hash_crc32c(0, bytes, MARKS_BYTES - 4)) {
		memcpy(out->whole, bytes + 8, MOMENT_TOKEN);
		memcpy(out->part, bytes + 8 + MOMENT_TOKEN, MOMENT_TOKEN);
	}
	return 0;
}

static int write_file(const char *path, const char *bytes, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_from_errno(e, errno, "cannot write %s", path);
	ssize_t n = write(fd, bytes, MARKS_BYTES);
	int failed = n == MARKS_BYTES ? fsync(fd) : -1, reason = n < 0 || failed ? errno : ENOSPC;
	close(fd);
	return failed ? err_from_errno(e, reason, "cannot write %s", path) : 0;
}

int marks_write(const char *dir, const struct marks *m, struct err *e)
{
	char path[PATH_LENGTH_MAX], fresh[PATH_LENGTH_MAX], folder[PATH_LENGTH_MAX], bytes[MARKS_BYTES];
	if (!path_of(dir, m->name, "", path) || !path_of(dir, m->name, ".new", fresh) || !path_of(dir, "", "", folder))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", dir);
	if (mkdir(folder, 0700) && errno != EEXIST)
		return err_from_errno(e, errno, "cannot make %s", folder);
	memcpy(bytes, MARKS_MAGIC.p, 8);
	memcpy(bytes + 8, m->whole, MOMENT_TOKEN);
	memcpy(bytes + 8 + MOMENT_TOKEN, m->part, MOMENT_TOKEN);
	store_le32(bytes + MARKS_BYTES - 4, hash_crc32c(0, bytes, MARKS_BYTES - 4));
	int rc = write_file(fresh, bytes, e);
	if (!rc && rename(fresh, path))
		rc = err_from_errno(e, errno, "cannot write %s", path);
	/* The name is durable too: otherwise an older token may come back, which costs time only. */
	int fd = rc ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	return rc;
}
