#include "backup/recipient.h"

#include "rt/fault.h"

#include <signal.h>

/* Fault, for a test that goes through all of them: restore.kill ends the process between two steps. */
static void step(void)
{
	if (fault_hit("restore.kill"))
		raise(SIGKILL);
}

/* Nobody's, or with a name by now: an operator may have given it one. */
static int is_free(const struct recipient_wish *w, uint64_t account, bool *free_out)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user *users;
	size_t n = 0;
	int rc = directory_user_list(w->directory, &arena, &users, &n);
	*free_out = account != 0;
	for (size_t i = 0; !rc && i < n; i++)
		*free_out = *free_out && users[i].account != account;
	arena_fini(&arena);
	return rc;
}

/* The one that was made for this before, or a new one; written down before it is there. */
static int make_account(const struct recipient_wish *w, struct recipient *r, struct err *e)
{
	uint64_t id = r->intent.account;
	bool again;
	int rc = is_free(w, id, &again);
	if (!rc && !again)
		rc = directory_account_id_new(w->directory, &id);
	if (!rc)
		rc = intent_note(&r->intent, id, STR_NONE, e);
	step();
	r->left = r->left || !rc;
	if (!rc)
		rc = account_create(w->model, id);
	r->user.account = rc && rc != ERR_EXISTS ? 0 : id;
	return rc == ERR_EXISTS ? 0 : rc;
}

static int set_limits(const struct recipient_wish *w, uint64_t account)
{
	struct account *a = NULL;
	struct quota limits;
	int rc = account_open(w->model, account, &a);
	if (!rc)
		rc = account_quota(w->from->account, &limits);
	if (!rc)
		rc = account_set_quota(a, &limits);
	account_close(&a);
	return rc;
}

/* The user last: an account that nobody reaches is better than a user without one. */
static int make(const struct recipient_wish *w, struct recipient *r, struct err *e)
{
	int rc = make_account(w, r, e);
	step();
	if (!rc)
		rc = set_limits(w, r->user.account);
	step();
	if (!rc)
		rc = directory_user_copy(w->directory, w->then, w->name_then, w->name, r->user.account, e);
	step();
	r->made = !rc;
	r->user.name = w->name;
	/* Refused: there is no such domain, or the name is another's. After other errors the user may be there, and it is begun again. */
	if ((rc == ERR_NOT_FOUND || rc == ERR_EXISTS || rc == ERR_INVALID) && r->user.account && account_delete(w->model, r->user.account) == 0) {
		r->left = false;
		intent_close(&r->intent, true);
	}
	return rc;
}

int recipient_open(const struct recipient_wish *w, struct arena *a, struct recipient *out, struct err *e)
{
	*out = (struct recipient){ .intent = { .fd = -1 } };
	int rc = directory_user_find(w->directory, a, w->name, &out->user);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	rc = intent_open(w->dir, rc ? w->name : out->user.name, &out->intent, e);
	/* Again: another restore may have been done meanwhile. */
	if (!rc)
		rc = directory_user_find(w->directory, a, w->name, &out->user);
	if (rc == ERR_NOT_FOUND && out->intent.fd >= 0) {
		out->again = out->left = out->intent.again;
		return make(w, out, e);
	}
	/* Of a user of that name who is gone it tells nothing any more. */
	out->again = out->left = !rc && out->intent.again && out->intent.account == out->user.account;
	if (!rc && !out->again)
		out->intent.mailbox[0] = '\0';
	return rc;
}

void recipient_close(struct recipient *r, bool done) { intent_close(&r->intent, done); }
