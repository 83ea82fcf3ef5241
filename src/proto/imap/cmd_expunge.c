/* EXPUNGE: RFC 3501 6.4.3. UID EXPUNGE: RFC 4315 2.1. The EXPUNGE responses are news (sync.h). */
#include "proto/imap/message_commands.h"

#include "proto/imap/message_limit.h"
#include "proto/imap/message_set.h"
#include "proto/imap/place.h"
#include "proto/imap/sync.h"

static enum imap_result expunge(struct imap_request *r, const struct rangeset *uids)
{
	struct imap_session *s = r->s;
	uint64_t modseq = 0;
	if (!imap_selected_allows(r, ACL_EXPUNGE))
		return IMAP_REPLIED;
	if (uids && uids->n == 0)
		return imap_ok(r, "No such messages");
	int err = mailbox_expunge(s->selected.account, s->selected.mailbox, uids, true, NULL, &modseq);
	if (err)
		return imap_error(r, err, NULL);
	/* RFC 7162 3.2.7: once the client was told which messages are gone, it has all up to this version. */
	err = modseq ? imap_sync(s, true) : 0;
	if (!err && modseq && imap_condstore(s) && s->selected.view)
		return imap_ok(r, "[HIGHESTMODSEQ %llu] %s completed", (unsigned long long)imap_told_modseq(&s->selected), r->row->name);
	return imap_ok(r, "%s completed", r->row->name);
}

enum imap_result imap_cmd_expunge(struct imap_request *r) { return expunge(r, NULL); }

/* RFC 9738 3.1: of UID EXPUNGE those count that are \Deleted. (EXPUNGE and CLOSE are never limited.) */
static int limit(struct imap_request *r, struct rangeset *numbers)
{
	uint32_t most = r->s->config->imap_message_limit;
	if (!most || rangeset_count(numbers) <= most)
		return 0;
	struct rangeset deleted = RANGESET_INIT;
	struct imap_message_walk walk;
	const struct message *m;
	int err = 0;
	imap_message_walk_init(&walk, r->s->selected.view, numbers);
	while (!err && (m = imap_message_walk_next(&walk)))
		if (m->flags & MESSAGE_DELETED)
			err = rangeset_add(&deleted, walk.number, walk.number);
	imap_message_limit_cut(r, &deleted);
	rangeset_fini(numbers);
	*numbers = deleted;
	return err;
}

enum imap_result imap_cmd_uid_expunge(struct imap_request *r)
{
	struct rangeset numbers = RANGESET_INIT, uids = RANGESET_INIT;
	enum imap_result result = IMAP_REPLIED;
	if (imap_read_messages(r, true, &numbers)) {
		int err = limit(r, &numbers);
		if (!err)
			err = imap_numbers_to_uids(r->s->selected.view, &numbers, &uids);
		if (!imap_end(&r->args))
			result = imap_bad_args(r);
		else
			result = err ? imap_error(r, err, NULL) : expunge(r, &uids);
	}
	rangeset_fini(&numbers);
	rangeset_fini(&uids);
	return result;
}
