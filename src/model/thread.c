#include "model/thread.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "codec/mime/msgid.h"
#include "codec/mime/summary.h"
#include "model/email_record.h"
#include "model/keys.h"

uint64_t thread_hash(struct str message_id)
{
	static const uint8_t key[HASH_SIPHASH_KEY] = "ids of troika";
	return hash_siphash_keyed(key, message_id);
}

int thread_page_decode(struct str value, uint64_t start, struct thread_page *out)
{
	out->count = 0;
	int rc = record_check(value, RECORD_HEADER);
	if (rc)
		return rc;
	uint32_t count = record_own0(value);
	if (count > THREAD_PAGE_MAX || value.n != RECORD_HEADER + count * THREAD_ENTRY_BYTES)
		return ERR_CORRUPT;
	const char *p = value.p + RECORD_HEADER;
	for (uint32_t i = 0; i < count; i++, p += THREAD_ENTRY_BYTES) {
		out->v[i] = (struct thread_entry){ load_le64(p), load_le64(p + 8) };
		if (out->v[i].hash < start || (i && out->v[i].hash <= out->v[i - 1].hash))
			return ERR_CORRUPT;
	}
	out->count = count;
	return 0;
}

size_t thread_page_encode(const struct thread_entry *v, uint32_t count, char p[THREAD_VALUE_MAX])
{
	char *at = p + RECORD_HEADER;
	for (uint32_t i = 0; i < count; i++, at += THREAD_ENTRY_BYTES) {
		store_le64(at, v[i].hash);
		store_le64(at + 8, v[i].email);
	}
	record_seal(p, RECORD_HEADER + count * THREAD_ENTRY_BYTES, (uint8_t)count, 0);
	return RECORD_HEADER + count * THREAD_ENTRY_BYTES;
}

/* ---- pages in the store ---- */

struct found {
	uint64_t start;
	struct thread_page page;
};

/* The page that covers the hash: the first one of all begins at 0. ERR_CORRUPT: it is damaged. */
static int page_at(struct change *c, uint64_t hash, struct found *out)
{
	struct key first = key_first(KEY_THREAD), at = key_thread(hash), to = key_next(&at);
	struct str key, value;
	out->start = 0;
	out->page.count = 0;
	int rc = source_find(change_source(c), key_str(&first), key_str(&to), true, &key, &value);
	if (rc <= 0)
		return rc;
	return key_read_u64(key, KEY_THREAD, &out->start) ? thread_page_decode(value, out->start, &out->page) : ERR_CORRUPT;
}

static int page_put(struct change *c, uint64_t start, const struct thread_entry *v, uint32_t count)
{
	char value[THREAD_VALUE_MAX];
	struct key key = key_thread(start);
	return store_put(c->w, key_str(&key), str_make(value, thread_page_encode(v, count, value)));
}

/* Index of the first entry with at least this hash. */
static uint32_t lower_bound(const struct thread_page *page, uint64_t hash)
{
	uint32_t low = 0, high = page->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (page->v[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- looking ---- */

/* The thread of the email that an id is noted for: 1, 0 when the id is not known or the email is gone, or an error. */
static int find(struct change *c, uint64_t hash, uint64_t *thread_out)
{
	struct found found;
	int rc = page_at(c, hash, &found);
	if (rc)
		return rc == ERR_CORRUPT ? 0 : rc;
	uint32_t i = lower_bound(&found.page, hash);
	if (i == found.page.count || found.page.v[i].hash != hash)
		return 0;
	struct email email;
	rc = email_record_load(change_source(c), found.page.v[i].email, &email);
	*thread_out = email.thread;
	return rc == 0 ? 1 : rc == ERR_NOT_FOUND || rc == ERR_CORRUPT ? 0 : rc;
}

/* ---- noting ---- */

/* Takes out what is noted for emails that are gone; `coming` is not there yet. */
static int sweep(struct change *c, struct thread_page *page, uint64_t coming)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < page->count; i++) {
		struct key key = key_email(page->v[i].email);
		struct str value;
		int rc = page->v[i].email == coming ? 0 : store_wget(c->w, key_str(&key), &value);
		if (rc && rc != ERR_NOT_FOUND)
			return rc;
		if (!rc)
			page->v[kept++] = page->v[i];
	}
	page->count = kept;
	return 0;
}

/* Where most emails that ever were are still there, there is little to sweep away. */
static bool is_worth_sweeping(const struct state *state)
{
	return state->messages < state->email_next / 4 * 3;
}

/* A page that has one entry too many becomes two. */
static int split(struct change *c, const struct found *found)
{
	uint32_t left = found->page.count / 2;
	int rc = page_put(c, found->start, found->page.v, left);
	return rc ? rc : page_put(c, found->page.v[left].hash, found->page.v + left, found->page.count - left);
}

static int note(struct change *c, uint64_t hash, uint64_t email)
{
	struct found found;
	int rc = page_at(c, hash, &found);
	if (rc)
		return rc == ERR_CORRUPT ? 0 : rc;
	struct thread_page *page = &found.page;
	if (page->count == THREAD_PAGE_MAX && is_worth_sweeping(&c->state)) {
		rc = sweep(c, page, email);
		if (rc)
			return rc;
	}
	uint32_t i = lower_bound(page, hash);
	if (i == page->count || page->v[i].hash != hash) {
		memmove(page->v + i + 1, page->v + i, (page->count - i) * sizeof(*page->v));
		page->count++;
	}
	page->v[i] = (struct thread_entry){ hash, email };
	return page->count > THREAD_PAGE_MAX ? split(c, &found) : page_put(c, found.start, page->v, page->count);
}

/* ---- the ids of an email ---- */

struct ids {
	unsigned n;
	uint64_t hash[THREAD_IDS_MAX];
};

static void add(struct ids *ids, struct str id)
{
	uint64_t hash = thread_hash(id);
	for (unsigned i = 0; i < ids->n; i++)
		if (ids->hash[i] == hash)
			return;
	if (id.n && ids->n < THREAD_IDS_MAX)
		ids->hash[ids->n++] = hash;
}

/* The ids of a field as the summary keeps it. Nearly always it is one id without anything around it. */
static int add_field(struct ids *ids, struct mime_text text, unsigned max, struct arena *a)
{
	struct str *list, body = mime_text_str(text);
	size_t count;
	if (text.class == MIME_TEXT_NIL)
		return 0;
	int rc = mime_msgids_parse(body, a, &list, &count);
	for (size_t i = 0; !rc && i < count && i < max; i++)
		add(ids, list[i]);
	return rc;
}

/* In-Reply-To, References from the newest one on, Message-ID. */
static int gather(struct str summary, struct ids *ids)
{
	struct mime_summary s;
	struct mime_envelope envelope;
	ids->n = 0;
	if (mime_summary_open(&s, summary) || mime_summary_envelope(&s, &envelope))
		return 0;
	struct arena arena = ARENA_INIT(0);
	struct str rest = s.references, reference[MIME_REFERENCES_KEPT];
	unsigned n = 0;
	int rc = add_field(ids, envelope.in_reply_to, THREAD_IDS_MAX - MIME_REFERENCES_KEPT - 1, &arena);
	while (n < MIME_REFERENCES_KEPT && mime_summary_reference(&rest, &reference[n]))
		n++;
	while (n > 0)
		add(ids, reference[--n]);
	if (!rc)
		rc = add_field(ids, envelope.message_id, 1, &arena);
	arena_fini(&arena);
	return rc;
}

int thread_join(struct change *c, uint64_t email, struct str summary, uint64_t *thread_out)
{
	struct ids ids;
	bool known[THREAD_IDS_MAX] = { false }, joined = false;
	*thread_out = email;
	int rc = gather(summary, &ids);
	for (unsigned i = 0; !rc && i < ids.n; i++) {
		uint64_t thread = 0;
		int is_known = find(c, ids.hash[i], &thread);
		rc = is_known < 0 ? is_known : 0;
		known[i] = is_known == 1;
		if (known[i] && !joined) {
			*thread_out = thread;
			joined = true;
		}
	}
	for (unsigned i = 0; !rc && i < ids.n; i++)
		rc = known[i] ? 0 : note(c, ids.hash[i], email);
	return rc;
}
