/* The index of Message-IDs: damaged pages are set aside, and what they noted is noted again from the emails. */
#include "model/audit.h"

#include "model/email_record.h"
#include "model/thread.h"

#define NOTE_STEP 1000u                           /* emails in one commit */

/* Keeps what is noted for emails that can have been. */
static int mend_page(struct change *c, const struct key *key, uint64_t start, struct str value)
{
	struct thread_page page;
	int rc = thread_page_decode(value, start, &page);
	if (rc)
		return rc == ERR_CORRUPT ? audit_set_aside(c, key) : rc;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < page.count; i++)
		if (page.v[i].email < c->state.email_next)
			page.v[kept++] = page.v[i];
	char again[THREAD_VALUE_MAX];
	return kept == page.count ? 0 : store_put(c->w, key_str(key), str_make(again, thread_page_encode(page.v, kept, again)));
}

static int mend_pages(struct change *c, void *arg)
{
	(void)arg;
	struct key from = key_first(KEY_THREAD), to = key_after(KEY_THREAD);
	struct str key, value;
	int rc;
	c->dirty = true;
	while ((rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		uint64_t start;
		if (!key_read_u64(key, KEY_THREAD, &start))
			return ERR_CORRUPT;
		struct key at = key_thread(start);
		rc = mend_page(c, &at, start, value);
		if (rc)
			return rc;
		from = key_next(&at);
	}
	return rc;
}

struct note {
	const struct audit_email *v;
	size_t n;
};

static int note_again(struct change *c, void *arg)
{
	const struct note *note = arg;
	c->dirty = true;
	for (size_t i = 0; i < note->n; i++) {
		struct email email;
		uint64_t thread;
		int rc = email_record_load(change_source(c), note->v[i].id, &email);
		/* One that cannot be read, or is gone by now, says nothing. */
		if (!rc)
			rc = thread_join(c, note->v[i].id, email.summary, &thread);
		if (rc && rc != ERR_NOT_FOUND && rc != ERR_CORRUPT)
			return rc;
	}
	return 0;
}

int audit_mend_threads(struct audit *c)
{
	struct commit commit = { .account = c->account, .fn = mend_pages };
	int rc = commit_run_all(c->model, &commit, 1);
	for (size_t done = 0; !rc && done < c->emails.n; done += NOTE_STEP) {
		size_t left = c->emails.n - done;
		struct note note = { c->emails.v + done, left < NOTE_STEP ? left : NOTE_STEP };
		commit = (struct commit){ .account = c->account, .fn = note_again, .arg = &note };
		rc = commit_run_all(c->model, &commit, 1);
	}
	return rc;
}
