#include "model/changelog.h"
#include "model/index.h"
#include "model/keys.h"
#include "model/mailbox_record.h"
#include "model/model_private.h"
#include "model/state.h"
#include "model/uids.h"

struct vanished {
	uint32_t mailbox;
	uint64_t since;
	struct rangeset uids;                         /* out */
	bool coarse;                                  /* some of them may still be there */
};

static int add_record(struct vanished *v, struct str value)
{
	struct changelog_reader reader;
	struct changelog_section section;
	int rc = changelog_open(value, &reader);
	while (!rc && (rc = changelog_next(&reader, &section)) == 1) {
		rc = section.mailbox == v->mailbox && section.kind == LOG_EXPUNGE ? 1 : 0;
		v->coarse |= rc && section.coarse;
		struct range range;
		while (rc == 1 && (rc = changelog_range(&section, &range)) == 1)
			if (rangeset_add(&v->uids, range.lo, range.hi))
				rc = ERR_NO_MEMORY;
	}
	return rc;
}

/* The log told ranges that hold more than what went: take out what is there. */
static int sift(struct store_read *r, struct vanished *v)
{
	struct rangeset told = RANGESET_INIT;
	int rc = rangeset_copy(&told, &v->uids);
	struct index_walk walk = index_walk_begin(source_read(r), v->mailbox, &told);
	struct page_edit page;
	while (!rc && (rc = index_walk_next(&walk, &page)) == 1) {
		for (uint32_t i = 0; i < page.count; i++)
			rangeset_remove(&v->uids, page.m[i].uid, page.m[i].uid);
		rc = 0;
	}
	rangeset_fini(&told);
	return rc;
}

static int read_vanished(struct store_read *r, void *arg)
{
	struct vanished *v = arg;
	rangeset_clear(&v->uids);
	v->coarse = false;
	struct state state;
	struct mailbox_record mailbox;
	int rc = state_load(source_read(r), &state);
	if (!rc)
		rc = mailbox_record_load(source_read(r), v->mailbox, &mailbox);
	if (!rc && (mailbox.no_select || v->since < state.log_from))
		rc = ERR_NOT_FOUND;
	if (rc || v->since >= state.modseq)
		return rc;
	struct key from = key_log(v->since + 1), to = key_after(KEY_LOG);
	struct store_iter *it;
	rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	struct str key, value;
	uint64_t due = v->since, modseq;
	while ((rc = store_next(it, &key, &value)) == 1 &&
		   (rc = key_read_u64(key, KEY_LOG, &modseq) && modseq == ++due ? add_record(v, value) : ERR_CORRUPT) == 0)
		;
	store_iter_end(&it);
	/* A log that is damaged or has a gap tells as little as one that was trimmed. */
	if (rc == ERR_CORRUPT || (!rc && due != state.modseq))
		return ERR_NOT_FOUND;
	return !rc && v->coarse ? sift(r, v) : rc;
}

int mailbox_vanished(struct account *a, uint32_t mailbox, uint64_t since, struct rangeset *out)
{
	struct vanished v = { .mailbox = mailbox, .since = since };
	int rc = account_read(a->model, a->id, read_vanished, &v);
	if (!rc)
		rc = uids_merge(out, &v.uids);
	rangeset_fini(&v.uids);
	return rc;
}
