/* Records in which one bit has flipped: their checksums tell which. Nothing is lost by that then, neither flags nor dates nor quotas. The damaged value is kept under
 * KEY_ASIDE all the same. */
#include "model/audit.h"

struct mend {
	struct key key;
	bool done;                                    /* out */
};

/* What is kept of the change's own beginning was read from a damaged state. */
static int read_state_again(struct change *c)
{
	int rc = state_load(change_source(c), &c->state);
	c->modseq = c->state.modseq + 1;
	return rc;
}

static int put(struct change *c, const struct key *key, struct str value)
{
	int rc = audit_set_aside(c, key);
	if (!rc)
		rc = store_put(c->w, key_str(key), value);
	if (!rc && key->p[0] == KEY_STATE)
		rc = read_state_again(c);
	/* Of an account that is deleted nothing is logged. */
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, 0);
	return 0;
}

static int mend(struct change *c, void *arg)
{
	struct mend *op = arg;
	struct str value;
	op->done = false;
	int rc = store_wget(c->w, key_str(&op->key), &value);
	if (rc || !record_is_damaged(value))
		return rc == ERR_NOT_FOUND ? 0 : rc;
	struct buf copy = BUF_INIT(0);
	buf_add_str(&copy, value);
	op->done = !copy.failed && record_mend(copy.p, copy.n);
	rc = copy.failed ? ERR_NO_MEMORY : op->done ? put(c, &op->key, buf_str(&copy)) : 0;
	buf_fini(&copy);
	return rc;
}

int audit_mend_bit(struct audit *c, const struct key *key)
{
	struct mend op = { .key = *key };
	struct commit commit = { .account = c->account, .fn = mend, .arg = &op, .mends = true };
	int rc = commit_run_all(c->model, &commit, 1);
	if (rc || !op.done)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	c->bits++;
	audit_note(c, "a record of kind %c had one wrong bit, which was put right", key->p[0]);
	return 0;
}

int audit_mend_bits(struct audit *c)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < c->damaged.n; i++)
		if (c->damaged.v[i].p[0] != KEY_STATE)
			rc = audit_mend_bit(c, &c->damaged.v[i]);
	return rc;
}
