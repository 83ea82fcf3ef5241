#include "model/url_key.h"

#include "model/keys.h"
#include "model/mailbox_record.h"
#include "model/model_private.h"

#define VALUE_SIZE (RECORD_HEADER + URL_KEY_SIZE)

static struct key key_of(uint64_t account, uint64_t holder, uint32_t mailbox)
{
	return holder == account ? key_url(mailbox) : key_url_abroad(mailbox, holder);
}

int url_key_check(struct str value)
{
	int rc = record_check(value, VALUE_SIZE);
	return rc ? rc : value.n == VALUE_SIZE ? 0 : ERR_CORRUPT;
}

int url_key_remove(struct change *c, uint32_t mailbox)
{
	struct key key = key_url(mailbox);
	return store_del(c->w, key_str(&key));
}

/* ---- looking ---- */

struct look {
	struct key key;
	uint8_t *out;
};

static int read_one(struct store_read *r, void *arg)
{
	struct look *look = arg;
	struct str value;
	int rc = store_get(r, key_str(&look->key), &value);
	if (!rc)
		rc = url_key_check(value);
	if (!rc)
		memcpy(look->out, value.p + RECORD_HEADER, URL_KEY_SIZE);
	return rc;
}

int account_url_key(struct account *a, uint64_t holder, uint32_t mailbox, uint8_t out[URL_KEY_SIZE])
{
	struct look look = { .key = key_of(a->id, holder, mailbox), .out = out };
	return account_read(a->model, a->id, read_one, &look);
}

/* ---- changing ---- */

struct set {
	uint64_t account, holder;
	uint32_t mailbox;
	bool replace;
	const uint8_t *fresh;
	uint8_t *out;
};

static int put(struct change *c, const struct set *s, const struct key *key)
{
	char value[VALUE_SIZE] = { 0 };
	memcpy(value + RECORD_HEADER, s->fresh, URL_KEY_SIZE);
	record_seal(value, sizeof(value), 0, 0);
	c->dirty = true;
	memcpy(s->out, s->fresh, URL_KEY_SIZE);
	return store_put(c->w, key_str(key), str_make(value, sizeof(value)));
}

static int run_set(struct change *c, void *arg)
{
	const struct set *s = arg;
	struct key key = key_of(s->account, s->holder, s->mailbox);
	struct mailbox_record mailbox;
	struct str value;
	/* A mailbox of this account that is gone gets no key, which nobody would take away. */
	int rc = s->holder == s->account ? mailbox_record_load(change_source(c), s->mailbox, &mailbox) : 0;
	if (rc)
		return rc;
	rc = s->replace ? ERR_NOT_FOUND : store_wget(c->w, key_str(&key), &value);
	if (!rc)
		rc = url_key_check(value);
	/* A damaged one opens nothing any more, so it may as well be a new one. */
	if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT)
		return put(c, s, &key);
	if (!rc)
		memcpy(s->out, value.p + RECORD_HEADER, URL_KEY_SIZE);
	return rc;
}

int account_url_key_make(struct account *a, uint64_t holder, uint32_t mailbox, bool replace, const uint8_t fresh[URL_KEY_SIZE], uint8_t out[URL_KEY_SIZE])
{
	struct set s = { .account = a->id, .holder = holder, .mailbox = mailbox, .replace = replace, .fresh = fresh, .out = out };
	return commit_run(a->model, a->id, run_set, &s, NULL);
}

static int run_clear(struct change *c, void *arg)
{
	(void)arg;
	struct key from = key_first(KEY_URL), to = key_after(KEY_URL);
	c->dirty = true;
	return store_del_range(c->w, key_str(&from), key_str(&to), NULL);
}

int account_url_keys_clear(struct account *a) { return commit_run(a->model, a->id, run_clear, NULL, NULL); }
