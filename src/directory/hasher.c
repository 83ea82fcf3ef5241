#include "directory/hasher.h"

#include "rt/crypto.h"

#include <crypt.h>
#include <pthread.h>
#include <time.h>

_Static_assert(PASSWORD_HASH_MAX == CRYPT_OUTPUT_SIZE, "crypt(3) writes this much");
_Static_assert(PASSWORD_PREPARED_MAX < CRYPT_MAX_PASSPHRASE_SIZE, "crypt(3) takes this much");

#define HASH_KIND "$y$"     /* yescrypt, of the cost that the library holds for right */
#define HASH_SALT 16

/* Who waits for a turn, on its own stack. */
struct waiter {
	pthread_cond_t called;
	bool has_turn;
	struct waiter *next;
};

struct hasher {
	pthread_mutex_t lock;   /* innermost: nothing is taken under it */
	unsigned places;        /* vacant; none while somebody waits */
	struct waiter *first, **last;
	uint64_t wait_ms;
	char made_up[CRYPT_GENSALT_OUTPUT_SIZE];
};

static int new_setting(char out[CRYPT_GENSALT_OUTPUT_SIZE])
{
	char salt[HASH_SALT];
	crypto_random(salt, sizeof(salt));
	return crypt_gensalt_rn(HASH_KIND, 0, salt, sizeof(salt), out, CRYPT_GENSALT_OUTPUT_SIZE) ? 0 : ERR_UNSUPPORTED;
}

int hasher_create(unsigned parallel, uint64_t wait_ms, struct hasher **out)
{
	struct hasher *h = calloc(1, sizeof(*h));
	*out = NULL;
	if (!h)
		return ERR_NO_MEMORY;
	h->places = parallel;
	h->wait_ms = wait_ms;
	h->last = &h->first;
	int code = new_setting(h->made_up);
	if (code != 0) {
		free(h);
		return code;
	}
	pthread_mutex_init(&h->lock, NULL);
	*out = h;
	return 0;
}

void hasher_destroy(struct hasher **h)
{
	if (!*h)
		return;
	pthread_mutex_destroy(&(*h)->lock);
	free(*h);
	*h = NULL;
}

static struct timespec deadline_in(uint64_t ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* Takes somebody who was not called out of the queue. The lock is held. */
static void leave_queue(struct hasher *h, const struct waiter *w)
{
	struct waiter **at = &h->first;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (!w->next)
		h->last = at;
}

/* In the queue until somebody who ends calls. The lock is held. */
static int wait_for_turn(struct hasher *h)
{
	struct waiter w = { .has_turn = false };
	struct timespec until = deadline_in(h->wait_ms);
	pthread_condattr_t attributes;
	int failed = 0;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&w.called, &attributes);
	pthread_condattr_destroy(&attributes);
	*h->last = &w;
	h->last = &w.next;        /* cppcheck-suppress autoVariables ; hasher_end or leave_queue takes it out before this returns */
	while (!w.has_turn && !failed)
		failed = pthread_cond_timedwait(&w.called, &h->lock, &until);
	if (!w.has_turn)
		leave_queue(h, &w);
	pthread_cond_destroy(&w.called);
	return w.has_turn ? 0 : ERR_TIMEOUT;
}

int hasher_begin(struct hasher *h)
{
	int code = 0;
	pthread_mutex_lock(&h->lock);
	if (h->places > 0)
		h->places--;
	else
		code = wait_for_turn(h);
	pthread_mutex_unlock(&h->lock);
	return code;
}

void hasher_end(struct hasher *h)
{
	pthread_mutex_lock(&h->lock);
	struct waiter *w = h->first;
	if (w) {
		h->first = w->next;
		if (!h->first)
			h->last = &h->first;
		w->has_turn = true;
		pthread_cond_signal(&w->called);        /* under the lock: w is gone when its thread has it */
	} else {
		h->places++;
	}
	pthread_mutex_unlock(&h->lock);
}

/* crypt(3), in a turn. *ok_out: the setting was good, out is the hash. */
static int hash(const struct password *p, const char *setting, char out[PASSWORD_HASH_MAX], bool *ok_out)
{
	struct crypt_data *data = calloc(1, sizeof(*data));     /* 32 KB: not for the stack */
	if (!data)
		return ERR_NO_MEMORY;
	const char *made = crypt_rn(p->bytes, setting, data, sizeof(*data));
	*ok_out = made && str_copy_c(out, PASSWORD_HASH_MAX, str_from_c(made));
	crypto_wipe(data, sizeof(*data));
	free(data);
	return 0;
}

static int hash_in_turn(struct hasher *h, const struct password *p, const char *setting, char out[PASSWORD_HASH_MAX], bool *ok_out)
{
	int code = hasher_begin(h);
	if (code != 0)
		return code;
	code = hash(p, setting, out, ok_out);
	hasher_end(h);
	return code;
}

int hasher_hash(struct hasher *h, const struct password *p, char out[PASSWORD_HASH_MAX])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	bool ok = false;
	int code = new_setting(setting);
	if (code == 0)
		code = hash_in_turn(h, p, setting, out, &ok);
	return code == 0 && !ok ? ERR_NO_MEMORY : code;
}

int hasher_check(struct hasher *h, const struct password *p, struct str stored, bool *match_out)
{
	char setting[PASSWORD_HASH_MAX], made[PASSWORD_HASH_MAX];
	bool known = stored.n > 0 && str_copy_c(setting, sizeof(setting), stored);
	bool ok = false;
	int code = hash(p, known ? setting : h->made_up, made, &ok);
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
	int code = hash_in_turn(h, &any, setting, made, &ok);
	if (code != 0)
		return code;
	return ok && strlen(made) == stored.n ? 0 : ERR_INVALID;
}
