#include "model/bin_fixture.h"

#include "model/bin.h"

void keep_for(struct fixture *f, int64_t seconds, uint64_t bytes, unsigned percent)
{
	model_set_keep(f->model, &(struct model_keep){ seconds, bytes, percent });
	model_set_keep(f->plain_model, &(struct model_keep){ seconds, bytes, percent });
}

struct mailbox bin_of(struct fixture *f)
{
	struct mailbox m;
	FIXTURE_OK(bin_find(f->account, &f->arena, &m));
	assert_true(m.bin);
	return m;
}

void expunge_uids(struct fixture *f, uint32_t mailbox, const char *uids)
{
	struct rangeset set = fixture_uids(uids);
	FIXTURE_OK(mailbox_expunge(f->account, mailbox, &set, false, NULL, NULL));
	rangeset_fini(&set);
}

uint64_t restore_uids(struct fixture *f, uint32_t origin, const char *uids, struct mailbox *out)
{
	struct rangeset set = fixture_uids(uids);
	uint64_t n;
	FIXTURE_OK(bin_restore(f->account, &f->arena, origin, &set, out, &n));
	rangeset_fini(&set);
	return n;
}

struct message message_at(struct fixture *f, uint32_t mailbox, uint32_t index)
{
	struct view *v;
	assert_int_equal(view_open(f->account, mailbox, &v), 0);
	struct message m = view_at(v, index);
	view_unref(&v);
	return m;
}

void assert_body(struct fixture *f, uint32_t mailbox, uint32_t index, const char *text)
{
	struct store_blob_view body;
	assert_int_equal(email_map(f->account, message_at(f, mailbox, index).email, &body), 0);
	assert_int_equal(body.bytes.n, strlen(text));
	assert_memory_equal(body.bytes.p, text, body.bytes.n);
	email_unmap(f->account, &body);
}
