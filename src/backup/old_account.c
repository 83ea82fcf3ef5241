#include "backup/old_account.h"

#include "backup/limits.h"
#include "backup/put_pairs.h"
#include "model/transfer.h"

struct filling {
	struct put_pairs put;
	struct transfer transfer;
	struct buf value;
	bool is_account;
};

static int same_blob(void *arg, store_blob_id old, store_blob_id *out)
{
	(void)arg;
	*out = old;
	return 0;
}

static int put_pair(void *arg, struct str key, struct str value)
{
	struct filling *f = arg;
	buf_reset(&f->value);
	buf_add_str(&f->value, value);
	int rc = f->value.failed ? ERR_NO_MEMORY : f->is_account ? transfer_move(&f->transfer, key, &f->value) : 0;
	return rc ? rc : put_pairs_add(&f->put, key, buf_str(&f->value));
}

/* Of the directory what is left of it: *lost_out of *parts_out parts are not. */
static int fill(struct past *p, struct store_scope scope, struct store **out, uint64_t *lost_out, uint64_t *parts_out, struct err *e)
{
	const struct moment_scope *s = moment_find(&p->moment, scope);
	if (!s)
		return ERR_NOT_FOUND;
	if (p->moment.level > STORE_LEVEL_NEWEST)
		return err_set(e, ERR_VERSION, NULL, "the backup was made by a newer Troika (level %u; this one knows %u)", p->moment.level, STORE_LEVEL_NEWEST);
	int rc = store_open(&(struct store_config){ .engine = STORE_ENGINE_MEM, .level = p->moment.level }, out, e);
	if (rc)
		return rc;
	struct filling f = { .put = { .store = *out, .scope = scope, .run = BUF_INIT(CHUNK_MAX) }, .transfer = { .blob = same_blob },
						 .value = BUF_INIT(STORE_VALUE_MAX), .is_account = scope.kind == STORE_ACCOUNT };
	rc = f.is_account ? past_pairs(p, s, put_pair, &f) : past_pairs_left(p, s, put_pair, &f, lost_out, parts_out);
	if (!rc)
		rc = put_pairs_end(&f.put);
	buf_fini(&f.put.run);
	buf_fini(&f.value);
	return rc;
}

static int say(struct err *e, int rc, const char *what)
{
	if (rc && e && !e->log[0])
		err_set(e, rc, NULL, "%s as the backup has it: %s", what, err_text(rc));
	return rc;
}

int old_account_open(struct past *p, uint64_t id, struct old_account *out, struct err *e)
{
	const struct store_scope scope = { STORE_ACCOUNT, id };
	*out = (struct old_account){ .store = NULL };
	int rc = fill(p, scope, &out->store, NULL, NULL, e);
	if (!rc)
		rc = past_bodies_open(p, moment_find(&p->moment, scope), &out->bodies);
	if (!rc)
		rc = model_open(out->store, NULL, &out->model, e);
	if (!rc)
		rc = account_open(out->model, id, &out->account);
	return say(e, rc, "the account");
}

void old_account_close(struct old_account *o)
{
	account_close(&o->account);
	model_close(&o->model);
	store_close(&o->store);
	past_bodies_close(&o->bodies);
}

int old_account_body(struct old_account *o, store_blob_id blob, struct buf *out) { return past_body(&o->bodies, blob, out); }

int old_directory_open(struct past *p, struct old_directory *out, struct err *e)
{
	*out = (struct old_directory){ .store = NULL };
	int rc = fill(p, (struct store_scope){ STORE_SYSTEM, 0 }, &out->store, &out->lost, &out->parts, e);
	if (!rc)
		out->unread = moment_find(&p->moment, (struct store_scope){ STORE_SYSTEM, 0 })->lost;
	if (!rc)
		rc = directory_open(out->store, &(struct directory_config){ 0 }, &out->directory, e);
	return say(e, rc, "the directory");
}

void old_directory_close(struct old_directory *o)
{
	directory_close(&o->directory);
	store_close(&o->store);
}
