#include "queue/transfer.h"

#include "queue/keys.h"
#include "queue/record.h"

static bool is_envelope(struct str key)
{
	uint64_t id;
	unsigned group;
	return key.n && key.p[0] == KEY_MESSAGE && key_read_message(key, &id, &group) && group == GROUP_NOTICE;
}

int queue_transfer_look(struct str key, struct str value, store_blob_id *blob_out, bool *damaged_out)
{
	*blob_out = 0;
	*damaged_out = false;
	if (key.n && key.p[0] == KEY_UNTAG)
		return 0;
	if (is_envelope(key)) {
		struct envelope_record r;
		*damaged_out = envelope_record_decode(value, &r) != 0;
		*blob_out = *damaged_out ? 0 : r.blob;
	}
	return 1;
}

int queue_transfer_move(struct str key, struct buf *value, int (*fn)(void *arg, store_blob_id old, store_blob_id *new_out), void *arg)
{
	struct envelope_record r;
	if (!is_envelope(key))
		return 0;
	int rc = envelope_record_decode(buf_str(value), &r);
	if (rc)
		return rc == ERR_CORRUPT ? 0 : rc;
	rc = fn(arg, r.blob, &r.blob);
	if (rc)
		return rc;
	/* The record's texts lie in the old value. */
	struct buf moved = BUF_INIT(STORE_VALUE_MAX);
	envelope_record_encode(&r, &moved);
	buf_reset(value);
	buf_add_str(value, buf_str(&moved));
	rc = moved.failed || value->failed ? ERR_NO_MEMORY : 0;
	buf_fini(&moved);
	return rc;
}
