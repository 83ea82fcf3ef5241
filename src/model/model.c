#include "base/clock.h"
#include "model/keys.h"
#include "model/limits.h"
#include "model/model_private.h"
#include "model/registry.h"
#include "model/state.h"

#include <errno.h>
#include <sys/random.h>

/* Commits are told apart by a number that no other process draws (change.h). */
static int draw_nonce(struct model *m, struct err *e)
{
	uint64_t nonce;
	if (getrandom(&nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
		return err_from_errno(e, errno, "random number for the model");
	atomic_init(&m->nonce, nonce);
	return 0;
}

int model_open(struct store *s, const struct model_config *c, struct model **out, struct err *e)
{
	*out = NULL;
	struct model *m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(e, ERR_NO_MEMORY, NULL, "model");
	m->store = s;
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->across_lock, NULL);
	int rc = draw_nonce(m, e);
	uint64_t cache = c && c->view_cache_bytes ? c->view_cache_bytes : VIEW_CACHE_BYTES_DEFAULT;
	if (!rc && (map_create(&m->accounts) || view_cache_create(cache, &m->views)))
		rc = err_set(e, ERR_NO_MEMORY, NULL, "model");
	if (rc)
		model_close(&m);
	*out = m;
	return rc;
}

void model_close(struct model **m)
{
	if (!m || !*m)
		return;
	if ((*m)->accounts)
		accounts_drop_idle(*m, 0);
	map_destroy(&(*m)->accounts);
	view_cache_destroy(&(*m)->views);
	pthread_mutex_destroy(&(*m)->lock);
	pthread_mutex_destroy(&(*m)->across_lock);
	free(*m);
	*m = NULL;
}

struct store *model_store(struct model *m) { return m->store; }

void model_on_emails(struct model *m, void (*fn)(void *arg, uint64_t account), void *arg)
{
	m->on_emails = fn;
	m->on_emails_arg = arg;
}

int scope_read(struct model *m, struct store_scope scope, read_fn *fn, void *arg)
{
	int rc = ERR_RETRY;
	for (unsigned tries = 0; rc == ERR_RETRY && tries < READ_RETRIES_MAX; tries++) {
		struct store_read *r;
		rc = store_begin(m->store, scope, &r);
		if (rc)
			continue;
		rc = fn(r, arg);
		store_end(&r);
	}
	return rc;
}

static int read_state(struct store_read *r, void *arg) { return state_load(source_read(r), arg); }

int account_state(struct model *m, uint64_t account, struct state *out)
{
	return account_read(m, account, read_state, out);
}

int model_accounts(struct model *m, struct arena *arena, uint64_t **out, size_t *n_out)
{
	size_t n;
	int rc = registry_list(m, arena, out, &n);
	*n_out = 0;
	for (size_t i = 0; !rc && i < n; i++) {
		struct state state;
		rc = account_state(m, (*out)[i], &state);
		/* An account whose state is damaged is one all the same. */
		if (rc == 0 || err_class(rc) == ERR_CLASS_PERMANENT)
			(*out)[(*n_out)++] = (*out)[i];
		if (err_class(rc) != ERR_CLASS_TEMPORARY)
			rc = 0;
	}
	return rc;
}

int model_put_blob(struct model *m, const struct str *pieces, size_t n_pieces, const uint64_t *accounts,
				   size_t n_accounts, store_blob_id *out)
{
	*out = 0;
	if (n_accounts == 0 || n_accounts > STORE_TAGS_MAX)
		return n_accounts ? ERR_TOO_BIG : ERR_INVALID;
	store_tag few[16];
	store_tag *tags = n_accounts <= 16 ? few : calloc(n_accounts, sizeof(*tags));
	if (!tags)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n_accounts; i++)
		tags[i] = account_tag(accounts[i]);
	int rc = store_blob_put(m->store, pieces, n_pieces, tags, n_accounts, out);
	if (tags != few)
		free(tags);
	return rc;
}

static int read_sentence(struct store_read *r, void *arg)
{
	struct key key = key_condemned(*(const store_blob_id *)arg);
	struct str value;
	return store_get(r, key_str(&key), &value);
}

void model_drop_blob(struct model *m, store_blob_id blob, uint64_t account)
{
	/* What a check has condemned is the check's: it takes the tag away itself, or has given the body to the mailbox Recovered. If this fails, a stale tag is left,
	 * which model_check finds. */
	if (blob && account_read(m, account, read_sentence, &blob) == ERR_NOT_FOUND)
		store_blob_untag(m->store, &blob, 1, account_tag(account));
}
