/* A user as another directory has one: what a backup gives back. */
#include "directory/app_password_inside.h"

#include "rt/crypto.h"

struct copying {
	struct name name;
	struct buf record;
	struct buf passwords;                    /* le32 sizes, keys and values */
};

static int take_password(void *arg, struct str key, struct str value)
{
	struct buf *b = arg;
	buf_add_le32(b, (uint32_t)key.n);
	buf_add_le32(b, (uint32_t)value.n);
	buf_add_str(b, key);
	buf_add_str(b, value);
	return 0;
}

static int take(struct store_read *r, void *arg)
{
	struct copying *c = arg;
	struct user_record u;
	struct str value;
	struct key passwords = app_password_keys(&c->name);
	buf_reset(&c->record);
	buf_reset(&c->passwords);
	int code = user_read(r, &c->name, &value, &u);
	if (code == 0) {
		buf_add_str(&c->record, value);
		code = directory_visit(r, &passwords, take_password, &c->passwords);
	}
	return code == 0 && (c->record.failed || c->passwords.failed) ? ERR_NO_MEMORY : code;
}

static int put_passwords(struct store_write *w, void *arg)
{
	const struct copying *copying = arg;
	struct cursor c = cursor_make(buf_str(&copying->passwords));
	int code = 0;
	while (code == 0 && cursor_left(&c)) {
		uint32_t key_n = cursor_le32(&c), value_n = cursor_le32(&c);
		struct str key = cursor_bytes(&c, key_n), value = cursor_bytes(&c, value_n);
		code = c.bad ? ERR_BUG : store_put(w, key, value);
	}
	return code;
}

static void wipe(struct buf *b)
{
	if (b->p)
		crypto_wipe(b->p, b->cap);
	buf_fini(b);
}

int directory_user_copy(struct directory *d, struct directory *from, struct str name_from, struct str name, uint64_t account, struct err *e)
{
	struct copying c = { .record = BUF_INIT(0), .passwords = BUF_INIT(0) };
	struct user_record u;
	struct name to;
	int code = name_parse(name_from, &c.name);
	if (code == 0)
		code = name_parse(name, &to);
	if (code != 0)
		return err_set(e, ERR_INVALID, "not an address", "\"%.*s\" or \"%.*s\" is no address", STR_ARG(name_from), STR_ARG(name));
	code = directory_read(from, take, &c);
	if (code == 0)
		code = user_record_parse(buf_str(&c.record), &u);
	u.account = account;
	if (code != 0)
		err_set(e, code, NULL, "user %.*s as it was: %s", STR_ARG(name_from), err_text(code));
	else   /* the hashes of those for programs have the user's name in them */
		code = user_add_record(d, name, &u, str_eq(name_str(&to), name_str(&c.name)) ? put_passwords : NULL, &c, e);
	wipe(&c.record);
	wipe(&c.passwords);
	return code;
}
