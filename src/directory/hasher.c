#include "directory/hasher.h"

#include "rt/crypto.h"

#include <crypt.h>
#include <pthread.h>
#include <time.h>

_Static_assert(PASSWORD_HASH_MAX == CRYPT_OUTPUT_SIZE, "crypt(3) writes this much");
_Static_assert(PASSWORD_PREPARED_MAX < CRYPT_MAX_PASSPHRASE_SIZE, "crypt(3) takes this much");

#define HASH_KIND "$y$"     /* yescrypt, of the cost that the library holds for right */
#define HASH_SALT 16

struct hasher {
	pthread_mutex_t lock;   /* innermost: nothing is taken under it */
	pthread_cond_t freed;
	unsigned places;
	char made_up[CRYPT_GENSALT_OUTPUT_SIZE];
};

static int new_setting(char out[CRYPT_GENSALT_OUTPUT_SIZE])
{
	char salt[HASH_SALT];
	crypto_random(salt, sizeof(salt));
	return crypt_gensalt_rn(HASH_KIND, 0, salt, sizeof(salt), out, CRYPT_GENSALT_OUTPUT_SIZE) ? 0 : ERR_UNSUPPORTED;
}

int hasher_create(unsigned parallel, struct hasher **out)
{
	struct hasher *h = calloc(1, sizeof(*h));
	*out = NULL;
	if (!h)
		return ERR_NO_MEMORY;
	h->places = parallel;
	int code = new_setting(h->made_up);
	if (code != 0) {
		free(h);
		return code;
	}
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->freed, &attributes);
	pthread_condattr_destroy(&attributes);
	*out = h;
	return 0;
}

void hasher_destroy(struct hasher **h)
{
	if (!*h)
		return;
	pthread_cond_destroy(&(*h)->freed);
	pthread_mutex_destroy(&(*h)->lock);
	free(*h);
	*h = NULL;
}

static int take_place(struct hasher *h)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += HASH_WAIT_MS / 1000;
	int code = 0;
	pthread_mutex_lock(&h->lock);
	while (h->places == 0 && code == 0)
		code = pthread_cond_timedwait(&h->freed, &h->lock, &until);
	bool got = h->places > 0;
	if (got)
		h->places--;
	pthread_mutex_unlock(&h->lock);
	return got ? 0 : ERR_BUSY;
}

static void give_place(struct hasher *h)
{
	pthread_mutex_lock(&h->lock);
	h->places++;
	pthread_cond_signal(&h->freed);
	pthread_mutex_unlock(&h->lock);
}

/* crypt(3) within the limit. *ok_out: the setting was good, out is the hash. */
static int hash(struct hasher *h, const struct password *p, const char *setting, char out[PASSWORD_HASH_MAX],
				bool *ok_out)
{
	struct crypt_data *data = calloc(1, sizeof(*data));     /* 32 KB: not for the stack */
	if (!data)
		return ERR_NO_MEMORY;
	int code = take_place(h);
	if (code == 0) {
		const char *made = crypt_rn(p->bytes, setting, data, sizeof(*data));
		*ok_out = made && str_copy_c(out, PASSWORD_HASH_MAX, str_from_c(made));
		give_place(h);
	}
	crypto_wipe(data, sizeof(*data));
	free(data);
	return code;
}

int hasher_hash(struct hasher *h, const struct password *p, char out[PASSWORD_HASH_MAX])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	bool ok = false;
	int code = new_setting(setting);
	if (code == 0)
		code = hash(h, p, setting, out, &ok);
	return code == 0 && !ok ? ERR_NO_MEMORY : code;
}

int hasher_check(struct hasher *h, const struct password *p, struct str stored, bool *match_out)
{
	char setting[PASSWORD_HASH_MAX], made[PASSWORD_HASH_MAX];
	bool known = stored.n > 0 && str_copy_c(setting, sizeof(setting), stored);
	bool ok = false;
	int code = hash(h, p, known ? setting : h->made_up, made, &ok);
	/* What crypt(3) cannot do with a stored hash that was accepted once is for want of its 16 MB. */
	if (code == 0 && !ok)
		code = ERR_NO_MEMORY;
	*match_out = code == 0 && known && str_eq_secret(str_from_c(made), stored);
	return code;
}

int hasher_check_import(struct hasher *h, struct str stored)
{
	static const char *const kinds[] = { "$y$", "$6$", "$5$", "$2a$", "$2b$", "$2y$" };
	bool known = false, ok = false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		known |= str_starts(stored, str_from_c(kinds[i]));
	char setting[PASSWORD_HASH_MAX], made[PASSWORD_HASH_MAX];
	if (!known || memchr(stored.p, 0, stored.n) || !str_copy_c(setting, sizeof(setting), stored) ||
		crypt_checksalt(setting) != CRYPT_SALT_OK)
		return ERR_INVALID;
	/* A setting without its hash, or a hash cut short, would match nothing for ever: hash anything, compare lengths. */
	const struct password any = { .bytes = "x", .n = 1 };
	int code = hash(h, &any, setting, made, &ok);
	if (code != 0)
		return code;
	return ok && strlen(made) == stored.n ? 0 : ERR_INVALID;
}
