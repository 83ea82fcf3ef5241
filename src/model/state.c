#include "model/state.h"

#include "base/bytes.h"
#include "model/keys.h"

#define STATE_BYTES_MIN 104u        /* before there were mailboxes_max and annotation_bytes */
#define STATE_BYTES_PLAIN 120u      /* and without a bin, as level 1 of a store has it */

static void decode(struct str value, struct state *out)
{
	struct cursor c = cursor_make(str_from(value, RECORD_HEADER));
	out->status = (enum state_status)record_own0(value);
	out->modseq = cursor_le64(&c);
	out->log_from = cursor_le64(&c);
	out->tree_modseq = cursor_le64(&c);
	out->email_next = cursor_le64(&c);
	out->mailbox_next = cursor_le32(&c);
	out->uidvalidity = cursor_le32(&c);
	out->mailboxes = cursor_le32(&c);
	out->subscriptions = cursor_le32(&c);
	out->grave_pages = cursor_le64(&c);
	out->bytes_max = cursor_le64(&c);
	out->messages_max = cursor_le64(&c);
	out->bytes = cursor_le64(&c);
	out->messages = cursor_le64(&c);
	out->condemned = cursor_le64(&c);
	out->mailboxes_max = cursor_left(&c) ? cursor_le64(&c) : 0;
	out->annotation_bytes = cursor_left(&c) ? cursor_le64(&c) : 0;
	out->bin = cursor_left(&c) ? cursor_le32(&c) : 0;
	out->tombs = cursor_left(&c) ? cursor_le32(&c) : 0;
}

int state_load(struct source s, struct state *out)
{
	*out = (struct state){ .status = STATE_DELETED };
	struct key key = key_state();
	struct str value;
	int rc = source_get(s, key_str(&key), &value);
	if (rc)
		return rc;
	rc = state_decode(value, out);
	if (rc)
		return rc;
	return out->status == STATE_LIVE ? 0 : ERR_NOT_FOUND;
}

int state_decode(struct str value, struct state *out)
{
	*out = (struct state){ .status = STATE_DELETED };
	int rc = record_check(value, STATE_BYTES_MIN);
	if (!rc)
		decode(value, out);
	return rc;
}

size_t state_encode(const struct state *state, char p[STATE_BYTES])
{
	const uint64_t head[] = { state->modseq, state->log_from, state->tree_modseq, state->email_next };
	const uint32_t middle[] = { state->mailbox_next, state->uidvalidity, state->mailboxes, state->subscriptions };
	const uint64_t tail[] = { state->grave_pages, state->bytes_max, state->messages_max,
							  state->bytes, state->messages, state->condemned, state->mailboxes_max,
							  state->annotation_bytes };
	for (size_t i = 0; i < 4; i++) {
		store_le64(p + 8 + 8 * i, head[i]);
		store_le32(p + 40 + 4 * i, middle[i]);
	}
	for (size_t i = 0; i < 8; i++)
		store_le64(p + 56 + 8 * i, tail[i]);
	store_le32(p + STATE_BYTES_PLAIN, state->bin);
	store_le32(p + STATE_BYTES_PLAIN + 4, state->tombs);
	size_t n = state->bin || state->tombs ? STATE_BYTES : STATE_BYTES_PLAIN;
	record_seal(p, n, (uint8_t)state->status, 0);
	return n;
}

int state_save(struct store_write *w, const struct state *state)
{
	char p[STATE_BYTES];
	size_t n = state_encode(state, p);
	struct key key = key_state();
	return store_put(w, key_str(&key), str_make(p, n));
}
