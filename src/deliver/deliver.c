#include "deliver/deliver.h"

#include "codec/mime/message.h"
#include "codec/mime/summary.h"
#include "deliver/limits.h"
#include "deliver/targets.h"

/* What FETCH ENVELOPE, BODYSTRUCTURE and sorting are answered from: made once, here. */
static int summarise(struct str message, struct buf *out, struct err *e)
{
	struct arena arena = ARENA_INIT(DELIVER_PARSE_MEMORY_MAX);
	struct mime_message parsed;
	int rc = mime_message_parse(message, &arena, &parsed);
	if (!rc)
		rc = mime_summary_encode(&parsed, message, out);
	if (!rc && out->failed)
		rc = ERR_NO_MEMORY;
	arena_fini(&arena);
	if (rc == ERR_TOO_BIG)
		return err_set(e, rc, "The message is too big", "message of %zu bytes", message.n);
	return rc ? err_set(e, rc, NULL, "summary of a message: %s", err_text(rc)) : 0;
}

static int put_blob(struct model *m, struct str message, const uint64_t *accounts, size_t n, store_blob_id *out,
					struct err *e)
{
	int rc = model_put_blob(m, &message, 1, accounts, n, out);
	return rc ? err_set(e, rc, NULL, "storing a message of %zu bytes: %s", message.n, err_text(rc)) : 0;
}

/* One blob for these accounts, then one commit in each. */
static int deliver_batch(struct model *m, struct str mailbox, struct str message, int64_t received, struct str summary,
						 struct target *targets, size_t n, struct err *e)
{
	uint64_t *accounts = calloc(n, sizeof(*accounts));
	struct model_delivery *deliveries = calloc(n, sizeof(*deliveries));
	if (!accounts || !deliveries) {
		free(accounts);
		free(deliveries);
		return err_set(e, ERR_NO_MEMORY, NULL, "delivery to %zu accounts", n);
	}
	for (size_t i = 0; i < n; i++)
		accounts[i] = targets[i].account;
	store_blob_id blob;
	int rc = put_blob(m, message, accounts, n, &blob, e);
	for (size_t i = 0; i < n; i++)
		deliveries[i] = (struct model_delivery){
			.account = accounts[i],
			.mailbox = mailbox,
			.append = { .blob = blob, .size = (uint32_t)message.n, .summary = summary, .date = received },
		};
	if (!rc)
		model_deliver(m, deliveries, n);
	for (size_t i = 0; i < n; i++)
		targets[i].result = rc ? rc : deliveries[i].result;
	free(accounts);
	free(deliveries);
	return rc;
}

int deliver_message_into(struct model *m, struct str mailbox, struct str message, int64_t received, struct deliver_recipient *r, size_t n,
						 struct err *e)
{
	struct targets targets;
	int rc = targets_init(&targets, r, n, e);
	if (!rc)
		targets_refuse_full(&targets, m, message.n);
	struct buf summary = BUF_INIT(DELIVER_SUMMARY_MAX);
	if (!rc && targets.n_open)
		rc = summarise(message, &summary, e);
	for (size_t done = 0; !rc && done < targets.n_open;) {
		size_t count = targets.n_open - done < STORE_TAGS_MAX ? targets.n_open - done : STORE_TAGS_MAX;
		rc = deliver_batch(m, mailbox, message, received, buf_str(&summary), targets.v + done, count, e);
		done += count;
		/* they have it, whatever becomes of the next batch: told otherwise, they would get it twice */
		if (!rc)
			targets.n_done = done;
	}
	buf_fini(&summary);
	return targets_finish(&targets, rc, r, n, e);
}

int deliver_message(struct model *m, struct str message, int64_t received, struct deliver_recipient *r, size_t n,
					struct err *e)
{
	return deliver_message_into(m, STR_NONE, message, received, r, n, e);
}

int deliver_prepare(struct model *m, uint64_t account, struct arena *arena, struct str message, struct append *a,
					struct err *e)
{
	struct buf summary = BUF_INIT(DELIVER_SUMMARY_MAX);
	int rc = summarise(message, &summary, e);
	if (!rc) {
		a->summary = arena_dup(arena, buf_str(&summary));
		a->size = (uint32_t)message.n;
		rc = a->summary.p ? 0 : err_set(e, ERR_NO_MEMORY, NULL, "summary of a message");
	}
	buf_fini(&summary);
	return rc ? rc : put_blob(m, message, &account, 1, &a->blob, e);
}
