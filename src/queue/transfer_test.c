/* A queue taken as pairs and put into another store: the same messages wait there, with their bodies, and nothing else. */
#include "queue/fixture.h"

#include "base/buf.h"
#include "queue/keys.h"
#include "queue/transfer.h"

static const struct store_scope shard = { STORE_QUEUE, 0 };

struct move {
	struct fixture *f;
	struct store *to;
	unsigned bodies;
};

static int new_blob(void *arg, store_blob_id old, store_blob_id *out)
{
	struct move *m = arg;
	struct store_blob_view v;
	store_tag tag = store_tag_of(shard);
	assert_int_equal(store_blob_map(m->f->plain, old, &v), 0);
	assert_int_equal(store_blob_put(m->to, &v.bytes, 1, &tag, 1, out), 0);
	store_blob_unmap(m->f->plain, &v);
	m->bodies++;
	return 0;
}

struct pair { struct str key; struct buf *value; };
static int put(struct store_write *w, void *arg)
{
	struct pair *p = arg;
	return store_put(w, p->key, buf_str(p->value));
}

static void move_pair(struct move *m, struct str key, struct str value)
{
	store_blob_id blob;
	bool damaged;
	if (!queue_transfer_look(key, value, &blob, &damaged)) {
		assert_int_equal(key.p[0], KEY_UNTAG);
		return;
	}
	assert_false(damaged);
	struct buf moved = BUF_INIT(0);
	buf_add_str(&moved, value);
	assert_int_equal(queue_transfer_move(key, &moved, new_blob, m), 0);
	assert_int_equal(store_commit(m->to, shard, put, &(struct pair){ key, &moved }), 0);
	buf_fini(&moved);
}

static int count_item(void *arg, const struct queue_item *item)
{
	struct buf *b = arg;
	buf_printf(b, "%.*s>", STR_ARG(item->envelope.sender));
	for (size_t i = 0; i < item->n_recipients; i++)
		buf_printf(b, "%.*s ", STR_ARG(item->recipients[i].r.address));
	return 0;
}

static void the_same_elsewhere(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	struct move m = { .f = f };
	struct queue *q;
	fixture_submit(f, "s@example.com > a@example.net b@example.org");
	fixture_submit(f, "> c@example.org");
	assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_MEM }, &m.to, &e), 0);
	store_blob_id other;
	struct str text = STR("so that ids differ");
	assert_int_equal(store_blob_put(m.to, &text, 1, NULL, 0, &other), 0);
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	assert_int_equal(store_begin(f->plain, shard, &r), 0);
	assert_int_equal(store_range(r, STR("\0"), STR_NONE, false, &it), 0);
	while (store_next(it, &key, &value) == 1)
		move_pair(&m, key, value);
	store_iter_end(&it);
	store_end(&r);
	assert_int_equal(m.bodies, 2);
	assert_int_equal(queue_open(m.to, NULL, &q, &e), 0);
	struct buf b = BUF_INIT(0), there = BUF_INIT(0);
	assert_int_equal(queue_list(f->queue, &(struct queue_filter){ 0 }, count_item, &b), 0);
	assert_int_equal(queue_list(q, &(struct queue_filter){ 0 }, count_item, &there), 0);
	assert_true(str_eq(buf_str(&b), buf_str(&there)));
	uint64_t faults = 1;
	assert_int_equal(queue_check(q, false, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
	buf_fini(&b);
	buf_fini(&there);
	queue_close(&q);
	store_close(&m.to);
}

int main(void)
{
	const struct CMUnitTest tests[] = { FIXTURE_TEST(the_same_elsewhere) };
	return fixture_run("transfer", tests, sizeof(tests) / sizeof(*tests));
}
