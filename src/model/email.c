#include "model/email_record.h"
#include "model/keys.h"
#include "model/limits.h"
#include "model/model_private.h"
#include "model/state.h"

/* A read that went stale is begun again beside the old one, which is kept: summaries already given out lie in it. */
#define READS_MAX 8u

struct email_reader {
	struct account *account;
	unsigned n;
	struct store_read *read[READS_MAX];           /* the last one is current */
};

int email_reader_begin(struct account *a, struct email_reader **out)
{
	*out = NULL;
	struct email_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return ERR_NO_MEMORY;
	r->account = a;
	int rc = ERR_RETRY;
	for (unsigned tries = 0; rc == ERR_RETRY && tries < READ_RETRIES_MAX; tries++)
		rc = store_begin(a->model->store, account_scope(a->id), &r->read[0]);
	if (rc) {
		free(r);
		return rc;
	}
	r->n = 1;
	*out = r;
	return 0;
}

int email_reader_get(struct email_reader *r, uint64_t email, struct email *out)
{
	for (;;) {
		int rc = email_record_load(source_read(r->read[r->n - 1]), email, out);
		if (rc != ERR_RETRY || r->n == READS_MAX)
			return rc;
		rc = store_begin(r->account->model->store, account_scope(r->account->id), &r->read[r->n]);
		if (rc == 0)
			r->n++;
		else if (rc != ERR_RETRY)
			return rc;
	}
}

void email_reader_end(struct email_reader **r)
{
	if (!r || !*r)
		return;
	for (unsigned i = 0; i < (*r)->n; i++)
		store_end(&(*r)->read[i]);
	free(*r);
	*r = NULL;
}

struct list_emails {
	uint64_t from, next;
	uint64_t *ids;
	size_t max, n;
};

static int list_emails(struct store_read *r, void *arg)
{
	struct list_emails *l = arg;
	struct state state;
	struct store_iter *it;
	struct key from = key_email(l->from), to = key_after(KEY_EMAIL);
	struct str key, value;
	l->n = 0;
	int rc = state_load(source_read(r), &state);
	l->next = state.email_next;
	if (!rc)
		rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	while (l->n < l->max && (rc = store_next(it, &key, &value)) == 1)
		if (key_read_u64(key, KEY_EMAIL, &l->ids[l->n]))
			l->n++;
	store_iter_end(&it);
	if (l->n && l->n == l->max)
		l->next = l->ids[l->n - 1] + 1;
	return rc < 0 ? rc : 0;
}

int account_emails(struct account *a, uint64_t from, uint64_t *ids, size_t max, size_t *n_out, uint64_t *next_out)
{
	struct list_emails l = { .from = from, .ids = ids, .max = max };
	int rc = account_read(a->model, a->id, list_emails, &l);
	*n_out = rc ? 0 : l.n;
	*next_out = l.next;
	return rc;
}

struct find_blob {
	uint64_t email;
	store_blob_id blob;
};

static int find_blob(struct store_read *r, void *arg)
{
	struct find_blob *find = arg;
	struct email email;
	int rc = email_record_load(source_read(r), find->email, &email);
	find->blob = email.blob;
	return rc;
}

int email_map_blob(struct account *a, store_blob_id blob, struct store_blob_view *out)
{
	int rc = ERR_RETRY;
	for (unsigned tries = 0; rc == ERR_RETRY && tries < READ_RETRIES_MAX; tries++)
		rc = store_blob_map(a->model->store, blob, out);
	return rc;
}

int email_map(struct account *a, uint64_t email, struct store_blob_view *out)
{
	*out = (struct store_blob_view){ .handle = NULL };
	struct find_blob find = { .email = email };
	int rc = account_read(a->model, a->id, find_blob, &find);
	return rc ? rc : email_map_blob(a, find.blob, out);
}

bool email_intact(struct account *a, const struct store_blob_view *v) { return store_blob_intact(a->model->store, v); }

void email_unmap(struct account *a, struct store_blob_view *v) { store_blob_unmap(a->model->store, v); }
