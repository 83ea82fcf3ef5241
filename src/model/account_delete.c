#include "model/keys.h"
#include "model/limits.h"
#include "model/model_private.h"
#include "model/purge.h"
#include "model/registry.h"

/* From here on nobody finds the account; what is left of it is taken away at leisure. */
static int mark(struct change *c, void *arg)
{
	(void)arg;
	if (c->state.status == STATE_DELETED)
		return ERR_NOT_FOUND;
	c->dirty = c->state.status == STATE_LIVE;
	c->state.status = STATE_DELETING;
	return 0;
}

/* A bounded number of keys; all but the state, whose key is the least. */
static int delete_keys(struct change *c, void *arg)
{
	bool *more = arg;
	struct key from = key_after(KEY_STATE);
	*more = true;
	for (unsigned i = 0; i < DELETE_STEP_KEYS; i++) {
		struct str key, value;
		int rc = store_wfind(c->w, key_str(&from), STR_NONE, false, &key, &value);
		*more = rc == 1;
		if (rc <= 0)
			return rc;
		char copy[STORE_KEY_MAX];
		memcpy(copy, key.p, key.n);
		rc = store_del(c->w, str_make(copy, key.n));
		if (rc)
			return rc;
	}
	return 0;
}

/* The counters stay, so that nothing is used twice if the account is made again. */
static int bury(struct change *c, void *arg)
{
	(void)arg;
	const struct state old = c->state;
	c->state = (struct state){
		.status = STATE_DELETED, .modseq = old.modseq, .log_from = old.modseq, .tree_modseq = old.modseq,
		.email_next = old.email_next, .mailbox_next = old.mailbox_next, .uidvalidity = old.uidvalidity,
	};
	c->dirty = true;
	return 0;
}

static int commit(struct model *m, uint64_t id, change_fn *fn, void *arg)
{
	struct commit commit = { .account = id, .fn = fn, .arg = arg, .creates = true };
	return commit_run_all(m, &commit, 1);
}

static int add_blob(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)size;
	(void)tag;
	return blob_list_add(arg, id);
}

int account_delete(struct model *m, uint64_t id)
{
	int rc = commit(m, id, mark, NULL);
	if (rc == ERR_NOT_FOUND)
		registry_remove(m, id);
	bool more = true;
	while (!rc && more)
		rc = commit(m, id, delete_keys, &more);
	struct blob_list blobs = { NULL, 0, 0 };
	if (!rc)
		rc = store_blob_visit(m->store, account_tag(id), add_blob, &blobs);
	if (!rc)
		rc = purge_untag(m, id, &blobs);
	blob_list_fini(&blobs);
	if (!rc)
		rc = commit(m, id, bury, NULL);
	return rc ? rc : registry_remove(m, id);
}
