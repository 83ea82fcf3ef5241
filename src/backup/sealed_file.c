#include "backup/repository_priv.h"
#include "rt/crypto.h"

#define SEALED_FILE_MAX (FILE_HEAD_SIZE + RECORD_HEAD_SIZE + CHUNK_MAX + 4096)

static const char *folder_of(enum file_kind kind) { return kind == FILE_SNAPSHOT ? SNAPSHOT_FOLDER : NOTE_FOLDER; }
static enum record_kind record_of(enum file_kind kind) { return kind == FILE_SNAPSHOT ? RECORD_SNAPSHOT : RECORD_NOTE; }

static int encode(struct repository *r, enum file_kind kind, struct str content, struct buf *out)
{
	struct file_head h = { .kind = (uint8_t)kind, .cipher = r->sealer.sealed ? CIPHER_AES_256_GCM : CIPHER_NONE, .repository = r->id };
	struct crypto_seal *key = NULL;
	struct chunk_id id;
	uint8_t *head = (uint8_t *)buf_reserve(out, FILE_HEAD_SIZE);
	if (!head)
		return ERR_NO_MEMORY;
	crypto_random(h.salt, sizeof(h.salt));
	file_head_encode(&h, head);
	out->n += FILE_HEAD_SIZE;
	int e = sealer_file_key(&r->sealer, h.salt, &key);
	if (e == 0)
		e = sealer_id(&r->sealer, content, &id);
	if (e == 0)
		e = sealer_record(&r->sealer, key, record_of(kind), &id, content, FILE_HEAD_SIZE, out);
	crypto_seal_destroy(&key);
	return e;
}

int sealed_file_put(struct repository *r, enum file_kind kind, const char *name, struct str bytes)
{
	struct buf content = BUF_INIT(CHUNK_MAX), file = BUF_INIT(SEALED_FILE_MAX + CHUNK_MAX);
	struct new_file f;
	if (bytes.n + strlen(name) + 1 >= CHUNK_MAX)
		return ERR_TOO_BIG;
	buf_add_u8(&content, (uint8_t)strlen(name));
	buf_add_c(&content, name);
	buf_add_str(&content, bytes);
	int e = content.failed ? ERR_NO_MEMORY : encode(r, kind, buf_str(&content), &file);
	if (e == 0)
		e = new_file_open(r->dir_fd, &f);
	if (e == 0) {
		e = new_file_write(&f, file.p, file.n);
		if (e)
			new_file_drop(r->dir_fd, &f);
		else
			e = new_file_keep(r->dir_fd, &f, folder_of(kind), name);
	}
	buf_fini(&content);
	buf_fini(&file);
	return e;
}

static int decode(struct repository *r, enum file_kind kind, const char *name, struct str file, struct buf *out)
{
	struct file_head h;
	struct record_head record;
	struct crypto_seal *key = NULL;
	struct buf content = BUF_INIT(CHUNK_MAX);
	size_t n = strlen(name);
	const uint8_t *p = (const uint8_t *)file.p;
	int e = file.n < FILE_HEAD_SIZE + RECORD_HEAD_SIZE ? ERR_CORRUPT : file_head_decode(p, &h);
	if (e)
		return e;
	if (h.kind != kind || h.repository != r->id || (h.cipher != CIPHER_NONE) != r->sealer.sealed ||
		record_head_decode(p + FILE_HEAD_SIZE, &record) < 0 || record.kind != record_of(kind))
		return ERR_CORRUPT;
	e = sealer_file_key(&r->sealer, h.salt, &key);
	if (e == 0)
		e = sealer_open(&r->sealer, key, p + FILE_HEAD_SIZE, str_from(file, FILE_HEAD_SIZE + RECORD_HEAD_SIZE), FILE_HEAD_SIZE, &content);
	crypto_seal_destroy(&key);
	/* the name inside: nobody can give one snapshot out as another */
	if (e == 0 && (content.n < 1 + n || (uint8_t)content.p[0] != n || memcmp(content.p + 1, name, n) != 0))
		e = ERR_CORRUPT;
	if (e == 0)
		buf_add_str(out, str_from(buf_str(&content), 1 + n));
	buf_fini(&content);
	return e ? e : out->failed ? ERR_NO_MEMORY : 0;
}

int sealed_file_get(struct repository *r, enum file_kind kind, const char *name, struct buf *out)
{
	struct buf file = BUF_INIT(SEALED_FILE_MAX);
	int e = file_read(r->dir_fd, folder_of(kind), name, SEALED_FILE_MAX, &file);
	if (e == 0)
		e = decode(r, kind, name, buf_str(&file), out);
	buf_fini(&file);
	return e;
}
