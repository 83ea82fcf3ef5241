#include "backup/shot.h"

#include "backup/limits.h"
#include "model/transfer.h"

#include <stdlib.h>

struct taking {
	const struct shot_wish *wish;
	struct shot *shot;
	struct store_read *read;
	struct growth growth;
};

/* ---- a scope ---- */

static int add(struct shot *s, const struct shot_scope *scope)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct shot_scope *grown = reallocarray(s->v, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		s->v = grown;
		s->cap = cap;
	}
	s->v[s->n++] = *scope;
	return 0;
}

static int pack(const struct blob_ids *blobs, struct buf *out)
{
	store_blob_id last = 0;
	for (size_t i = 0; i < blobs->n; last = blobs->v[i++])
		buf_add_varint(out, blobs->v[i] - last);
	return out->failed ? ERR_NO_MEMORY : 0;
}

int shot_blobs(const struct shot_scope *s, struct blob_ids *out)
{
	struct cursor c = cursor_make(buf_str(&s->blobs));
	store_blob_id last = 0;
	*out = (struct blob_ids){ .v = reallocarray(NULL, s->messages + 1, sizeof(*out->v)) };
	if (!out->v)
		return ERR_NO_MEMORY;
	while (cursor_left(&c) && out->n < s->messages)
		out->v[out->n++] = last += cursor_varint(&c);
	return 0;
}

static int dump(struct taking *t, struct shot_scope *s)
{
	struct dump d;
	int rc = dump_read(t->read, s->scope.kind, t->wish->repository, t->wish->pace, &t->growth, &d);
	s->later = rc == ERR_RETRY || rc == DUMP_OVER;
	t->shot->bytes += d.bytes;
	if (!rc) {
		s->messages = d.messages;
		s->damaged = d.damaged;
		s->unread = d.unread;
		s->unread_keys = d.unread_keys;
		d.unread_keys = (struct buf)BUF_INIT(0);
		s->runs = d.runs;
		d.runs = (struct chunk_list){ NULL, 0, 0 };
		rc = pack(&d.blobs, &s->blobs);
	}
	dump_fini(&d);
	return s->later ? 0 : rc;
}

static int take(struct taking *t, struct store_scope scope)
{
	struct shot_scope s = { .scope = scope, .unread_keys = BUF_INIT(0), .blobs = BUF_INIT(0) };
	store_turn(t->read, scope);
	s.version = store_version(t->read);
	s.same = known_same(t->wish->known, scope, s.version);
	int rc = s.same ? 0 : dump(t, &s);
	if (!rc)
		rc = add(t->shot, &s);
	if (rc) {
		chunk_list_fini(&s.runs);
		buf_fini(&s.unread_keys);
		buf_fini(&s.blobs);
	}
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* ---- all ---- */

static int find_accounts(struct taking *t)
{
	const struct shot_wish *w = t->wish;
	struct buf ids = BUF_INIT(0);
	int rc = 0;
	if (w->everything)
		rc = transfer_accounts(t->read, &ids);
	else
		buf_add(&ids, w->accounts, w->n_accounts * sizeof(*w->accounts));
	if (!rc && ids.failed)
		rc = ERR_NO_MEMORY;
	t->shot->accounts = rc ? NULL : malloc(ids.n + 1);
	if (t->shot->accounts && ids.n)
		memcpy(t->shot->accounts, ids.p, ids.n);
	t->shot->n_accounts = t->shot->accounts ? ids.n / sizeof(uint64_t) : 0;
	buf_fini(&ids);
	return rc ? rc : t->shot->accounts ? 0 : ERR_NO_MEMORY;
}

/* In the order in which they would be taken one after another (run.c), should it be given up midway. */
static int take_all(struct taking *t)
{
	struct shot *s = t->shot;
	int rc = find_accounts(t);
	for (uint64_t shard = 0; !rc && t->wish->everything && shard < QUEUE_SHARDS_EVER; shard++)
		rc = take(t, (struct store_scope){ STORE_QUEUE, shard });
	while (!rc && s->n_looked_at < s->n_accounts && !growth_is_over(&t->growth)) {
		if (t->wish->progress)
			t->wish->progress(t->wish->arg, s->n_looked_at, s->n_accounts);
		rc = take(t, (struct store_scope){ STORE_ACCOUNT, s->accounts[s->n_looked_at++] });
	}
	s->whole = !rc && s->n_looked_at == s->n_accounts;
	return s->whole ? take(t, (struct store_scope){ STORE_SYSTEM, 0 }) : rc;
}

int shot_take(const struct shot_wish *wish, struct shot *out)
{
	*out = (struct shot){ .n = 0 };
	struct taking t = { .wish = wish, .shot = out };
	int rc = store_begin_all(wish->store, &t.read);
	if (rc)
		return rc;
	growth_begin(&t.growth, wish->store, wish->growth_max ? wish->growth_max : SHOT_GROWTH_MAX, wish->ms_max ? wish->ms_max : SHOT_MS_MAX);
	rc = take_all(&t);
	growth_look(&t.growth);
	store_end(&t.read);
	out->growth = t.growth.bytes;
	out->ms = t.growth.ms;
	return rc;
}

void shot_fini(struct shot *s)
{
	for (size_t i = 0; i < s->n; i++) {
		chunk_list_fini(&s->v[i].runs);
		buf_fini(&s->v[i].unread_keys);
		buf_fini(&s->v[i].blobs);
	}
	free(s->v);
	free(s->accounts);
	*s = (struct shot){ .n = 0 };
}
