#include "model/subscription.h"

#include "model/keys.h"
#include "model/limits.h"
#include "model/model_private.h"
#include "model/name.h"

/* A bucket (name.h): the names whose hash it is, each as 16 bits of length and the bytes. */
static bool next_name(struct cursor *c, struct str *out)
{
	if (cursor_left(c) == 0)
		return false;
	size_t n = cursor_u8(c);
	n |= (size_t)cursor_u8(c) << 8;
	*out = cursor_bytes(c, n);
	return !c->bad;
}

static void add_name(struct buf *b, struct str name)
{
	buf_add_u8(b, (uint8_t)name.n);
	buf_add_u8(b, (uint8_t)(name.n >> 8));
	buf_add_str(b, name);
}

/* All of the bucket but `name`; *had_out: was that in it? */
static int copy_others(struct str value, struct str name, struct buf *b, bool *had_out)
{
	int rc = record_check(value, RECORD_HEADER);
	if (rc)
		return rc;
	struct cursor c = cursor_make(str_from(value, RECORD_HEADER));
	struct str other;
	while (next_name(&c, &other)) {
		if (str_eq(other, name))
			*had_out = true;
		else
			add_name(b, other);
	}
	return c.bad ? ERR_CORRUPT : value.n > BUCKET_BYTES_MAX ? ERR_TOO_BIG : 0;
}

int subscription_has(struct source s, struct str name, bool *out)
{
	struct key key = key_subscription(name_hash(name));
	struct str value, other;
	*out = false;
	int rc = source_get(s, key_str(&key), &value);
	if (rc || record_check(value, RECORD_HEADER))
		return rc == ERR_NOT_FOUND ? 0 : rc;
	struct cursor c = cursor_make(str_from(value, RECORD_HEADER));
	while (!*out && next_name(&c, &other))
		*out = str_eq(other, name);
	return 0;
}

static int write_bucket(struct change *c, const struct key *key, struct buf *b)
{
	if (b->failed)
		return ERR_NO_MEMORY;
	if (b->n == RECORD_HEADER)
		return store_del(c->w, key_str(key));
	record_seal(b->p, b->n, 0, 0);
	return store_put(c->w, key_str(key), buf_str(b));
}

int subscription_change(struct change *c, struct str name, bool subscribed)
{
	struct key key = key_subscription(name_hash(name));
	struct buf b = BUF_INIT(0);
	struct str value;
	bool had = false;
	buf_add_le64(&b, 0);
	int rc = store_wget(c->w, key_str(&key), &value);
	rc = rc == ERR_NOT_FOUND ? 0 : rc ? rc : copy_others(value, name, &b, &had);
	if (!rc && had != subscribed) {
		if (subscribed && c->state.subscriptions >= SUBSCRIPTIONS_MAX)
			rc = ERR_TOO_BIG;
		if (subscribed)
			add_name(&b, name);
		if (!rc)
			rc = write_bucket(c, &key, &b);
		c->state.subscriptions += subscribed ? 1 : UINT32_MAX;
		changelog_add_plain(&c->log, LOG_SUBSCRIPTION, 0);
	}
	buf_fini(&b);
	return rc;
}

static int count_bucket(struct str key, struct str value, uint32_t *n)
{
	uint64_t hash;
	int rc = record_check(value, RECORD_HEADER);
	if (rc || !key_read_u64(key, KEY_SUBSCRIPTION, &hash))
		return rc ? rc : ERR_CORRUPT;
	struct cursor c = cursor_make(str_from(value, RECORD_HEADER));
	struct str name;
	bool right = true;
	for (; right && next_name(&c, &name); ++*n)
		right = name_hash(name) == hash;
	return right && !c.bad ? 0 : ERR_CORRUPT;
}

int subscription_count(struct source s, uint32_t *out, struct key *bad_out)
{
	struct key from = key_first(KEY_SUBSCRIPTION), to = key_after(KEY_SUBSCRIPTION);
	struct str key, value;
	int rc;
	*out = 0;
	while ((rc = source_find(s, key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		if (key.n + 1 > sizeof(from.p))
			return ERR_CORRUPT;
		struct key at = { .n = key.n };
		memcpy(at.p, key.p, key.n);
		rc = count_bucket(key, value, out);
		if (rc == ERR_CORRUPT && bad_out)
			*bad_out = at;
		if (rc)
			return rc;
		from = key_next(&at);
	}
	return rc;
}

struct set {
	struct str name;
	bool subscribed;
};

static int run(struct change *c, void *arg)
{
	const struct set *set = arg;
	return subscription_change(c, set->name, set->subscribed);
}

int subscription_set(struct account *a, struct str name, bool subscribed, struct err *e)
{
	char text[MAILBOX_NAME_MAX];
	struct set set = { .subscribed = subscribed };
	int rc = name_canonical(name, text, &set.name, e);
	if (rc)
		return rc;
	rc = commit_run(a->model, a->id, run, &set, NULL);
	return rc ? err_set(e, rc, rc == ERR_TOO_BIG ? "Too many subscriptions" : NULL, "subscription: %s", err_text(rc))
			  : 0;
}

struct is_set {
	struct str name;
	bool *out;
};

static int read_is_set(struct store_read *r, void *arg)
{
	const struct is_set *op = arg;
	return subscription_has(source_read(r), op->name, op->out);
}

int subscription_is_set(struct account *a, struct str name, bool *out)
{
	char text[MAILBOX_NAME_MAX];
	struct is_set op = { .out = out };
	*out = false;
	if (name_canonical(name, text, &op.name, NULL))
		return 0;
	return account_read(a->model, a->id, read_is_set, &op);
}

/* ---- listing ---- */

struct list {
	struct arena *arena;
	struct buf names;                             /* struct str each */
};

static int add_bucket(struct list *list, struct str value)
{
	int rc = record_check(value, RECORD_HEADER);
	if (rc)
		return rc;
	struct cursor c = cursor_make(str_from(value, RECORD_HEADER));
	struct str name;
	while (next_name(&c, &name)) {
		struct str copy = arena_dup(list->arena, name);
		if (!copy.p)
			return ERR_NO_MEMORY;
		buf_add(&list->names, &copy, sizeof(copy));
	}
	return c.bad ? ERR_CORRUPT : 0;
}

static int read_list(struct store_read *r, void *arg)
{
	struct list *list = arg;
	buf_reset(&list->names);
	struct state state;
	int rc = state_load(source_read(r), &state);
	if (rc)
		return rc;
	struct key from = key_first(KEY_SUBSCRIPTION), to = key_after(KEY_SUBSCRIPTION);
	struct store_iter *it;
	rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	struct str key, value;
	while ((rc = store_next(it, &key, &value)) == 1 && (rc = add_bucket(list, value)) == 0)
		;
	store_iter_end(&it);
	return rc ? rc : list->names.failed ? ERR_NO_MEMORY : 0;
}

static int compare(const void *a, const void *b)
{
	return name_compare(*(const struct str *)a, *(const struct str *)b);
}

int subscription_list(struct account *a, struct arena *arena, struct str **names_out, size_t *n_out)
{
	struct list list = { .arena = arena };
	*names_out = NULL;
	*n_out = 0;
	int rc = account_read(a->model, a->id, read_list, &list);
	size_t n = list.names.n / sizeof(struct str);
	if (!rc) {
		*names_out = arena_array(arena, n + 1, sizeof(struct str));
		rc = *names_out ? 0 : ERR_NO_MEMORY;
	}
	if (!rc && n) {
		memcpy(*names_out, list.names.p, list.names.n);
		qsort(*names_out, n, sizeof(struct str), compare);
		*n_out = n;
	}
	buf_fini(&list.names);
	return rc;
}
