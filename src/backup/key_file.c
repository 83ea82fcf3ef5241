#include "backup/repository_priv.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "rt/crypto.h"

#define SEALED_KEYS (2 * CRYPTO_SEAL_KEY + CRYPTO_SEAL_TAG)
#define KEY_FILE_MAX 4096                         /* bytes; we write FILE_HEAD_SIZE, or FILE_HEAD_SIZE + SEALED_KEYS + 4 */

static const char *const copies[] = { "repository", "repository.copy" };

/* The passphrase's key seals once only, for its salt is new: the nonce is zero. */
static const uint8_t nonce[CRYPTO_SEAL_NONCE];

static int passphrase_key(struct str passphrase, const struct file_head *h, struct crypto_seal **out)
{
	uint8_t key[CRYPTO_SEAL_KEY];
	*out = NULL;
	int r = crypto_scrypt(passphrase, str_make(h->salt, FILE_SALT_SIZE), h->log2_n, h->r, key, sizeof(key));
	if (r == 0)
		r = crypto_seal_create(key, out);
	crypto_wipe(key, sizeof(key));
	return r;
}

static int keys_make(struct repository *r, struct str passphrase, struct file_head *h, const uint8_t *head, uint8_t out[SEALED_KEYS])
{
	uint8_t keys[2 * CRYPTO_SEAL_KEY];
	struct crypto_seal *seal;
	int e = passphrase_key(passphrase, h, &seal);
	if (e)
		return e;
	crypto_random(keys, sizeof(keys));
	memcpy(r->sealer.seal_key, keys, CRYPTO_SEAL_KEY);
	memcpy(r->sealer.id_key, keys + CRYPTO_SEAL_KEY, CRYPTO_SEAL_KEY);
	e = crypto_seal_close(seal, nonce, str_make(head, FILE_HEAD_SIZE), str_make(keys, sizeof(keys)), out);
	crypto_seal_destroy(&seal);
	crypto_wipe(keys, sizeof(keys));
	return e;
}

static int copy_write(struct repository *r, const char *name, struct str bytes)
{
	struct new_file f;
	int e = new_file_open(r->dir_fd, &f);
	if (e)
		return e;
	e = new_file_write(&f, bytes.p, bytes.n);
	if (e == 0)
		return new_file_keep(r->dir_fd, &f, "", name);
	new_file_drop(r->dir_fd, &f);
	return e;
}

int key_file_make(struct repository *r, struct str passphrase)
{
	uint8_t bytes[FILE_HEAD_SIZE + SEALED_KEYS + 4];
	size_t n = FILE_HEAD_SIZE;
	struct file_head h = { .kind = FILE_REPOSITORY };
	crypto_random(h.salt, sizeof(h.salt));
	crypto_random(&h.repository, sizeof(h.repository));
	if (passphrase.n > 0)
		h.cipher = CIPHER_AES_256_GCM, h.log2_n = SCRYPT_LOG2_N, h.r = SCRYPT_R;
	file_head_encode(&h, bytes);
	if (passphrase.n > 0) {
		int e = keys_make(r, passphrase, &h, bytes, bytes + n);
		if (e)
			return e;
		store_le32(bytes + n + SEALED_KEYS, hash_crc32c(0, bytes + n, SEALED_KEYS));
		n = sizeof(bytes);
	}
	r->sealer.sealed = passphrase.n > 0;
	r->id = h.repository;
	/* the one that is looked at for whether there is a repository comes last */
	int e = copy_write(r, copies[1], str_make(bytes, n));
	return e ? e : copy_write(r, copies[0], str_make(bytes, n));
}

static int copy_parse(struct str bytes, struct file_head *out)
{
	const uint8_t *p = (const uint8_t *)bytes.p;
	int e = bytes.n < FILE_HEAD_SIZE ? ERR_CORRUPT : file_head_decode(p, out);
	if (e)
		return e;
	if (out->kind != FILE_REPOSITORY)
		return ERR_CORRUPT;
	if (out->cipher == CIPHER_NONE)
		return bytes.n == FILE_HEAD_SIZE ? 0 : ERR_CORRUPT;
	return bytes.n == FILE_HEAD_SIZE + SEALED_KEYS + 4 && load_le32(p + FILE_HEAD_SIZE + SEALED_KEYS) == hash_crc32c(0, p + FILE_HEAD_SIZE, SEALED_KEYS)
		? 0 : ERR_CORRUPT;
}

static int keys_open(struct repository *r, struct str passphrase, const struct file_head *h, struct str bytes)
{
	uint8_t keys[2 * CRYPTO_SEAL_KEY];
	struct crypto_seal *seal;
	if (passphrase.n == 0)
		return ERR_DENIED;
	int e = passphrase_key(passphrase, h, &seal);
	if (e)
		return e;
	e = crypto_seal_open(seal, nonce, str_sub(bytes, 0, FILE_HEAD_SIZE), str_sub(bytes, FILE_HEAD_SIZE, SEALED_KEYS), keys);
	crypto_seal_destroy(&seal);
	if (e == 0) {
		memcpy(r->sealer.seal_key, keys, CRYPTO_SEAL_KEY);
		memcpy(r->sealer.id_key, keys + CRYPTO_SEAL_KEY, CRYPTO_SEAL_KEY);
	}
	crypto_wipe(keys, sizeof(keys));
	return e == ERR_CORRUPT ? ERR_DENIED : e;     /* its checksum holds: the passphrase is another */
}

/* The first copy that is sound, into out. ERR_NOT_FOUND when there is none of either. */
static int sound_copy(struct repository *r, struct buf *out, struct file_head *h, unsigned *damaged_out)
{
	int worst = ERR_NOT_FOUND;
	bool found = false;
	*damaged_out = 0;
	for (size_t i = 0; i < 2; i++) {
		struct buf b = BUF_INIT(KEY_FILE_MAX);
		struct file_head one;
		int e = file_read(r->dir_fd, "", copies[i], KEY_FILE_MAX, &b);
		if (e == 0)
			e = copy_parse(buf_str(&b), &one);
		if (e == 0 && !found) {
			*h = one;
			buf_add_str(out, buf_str(&b));
			found = true;
		} else if (e || !str_eq(buf_str(&b), buf_str(out))) {
			++*damaged_out;
			if (e != ERR_NOT_FOUND)
				worst = e ? e : ERR_CORRUPT;
		}
		buf_fini(&b);
		if (e == ERR_VERSION)
			return e;
	}
	return !found ? worst : out->failed ? ERR_NO_MEMORY : 0;
}

int key_file_load(struct repository *r, struct str passphrase)
{
	struct buf b = BUF_INIT(KEY_FILE_MAX);
	struct file_head h;
	unsigned damaged;
	int e = sound_copy(r, &b, &h, &damaged);
	if (e == 0) {
		r->id = h.repository;
		r->sealer.sealed = h.cipher != CIPHER_NONE;
		/* A passphrase for what is not encrypted: whoever gives it believes that it is. */
		e = r->sealer.sealed ? keys_open(r, passphrase, &h, buf_str(&b)) : passphrase.n > 0 ? ERR_DENIED : 0;
	}
	for (size_t i = 0; i < 2 && e == 0 && damaged && r->write; i++)
		e = copy_write(r, copies[i], buf_str(&b));
	buf_fini(&b);
	return e;
}

int key_file_check(struct repository *r, unsigned *damaged_out)
{
	struct buf b = BUF_INIT(KEY_FILE_MAX);
	struct file_head h;
	int e = sound_copy(r, &b, &h, damaged_out);
	buf_fini(&b);
	return e;
}
