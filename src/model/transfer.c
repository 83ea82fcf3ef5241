#include "model/transfer.h"

#include "base/bytes.h"
#include "model/change.h"
#include "model/keys.h"
#include "model/limits.h"
#include "model/model_private.h"
#include "model/registry.h"

#define EMAIL_BLOB_AT 8u                          /* of both versions: doc/format/model.md */
#define EMAIL_BYTES_MIN 24u
#define EMAIL_VERSION_NEWEST 2u
#define MAILBOX_UIDVALIDITY_AT 12u
#define MAILBOX_BYTES_MIN 61u

static enum key_kind kind_of(struct str key) { return key.n ? (enum key_kind)key.p[0] : KEY_ASIDE; }

int transfer_look(struct str key, struct str value, store_blob_id *blob_out, bool *damaged_out)
{
	uint8_t version;
	*blob_out = 0;
	*damaged_out = false;
	switch (kind_of(key)) {
	case KEY_LOG:                                 /* says what happened where it came from */
	case KEY_CONDEMNED:
		return 0;
	case KEY_EMAIL:
		*damaged_out = record_check_version(value, EMAIL_BYTES_MIN, EMAIL_VERSION_NEWEST, &version) == ERR_CORRUPT;
		if (value.n >= EMAIL_BYTES_MIN)
			*blob_out = load_le64(value.p + EMAIL_BLOB_AT);
		return 1;
	case KEY_STATE:
	case KEY_MAILBOX:
		*damaged_out = record_check(value, RECORD_HEADER) == ERR_CORRUPT;
		return 1;
	default:
		return 1;
	}
}

static void seal_again(struct buf *value)
{
	record_seal_version(value->p, value->n, (uint8_t)value->p[0], (uint8_t)value->p[1], (uint8_t)value->p[2]);
}

static int move_email(struct transfer *t, struct buf *value)
{
	uint8_t version;
	store_blob_id blob;
	int rc = record_check_version(buf_str(value), EMAIL_BYTES_MIN, EMAIL_VERSION_NEWEST, &version);
	if (rc)
		return rc;
	rc = t->blob(t->arg, load_le64(value->p + EMAIL_BLOB_AT), &blob);
	if (rc)
		return rc;
	store_le64(value->p + EMAIL_BLOB_AT, blob);
	seal_again(value);
	return 0;
}

static uint32_t skip32(uint32_t v) { return v < UINT32_MAX - TRANSFER_SKIP ? v + TRANSFER_SKIP : UINT32_MAX; }

/* As tree_take_uidvalidity gives them: what was given since then is not greater than the time. */
static uint32_t first_uidvalidity(const struct transfer *t, uint32_t last)
{
	uint32_t first = last < UINT32_MAX - MAILBOXES_MAX - 1 ? last + 1 : UINT32_MAX - MAILBOXES_MAX;
	return t->now > first && t->now < UINT32_MAX - MAILBOXES_MAX ? (uint32_t)t->now : first;
}

/* The log was not taken, so it begins now. */
static int move_state(struct transfer *t, struct buf *value)
{
	struct state s;
	int rc = state_decode(buf_str(value), &s);
	if (rc)
		return rc;
	if (t->moved_on) {
		s.modseq += TRANSFER_SKIP;
		s.email_next += TRANSFER_SKIP;
		s.mailbox_next = skip32(s.mailbox_next);
		t->uidvalidity = first_uidvalidity(t, s.uidvalidity);
		s.uidvalidity = t->uidvalidity + MAILBOXES_MAX;
	}
	s.log_from = s.modseq;
	s.condemned = 0;
	buf_reset(value);
	char *p = buf_reserve(value, STATE_BYTES);
	if (!p)
		return ERR_NO_MEMORY;
	value->n = state_encode(&s, p);
	return 0;
}

/* One for each: of two mailboxes that change their names later, the name must not come back with the same number. */
static int move_mailbox(struct transfer *t, struct buf *value)
{
	int rc = record_check(buf_str(value), MAILBOX_BYTES_MIN);
	if (rc || !t->moved_on)
		return rc;
	if (!t->uidvalidity)                          /* the state is damaged */
		t->uidvalidity = first_uidvalidity(t, load_le32(value->p + MAILBOX_UIDVALIDITY_AT));
	store_le32(value->p + MAILBOX_UIDVALIDITY_AT, t->uidvalidity++);
	seal_again(value);
	return 0;
}

int transfer_move(struct transfer *t, struct str key, struct buf *value)
{
	int rc = 0;
	switch (kind_of(key)) {
	case KEY_STATE: rc = move_state(t, value); break;
	case KEY_MAILBOX: rc = move_mailbox(t, value); break;
	case KEY_EMAIL: rc = move_email(t, value); break;
	default: break;
	}
	return rc == ERR_CORRUPT ? 0 : rc;
}

int transfer_accounts(struct store_read *r, struct buf *ids) { return registry_read(r, ids); }

int transfer_register(struct model *m, uint64_t account) { return registry_add(m, account); }

static int raise_uidvalidity(struct change *c, void *arg)
{
	const uint32_t *least = arg;
	c->dirty = c->state.uidvalidity < *least;
	if (c->dirty)
		c->state.uidvalidity = *least;
	return 0;
}

int transfer_raise_uidvalidity(struct account *a, uint32_t at_least)
{
	return commit_run(a->model, a->id, raise_uidvalidity, &at_least, NULL);
}
