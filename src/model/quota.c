#include "model/change.h"
#include "model/model_private.h"
#include "model/state.h"

int account_quota(struct account *a, struct quota *out)
{
	struct state state;
	int rc = account_state(a->model, a->id, &state);
	if (!rc)
		*out = (struct quota){ state.bytes_max, state.messages_max, state.bytes, state.messages };
	return rc;
}

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
