#include "model/audit.h"
#include "model/audit_recover.h"

#include "model/model_private.h"
#include "model/registry.h"

#define ROUNDS 4u                                 /* of repairing one account; the first may be about flipped bits alone */

int audit_grow(void **v, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return 0;
	size_t more = *cap ? *cap * 2 : 64;
	void *grown = reallocarray(*v, more, size);
	if (!grown)
		return ERR_NO_MEMORY;
	*v = grown;
	*cap = more;
	return 0;
}

void audit_fault(struct audit *c, unsigned todo, const char *format, ...)
{
	va_list ap;
	buf_printf(&c->lines, "account %llu: ", (unsigned long long)c->account);
	va_start(ap, format);
	buf_vprintf(&c->lines, format, ap);
	va_end(ap);
	buf_add_char(&c->lines, '\n');
	c->lines_n++;
	c->todo |= todo;
}

void audit_note(struct audit *c, const char *format, ...)
{
	va_list ap;
	buf_printf(&c->lines, "note: account %llu: ", (unsigned long long)c->account);
	va_start(ap, format);
	buf_vprintf(&c->lines, format, ap);
	va_end(ap);
	buf_add_char(&c->lines, '\n');
}

struct audit_mailbox *audit_mailbox_find(struct audit *c, uint32_t id)
{
	size_t low = 0, high = c->mailboxes.n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->mailboxes.v[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->mailboxes.n && c->mailboxes.v[low].id == id ? &c->mailboxes.v[low] : NULL;
}

/* Tells what was found since the last time. */
static void tell(struct audit *c)
{
	struct str rest = buf_str(&c->lines), line;
	while (rest.n) {
		str_cut(rest, '\n', &line, &rest);
		char *text = c->fn ? str_dup_c(line) : NULL;
		if (text)
			c->fn(c->arg, text);
		free(text);
	}
	c->faults += c->lines_n;
	c->lines_n = 0;
	buf_reset(&c->lines);
}

void audit_fini(struct audit *c)
{
	buf_fini(&c->lines);
	arena_fini(&c->arena);
	free(c->mailboxes.v);
	free(c->shown.v);
	member_list_fini(&c->buried);
	free(c->emails.v);
	free(c->bad_pages.v);
	free(c->misplaced.v);
	free(c->damaged.v);
	member_list_fini(&c->bad_member_pages);
	member_list_fini(&c->missing);
	member_list_fini(&c->extra);
	free(c->orphans.v);
	free(c->origins.v);
	free(c->tombs.v);
	free(c->kept_acls.v);
}

static int skip_ahead(struct audit *c)
{
	return commit_run(c->model, c->account, audit_skip_ahead, NULL, NULL);
}

static int audit_account(struct model *m, uint64_t account, bool repair, bool first, store_report_fn *fn, void *arg,
						 uint64_t *faults)
{
	struct audit c = { .model = m, .account = account, .fn = fn, .arg = arg, .wounded = store_wounded(m->store, account_scope(account)) };
	struct blob_list tagged = { NULL, 0, 0 };
	/* Before the snapshot: what has a tag now and is in no email then is not just being delivered. */
	int rc = audit_list_tags(&c, &tagged);
	c.tagged = &tagged;
	if (!rc)
		rc = account_read(m, account, audit_read, &c);
	tell(&c);
	if (!rc && repair)
		rc = audit_repair(&c);
	if (!rc && repair && c.wounded && first && !(c.todo & AUDIT_DELETION))
		rc = skip_ahead(&c);
	if (!rc && !c.bits && !(c.todo & AUDIT_DELETION) && (repair || !(c.todo & AUDIT_STATE)) && c.state.status == STATE_LIVE)
		rc = audit_tags(&c, repair);
	tell(&c);
	*faults += c.faults;
	blob_list_fini(&tagged);
	audit_fini(&c);
	/* Its key is there before the account is made, and after it is gone. */
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int list_accounts(struct model *m, bool repair, store_report_fn *fn, void *arg, uint64_t *faults, struct arena *arena, uint64_t **out, size_t *n_out)
{
	int rc = store_wounded(m->store, registry_scope()) ? audit_find_accounts(m, repair, fn, arg, faults) : 0;
	return rc ? rc : registry_list(m, arena, out, n_out);
}

int model_check(struct model *m, uint64_t account, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out)
{
	uint64_t faults = 0;
	struct arena arena = ARENA_INIT(0);
	uint64_t *ids = &account;
	size_t n = 1;
	int rc = account ? 0 : list_accounts(m, repair, fn, arg, &faults, &arena, &ids, &n);
	for (size_t i = 0; !rc && i < n; i++)
		for (unsigned round = 0; !rc && round < ROUNDS; round++) {
			uint64_t before = faults;
			rc = audit_account(m, ids[i], repair, round == 0, fn, arg, &faults);
			/* What one repair puts right may show what another has to. */
			if (!repair || faults == before)
				break;
		}
	arena_fini(&arena);
	if (faults_out)
		*faults_out = faults;
	return rc;
}
