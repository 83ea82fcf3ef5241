#include "model/change.h"
#include "model/model_private.h"
#include "model/state.h"

int model_quota(struct model *m, uint64_t account, struct quota *out)
{
	struct state state;
	int rc = account_state(m, account, &state);
	if (!rc)
		*out = (struct quota){ state.bytes_max, state.messages_max, state.bytes, state.messages };
	return rc;
}

int account_quota(struct account *a, struct quota *out) { return model_quota(a->model, a->id, out); }

static int run(struct change *c, void *arg)
{
	const struct quota *quota = arg;
	c->state.bytes_max = quota->bytes_max;
	c->state.messages_max = quota->messages_max;
	c->dirty = true;
	return 0;
}

int account_set_quota(struct account *a, uint64_t bytes_max, uint64_t messages_max)
{
	struct quota quota = { .bytes_max = bytes_max, .messages_max = messages_max };
	return commit_run(a->model, a->id, run, &quota, NULL);
}
