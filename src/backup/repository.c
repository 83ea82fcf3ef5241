#include "backup/repository.h"

#include "backup/repository_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SHOWN 64

static const char *const folders[] = { TMP_FOLDER, PACK_FOLDER, SNAPSHOT_FOLDER, NOTE_FOLDER };

int repository_may_write(const struct repository *r) { return r->failed ? r->failed : r->write ? 0 : ERR_DENIED; }

/* ---- open ---- */

static bool is_ours(const char *name)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (strcmp(name, folders[i]) == 0)
			return true;
	return strcmp(name, "lock") == 0 || strcmp(name, "lost+found") == 0 || strcmp(name, "repository.copy") == 0;
}

static int check_name(void *arg, const char *name)
{
	char *foreign = arg;
	if (strcmp(name, "repository") == 0)
		return ERR_EXISTS;
	if (is_ours(name))
		return 0;
	str_copy_c(foreign, NAME_SHOWN, str_from_c(name));
	return ERR_CONFLICT;
}

/* A directory that holds something else is not made a repository. What a creation left that was killed is ours. */
static int check_empty(struct repository *r, const char *dir, struct err *e)
{
	char foreign[NAME_SHOWN] = "";
	int code = folder_list(r->dir_fd, "", check_name, foreign);
	if (code == ERR_EXISTS)
		return err_set(e, code, NULL, "%s: there is a repository already", dir);
	if (code == ERR_CONFLICT)
		return err_set(e, code, NULL, "%s: not empty, and no repository (%s)", dir, foreign);
	return code ? err_set(e, code, NULL, "%s: %s", dir, err_text(code)) : 0;
}

static int make_folders(struct repository *r, const char *dir, struct err *e)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdirat(r->dir_fd, folders[i], 0700) < 0 && errno != EEXIST)
			return err_from_errno(e, errno, "%s/%s", dir, folders[i]);
	return 0;
}

static int take_lock(struct repository *r, const char *dir, struct err *e)
{
	r->lock_fd = openat(r->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->lock_fd < 0)
		return err_from_errno(e, errno, "%s/lock", dir);
	if (flock(r->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? err_set(e, ERR_BUSY, NULL, "%s: another process writes to this repository", dir)
		: err_from_errno(e, errno, "%s/lock", dir);
}

static int sweep_one(void *arg, const char *name)
{
	const struct repository *r = arg;
	(void)file_remove(r->dir_fd, TMP_FOLDER, name);      /* it is in nobody's way */
	return 0;
}

static int create(struct repository *r, const struct repository_config *c, struct err *e)
{
	int code = make_folders(r, c->dir, e);
	if (code)
		return code;
	code = key_file_make(r, c->passphrase);
	if (code)
		return err_set(e, code, NULL, "%s: cannot be made: %s", c->dir, err_text(code));
	/* the directory's own name, too, must be there after a power cut */
	int parent = openat(r->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent >= 0) {
		(void)fsync(parent);                       /* not everybody may open it */
		close(parent);
	}
	return 0;
}

static int load_keys(struct repository *r, const struct repository_config *c, struct err *e)
{
	int code = key_file_load(r, c->passphrase);
	switch (code) {
	case 0:
		return 0;
	case ERR_NOT_FOUND:
		return err_set(e, code, NULL, "%s: no repository", c->dir);
	case ERR_DENIED:
		return err_set(e, code, NULL, "%s: %s", c->dir, !r->sealer.sealed ? "is not encrypted, but a passphrase was given"
			: c->passphrase.n ? "the passphrase does not fit" : "is encrypted: a passphrase is needed");
	case ERR_VERSION:
		return err_set(e, code, NULL, "%s: a newer version of Troika made this repository", c->dir);
	default:
		return err_set(e, code, NULL, "%s/repository: %s", c->dir, err_text(code));
	}
}

static int open_dir(struct repository *r, const struct repository_config *c, struct err *e)
{
	if (c->create && mkdir(c->dir, 0700) < 0 && errno != EEXIST)
		return err_from_errno(e, errno, "%s", c->dir);
	r->dir_fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir_fd < 0)
		return err_from_errno(e, errno, "%s", c->dir);
	/* nothing is written into a directory that is somebody else's, not even a lock */
	if (c->create) {
		int code = check_empty(r, c->dir, e);
		if (code)
			return code;
	} else if (c->write && faccessat(r->dir_fd, "repository", F_OK, 0) < 0 && faccessat(r->dir_fd, "repository.copy", F_OK, 0) < 0) {
		return err_set(e, ERR_NOT_FOUND, NULL, "%s: no repository", c->dir);
	}
	return 0;
}

static int open_all(struct repository *r, const struct repository_config *c, struct err *e)
{
	int code = open_dir(r, c, e);
	if (code == 0 && r->write)
		code = take_lock(r, c->dir, e);
	if (code == 0 && c->create)
		code = check_empty(r, c->dir, e);         /* again: now nobody else creates */
	if (code == 0)
		code = c->create ? create(r, c, e) : load_keys(r, c, e);
	if (code)
		return code;
	if (r->write)
		(void)folder_list(r->dir_fd, TMP_FOLDER, sweep_one, r);      /* what writers left that were killed */
	code = packs_load(r);
	return code ? err_set(e, code, NULL, "%s/" PACK_FOLDER ": %s", c->dir, err_text(code)) : 0;
}

int repository_open(const struct repository_config *c, struct repository **out, struct err *e)
{
	struct repository *r = *out = calloc(1, sizeof(*r));
	if (!r)
		return err_set(e, ERR_NO_MEMORY, NULL, "%s", c->dir);
	r->dir_fd = r->lock_fd = r->writer.file.fd = -1;
	for (size_t i = 0; i < PACKS_OPEN; i++)
		r->open[i] = (struct pack_file){ .pack = PACK_NONE, .fd = -1 };
	r->write = c->write || c->create;
	buf_init(&r->scratch, 2 * CHUNK_MAX);
	int code = sealer_init(&r->sealer);
	if (code)
		err_set(e, code, NULL, "%s", c->dir);
	else
		code = open_all(r, c, e);
	if (code)
		repository_close(out);
	return code;
}

void repository_close(struct repository **r)
{
	struct repository *x = *r;
	if (!x)
		return;
	pack_writer_fini(x);
	pack_files_close(x);
	chunk_index_fini(&x->index);
	free(x->packs);
	sealer_fini(&x->sealer);
	buf_fini(&x->scratch);
	if (x->lock_fd >= 0)
		close(x->lock_fd);
	if (x->dir_fd >= 0)
		close(x->dir_fd);
	free(x);
	*r = NULL;
}

/* ---- chunks ---- */

/* Its entry, or NULL. */
static struct chunk_entry *find(struct repository *r, const struct chunk_id *id)
{
	uint32_t i = chunk_index_find(&r->index, id);
	struct chunk_entry *e = i == CHUNK_NONE ? NULL : chunk_index_at(&r->index, i);
	return e && !r->packs[e->pack].gone ? e : NULL;
}

int repository_put(struct repository *r, struct str bytes, struct chunk_id *id_out, bool *new_out)
{
	int e = repository_may_write(r);
	if (e == 0 && bytes.n >= CHUNK_MAX)
		e = ERR_TOO_BIG;
	if (e == 0)
		e = sealer_id(&r->sealer, bytes, id_out);
	bool new = e == 0 && !find(r, id_out);
	if (new)
		e = pack_write_chunk(r, id_out, bytes);
	if (new_out)
		*new_out = e == 0 && new;
	if (e)
		return e;
	r->put++;
	r->put_bytes += bytes.n;
	r->put_new += new;
	return 0;
}

int repository_flush(struct repository *r)
{
	int e = repository_may_write(r);
	return e ? e : pack_write_flush(r);
}

bool repository_has(struct repository *r, const struct chunk_id *id) { return find(r, id); }

int repository_get(struct repository *r, const struct chunk_id *id, struct buf *out)
{
	struct chunk_entry *known = find(r, id);
	int e = known ? pack_read_chunk(r, known->pack, known->offset, id, out) : ERR_NOT_FOUND;
	if (e != ERR_NOT_FOUND)
		return e;
	/* Another process may have written it since, or moved it to another pack. */
	if (known)
		pack_gone(r, known->pack);
	e = packs_load(r);
	known = e ? NULL : find(r, id);
	return known ? pack_read_chunk(r, known->pack, known->offset, id, out) : e ? e : ERR_NOT_FOUND;
}

int repository_get_left(struct repository *r, const struct chunk_id *id, struct buf *out)
{
	int e = repository_get(r, id, out);
	if (e == 0)
		r->unread_in_row = 0;
	if (e != ERR_IO)
		return e;
	/* Bodies lie many in a chunk: it is asked for again and again. */
	if (r->unread_in_row == 0 || memcmp(r->unread.b, id->b, CHUNK_ID_SIZE) != 0)
		r->unread_in_row++;
	r->unread = *id;
	return r->unread_in_row > UNREAD_CHUNKS_MAX ? ERR_IO : ERR_CORRUPT;
}

void repository_stats(struct repository *r, struct repository_stats *out)
{
	struct snapshot_list list;
	*out = (struct repository_stats){ .put = r->put, .put_new = r->put_new, .put_bytes = r->put_bytes };
	for (uint32_t i = 0; i < r->n_packs; i++)
		if (!r->packs[i].gone) {
			out->packs++;
			out->bytes += r->packs[i].size;
		}
	for (uint32_t i = 0; i < r->index.n; i++)
		out->chunks += !r->packs[chunk_index_at(&r->index, i)->pack].gone;
	if (snapshot_list_load(r, &list) == 0)
		out->snapshots = list.n;
	snapshot_list_fini(&list);
}
