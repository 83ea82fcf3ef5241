#include "model/quota.h"

#include "model/change.h"
#include "model/model_private.h"

struct quota quota_of(const struct state *state, unsigned grace_percent)
{
	return (struct quota){
		.bytes_max = state->bytes_max, .messages_max = state->messages_max, .mailboxes_max = state->mailboxes_max,
		.bytes = state->bytes, .messages = state->messages, .mailboxes = state->mailboxes - (state->bin ? 1 : 0), .grace_percent = grace_percent,
	};
}

unsigned quota_grace(struct model *m) { return atomic_load_explicit(&m->quota_grace_percent, memory_order_relaxed); }

void model_set_quota_grace(struct model *m, unsigned percent)
{
	atomic_store_explicit(&m->quota_grace_percent, percent, memory_order_relaxed);
}

/* With the grace on top; never over UINT64_MAX. */
static uint64_t raise(uint64_t limit, unsigned percent)
{
	uint64_t more = limit / 100 > UINT64_MAX / (percent + 1ull) ? UINT64_MAX : limit / 100 * percent + limit % 100 * percent / 100;
	return more > UINT64_MAX - limit ? UINT64_MAX : limit + more;
}

static bool has_room(uint64_t max, uint64_t used, uint64_t more, unsigned percent)
{
	if (max == 0)
		return true;
	uint64_t limit = max == QUOTA_ZERO ? 0 : raise(max, percent);
	return more <= limit && used <= limit - more;
}

bool quota_has_room(const struct quota *q, uint64_t messages, uint64_t bytes, bool delivery)
{
	unsigned percent = delivery ? q->grace_percent : 0;
	return has_room(q->bytes_max, q->bytes, bytes, percent) && has_room(q->messages_max, q->messages, messages, percent);
}

bool quota_is_exceeded(const struct quota *q) { return !quota_has_room(q, 0, 0, false); }

bool quota_has_mailbox_room(const struct state *state)
{
	return has_room(state->mailboxes_max, state->mailboxes - (state->bin ? 1 : 0), 1, 0);
}

int model_quota(struct model *m, uint64_t account, struct quota *out)
{
	struct state state;
	int rc = account_state(m, account, &state);
	if (!rc)
		*out = quota_of(&state, quota_grace(m));
	return rc;
}

int account_quota(struct account *a, struct quota *out) { return model_quota(a->model, a->id, out); }

static int run(struct change *c, void *arg)
{
	const struct quota *limits = arg;
	c->state.bytes_max = limits->bytes_max;
	c->state.messages_max = limits->messages_max;
	c->state.mailboxes_max = limits->mailboxes_max;
	c->dirty = true;
	return 0;
}

int account_set_quota(struct account *a, const struct quota *limits)
{
	struct quota copy = *limits;
	return commit_run(a->model, a->id, run, &copy, NULL);
}
