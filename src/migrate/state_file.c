/* The file of a state: doc/format/import.md. */
#include "migrate/state_priv.h"

#include "base/base64.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "migrate/limits.h"
#include "rt/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- writing ---- */

struct buf *state_record(struct state *s, enum state_record kind)
{
	buf_reset(&s->record);
	buf_add_le64(&s->record, 0);
	buf_add_u8(&s->record, (uint8_t)kind);
	return &s->record;
}

static bool seal(struct buf *b)
{
	if (b->failed)
		return false;
	store_le32(b->p, (uint32_t)(b->n - STATE_HEADER));
	store_le32(b->p + 4, hash_crc32c(0, b->p + STATE_HEADER, b->n - STATE_HEADER));
	return true;
}

static int write_all(struct state *s, int fd, struct str x, struct err *e)
{
	while (x.n) {
		ssize_t n = write(fd, x.p, x.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_from_errno(e, errno, "cannot write %s", s->path);
		x = str_from(x, (size_t)n);
	}
	return 0;
}

int state_write(struct state *s, struct err *e)
{
	if (!seal(&s->record))
		return err_set(e, ERR_NO_MEMORY, NULL, "what the import remembers");
	int r = write_all(s, s->fd, buf_str(&s->record), e);
	s->size += r ? 0 : s->record.n;
	s->dirty = true;
	return r;
}

int state_sync(struct state *s, struct err *e)
{
	if (!s->dirty)
		return 0;
	/* a sync that failed is not tried again: nobody knows what it has lost */
	if (fdatasync(s->fd))
		return err_from_errno(e, errno, "cannot write %s", s->path);
	s->dirty = false;
	return 0;
}

/* ---- reading ---- */

static struct state_folder *folder_of(struct state *s, struct cursor *c)
{
	uint64_t index = cursor_varint(c);
	return !c->bad && index < s->n ? s->v[index] : NULL;
}

static int read_notes(struct state_folder *f, struct cursor *c)
{
	uint64_t n = cursor_varint(c);
	int r = c->bad || n != cursor_left(c) / 24 ? ERR_CORRUPT : 0;
	for (; r == 0 && n; n--) {
		struct note note;
		note.uid = cursor_le32(c);
		note.ours = cursor_le32(c);
		note.flags = cursor_le64(c);
		note.email = cursor_le64(c);
		r = note.uid ? state_add_note(f, &note) : ERR_CORRUPT;
	}
	return r;
}

static int read_forgotten(struct state_folder *f, struct cursor *c)
{
	uint64_t n = cursor_varint(c);
	uint32_t uids[4096];
	if (c->bad || n > 4096 || n != cursor_left(c) / 4)
		return ERR_CORRUPT;
	for (size_t i = 0; i < n; i++) {
		uids[i] = cursor_le32(c);
		if (i && uids[i] <= uids[i - 1])
			return ERR_CORRUPT;
	}
	state_remove_notes(f, uids, (size_t)n);
	return 0;
}

static int read_record(struct state *s, struct str record)
{
	struct cursor c = cursor_make(record);
	uint8_t kind = cursor_u8(&c);
	struct state_folder *f = NULL;
	uint32_t uid;
	int r = 0;

	if (kind == STATE_SOURCE)
		return 0;
	if (kind == STATE_FOLDER) {
		uint64_t index = cursor_varint(&c);
		uint32_t uidvalidity = cursor_le32(&c), target = cursor_le32(&c);
		return c.bad || index > UINT32_MAX ? ERR_CORRUPT : state_add_folder(s, (uint32_t)index, cursor_bytes(&c, cursor_left(&c)), uidvalidity, target, &f);
	}
	f = folder_of(s, &c);
	if (!f)
		return ERR_CORRUPT;
	switch (kind) {
	case STATE_KEYWORD: return state_add_keyword(f, cursor_bytes(&c, cursor_left(&c)));
	case STATE_NOTES: r = read_notes(f, &c); break;
	case STATE_FORGOTTEN: r = read_forgotten(f, &c); break;
	case STATE_DONE:
		f->modseq = cursor_le64(&c);
		f->uidnext = cursor_le32(&c);
		f->messages = cursor_le32(&c);
		break;
	case STATE_NUMBER:
		uid = cursor_le32(&c);
		return c.bad ? ERR_CORRUPT : state_add_number(f, cursor_bytes(&c, cursor_left(&c)), uid);
	default: return ERR_CORRUPT;
	}
	return r ? r : c.bad || cursor_left(&c) ? ERR_CORRUPT : 0;
}

size_t state_file_replay(struct state *s, struct str file, int *r_out)
{
	size_t good = 0;
	*r_out = 0;
	while (file.n - good >= STATE_HEADER) {
		struct str rest = str_from(file, good);
		uint32_t n = load_le32(rest.p);
		if (n == 0 || n > MIGRATE_RECORD_MAX || n > rest.n - STATE_HEADER || hash_crc32c(0, rest.p + STATE_HEADER, n) != load_le32(rest.p + 4))
			break;
		int r = read_record(s, str_sub(rest, STATE_HEADER, n));
		if (r) {
			*r_out = r;
			break;
		}
		good += STATE_HEADER + n;
	}
	return good;
}

static int begin_file(struct state *s, int fd, struct str source, struct err *e)
{
	struct buf *b = state_record(s, STATE_SOURCE);
	buf_add_str(b, source);
	if (!seal(b))
		return ERR_NO_MEMORY;
	int r = write_all(s, fd, STR(STATE_MAGIC), e);
	return r ? r : write_all(s, fd, buf_str(b), e);
}

/* Sets a file aside that is none of ours. */
static int set_aside(struct state *s, struct str source, bool *damaged_out, struct err *e)
{
	char other[sizeof s->path + 16];
	*damaged_out = true;
	snprintf(other, sizeof other, "%s.damaged", s->path);
	if (rename(s->path, other))
		return err_from_errno(e, errno, "cannot rename %s", s->path);
	return state_write_anew(s, source, e);
}

int state_file_load(struct state *s, struct str source, bool *damaged_out, struct err *e)
{
	struct stat st;
	int r = 0;

	if (fstat(s->fd, &st))
		return err_from_errno(e, errno, "cannot read %s", s->path);
	s->size = (uint64_t)st.st_size;
	if (s->size > MIGRATE_STATE_MAX)
		return err_set(e, ERR_TOO_BIG, NULL, "%s is too large", s->path);
	char *map = s->size ? mmap(NULL, s->size, PROT_READ, MAP_PRIVATE, s->fd, 0) : NULL;
	if (map == MAP_FAILED)
		return err_from_errno(e, errno, "cannot read %s", s->path);
	struct str file = str_make(map, s->size), magic = STR(STATE_MAGIC);
	size_t good = 0;
	if (str_starts(file, magic))
		good = magic.n + state_file_replay(s, str_from(file, magic.n), &r);
	bool strange = file.n > magic.n && good == 0;
	if (map)
		munmap(map, s->size);
	if (r == ERR_NO_MEMORY)
		return err_set(e, r, NULL, "what the import remembers");
	if (r || strange) {
		state_free_folders(s);
		r = map_create(&s->by_wire);
		return r ? r : set_aside(s, source, damaged_out, e);
	}
	/* what a crash left of the last record goes */
	if (good < s->size && ftruncate(s->fd, (off_t)good))
		return err_from_errno(e, errno, "cannot write %s", s->path);
	s->size = good;
	if (lseek(s->fd, 0, SEEK_END) < 0)
		return err_from_errno(e, errno, "cannot read %s", s->path);
	if (good == 0)
		r = begin_file(s, s->fd, source, e);
	uint64_t live = 0;
	for (size_t i = 0; i < s->n; i++)
		live += s->v[i]->n * 24 + (s->v[i]->ids ? map_count(s->v[i]->ids) * 40 : 0);
	return r == 0 && s->size > MIGRATE_COMPACT_BYTES && s->size > live * 3 ? state_write_anew(s, source, e) : r;
}

/* ---- a new file in the place of the old one ---- */

static int copy_folder(struct state *to, const struct state_folder *f, struct err *e)
{
	struct state_folder *g;
	int r = state_begin(to, str_from_c(f->wire), f->uidvalidity, f->target, &g, e);
	uint64_t bit;
	for (unsigned i = 0; r == 0 && i < f->n_keywords; i++)
		r = state_keyword(to, g, str_from_c(f->keywords[i]), &bit, e);
	struct str id;
	void *uid;
	for (size_t pos = 0; r == 0 && f->ids && map_next(f->ids, &pos, &id, &uid);) {
		struct buf *b = state_record(to, STATE_NUMBER);
		buf_add_varint(b, g->index);
		buf_add_le32(b, (uint32_t)(uintptr_t)uid);
		buf_add_str(b, id);
		r = state_write(to, e);
	}
	if (r == 0)
		r = state_note(to, g, f->v, f->n, e);
	if (r == 0 && f->uidnext)
		r = state_complete(to, g, f->modseq, f->uidnext, f->messages, e);
	return r;
}

int state_write_anew(struct state *s, struct str source, struct err *e)
{
	char path[sizeof s->path + 8];
	struct state copy = { .fd = -1 };

	snprintf(path, sizeof path, "%s.new", s->path);
	memcpy(copy.path, s->path, sizeof copy.path);
	buf_init(&copy.record, MIGRATE_RECORD_MAX);
	copy.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* locked before it has the name that others look for */
	int r = copy.fd < 0 || flock(copy.fd, LOCK_EX | LOCK_NB) ? err_from_errno(e, errno, "cannot write %s", path) : map_create(&copy.by_wire);
	if (r == 0)
		r = begin_file(&copy, copy.fd, source, e);
	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = copy_folder(&copy, s->v[i], e);
	if (r == 0 && (fsync(copy.fd) || rename(path, s->path)))
		r = err_from_errno(e, errno, "cannot write %s", path);
	if (r == 0) {
		close(s->fd);
		s->fd = copy.fd;
		s->size = copy.size;
		copy.fd = -1;
	}
	if (copy.fd >= 0)
		close(copy.fd);
	buf_fini(&copy.record);
	state_free_folders(&copy);
	return r;
}

/* ---- opening ---- */

static int make_path(struct state *s, const char *dir, uint64_t account, struct str source, struct err *e)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	struct buf hex = BUF_INIT(0);
	char folder[sizeof s->path - 64];

	int n = snprintf(folder, sizeof folder, "%s/import", dir);
	if (n < 0 || (size_t)n >= sizeof folder)
		return err_set(e, ERR_TOO_BIG, NULL, "the path is too long");
	if (mkdir(folder, 0700) && errno != EEXIST)
		return err_from_errno(e, errno, "cannot make %s", folder);
	int r = crypto_sha256(source, digest);
	hex_encode(&hex, str_make(digest, 8));
	if (r == 0)
		snprintf(s->path, sizeof s->path, "%s/%llu-%.*s.state", folder, (unsigned long long)account, STR_ARG(buf_str(&hex)));
	buf_fini(&hex);
	return r;
}

/* Opens and locks; a file that was replaced in between is not the one. */
static int open_locked(struct state *s, struct err *e)
{
	struct stat here, there;

	for (;;) {
		s->fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (s->fd < 0)
			return err_from_errno(e, errno, "cannot open %s", s->path);
		if (flock(s->fd, LOCK_EX | LOCK_NB))
			return err_set(e, ERR_BUSY, NULL, "another import from this source into this account is running");
		if (fstat(s->fd, &here) == 0 && stat(s->path, &there) == 0 && here.st_ino == there.st_ino)
			return 0;
		close(s->fd);
		s->fd = -1;
	}
}

int state_open(const char *dir, uint64_t account, struct str source, struct state **out, bool *damaged_out, struct err *e)
{
	struct state *s = calloc(1, sizeof *s);

	*out = s;
	*damaged_out = false;
	if (!s)
		return err_set(e, ERR_NO_MEMORY, NULL, "what the import remembers");
	s->fd = -1;
	buf_init(&s->record, MIGRATE_RECORD_MAX);
	int r = map_create(&s->by_wire);
	if (r == 0)
		r = make_path(s, dir, account, source, e);
	if (r == 0)
		r = open_locked(s, e);
	if (r == 0)
		r = state_file_load(s, source, damaged_out, e);
	if (r)
		state_close(out);
	return r;
}

void state_close(struct state **sp)
{
	struct state *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	buf_fini(&s->record);
	state_free_folders(s);
	free(s);
}
