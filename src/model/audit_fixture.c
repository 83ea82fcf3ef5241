#include "model/audit_fixture.h"

#include "model/audit.h"

/* ---- doing damage ---- */

static int edit(struct store_write *w, void *arg)
{
	const struct edit *e = arg;
	if (e->how == DELETE)
		return store_del(w, key_str(&e->key));
	if (e->how == PUT)
		return store_put(w, key_str(&e->key), e->value);
	struct str value;
	int rc = store_wget(w, key_str(&e->key), &value);
	if (rc)
		return rc;
	char copy[4000];
	assert_true(value.n <= sizeof(copy));
	memcpy(copy, value.p, value.n);
	if (e->bit)
		copy[e->bit / 8 % value.n] ^= (char)(1u << e->bit % 8);
	else
		copy[value.n - 1] ^= 0x44;
	return store_put(w, key_str(&e->key), str_make(copy, value.n));
}

void damage(struct fixture *f, struct edit e)
{
	assert_int_equal(store_commit(f->store, (struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT }, edit, &e), 0);
}

void damage_flip(struct fixture *f, struct key key) { damage(f, (struct edit){ .key = key, .how = FLIP }); }
void damage_del(struct fixture *f, struct key key) { damage(f, (struct edit){ .key = key, .how = DELETE }); }

void damage_rename(struct fixture *f, struct key key, struct key to)
{
	struct store_read *r;
	struct str value;
	char copy[4000];
	assert_int_equal(store_begin(f->store, (struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT }, &r), 0);
	assert_int_equal(store_get(r, key_str(&key), &value), 0);
	assert_true(value.n <= sizeof(copy));
	memcpy(copy, value.p, value.n);
	value.p = copy;
	store_end(&r);
	damage(f, (struct edit){ .key = to, .how = PUT, .value = value });
	damage_del(f, key);
}

/* ---- looking ---- */

void found_note(void *arg, const char *line)
{
	struct found *found = arg;
	found->lines++;
	size_t n = strlen(found->text);
	snprintf(found->text + n, sizeof(found->text) - n, "%s\n", line);
}

void assert_found(struct fixture *f, const char *expected)
{
	struct found found = { .lines = 0 };
	uint64_t faults;
	assert_int_equal(model_check(f->model, FIXTURE_ACCOUNT, false, found_note, &found, &faults), 0);
	assert_int_equal(faults, found.lines);
	if (!strstr(found.text, expected))
		fail_msg("\"%s\" is not in:\n%s", expected, found.text);
}

void assert_mended(struct fixture *f, const char *expected)
{
	assert_found(f, expected);
	uint64_t faults;
	assert_int_equal(model_check(f->model, 0, true, NULL, NULL, &faults), 0);
	assert_true(faults > 0);
	fixture_check(f);
}

void audit_fill(struct fixture *f)
{
	fixture_append(f, FIXTURE_INBOX, TEXT, MESSAGE_SEEN);
	fixture_append(f, FIXTURE_INBOX, TEXT "2", 0);
	fixture_append(f, FIXTURE_INBOX, TEXT "three", MESSAGE_DELETED);
	fixture_check(f);
}

void assert_readable(struct fixture *f, uint32_t mailbox)
{
	struct view *v;
	assert_int_equal(view_open(f->account, mailbox, &v), 0);
	for (uint32_t i = 0; i < view_count(v); i++) {
		struct store_blob_view body;
		assert_int_equal(email_map(f->account, view_at(v, i).email, &body), 0);
		assert_int_equal(body.bytes.n, view_at(v, i).size);
		email_unmap(f->account, &body);
	}
	view_unref(&v);
}
