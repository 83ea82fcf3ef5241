#include "proto/smtp/recipient.h"

#include "directory/name.h"
#include "queue/queue.h"

/* The destination as the queue names it (queue.h): an address literal, or the domain in lower case and A-labels. */
static int destination_of(struct arena *a, struct str address, struct str *out)
{
	struct str domain = str_from(address, str_rchr(address, '@') + 1);
	struct name name;

	if (domain.n && domain.p[0] == '[') {
		*out = arena_dup(a, domain);
	} else {
		int code = name_parse_domain(domain, &name);
		if (code)
			return code;
		*out = arena_dup(a, name_domain(&name));
	}
	return out->p ? 0 : ERR_NO_MEMORY;
}

static int take_away(struct smtp_call *c, struct smtp_recipient *r, struct smtp_target *t)
{
	if (!c->service->queue)
		return ERR_DENIED;
	r->n_away++;
	return destination_of(&c->s->t.arena, t->address, &t->destination);
}

/* Not one of our domains. */
static int relay(struct smtp_call *c, struct smtp_recipient *r)
{
	if (!smtp_may_relay(c))
		return ERR_DENIED;
	r->relayed = true;
	r->targets = arena_new(&c->s->t.arena, struct smtp_target);
	if (!r->targets)
		return ERR_NO_MEMORY;
	r->n_targets = 1;
	r->targets->address = r->address;
	return take_away(c, r, r->targets);
}

static int take_targets(struct smtp_call *c, struct smtp_recipient *r, const struct directory_target *found, size_t n)
{
	r->targets = arena_array(&c->s->t.arena, n, sizeof *r->targets);
	if (!r->targets)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		struct smtp_target *t = &r->targets[r->n_targets++];
		*t = (struct smtp_target){ .account = found[i].account, .address = found[i].address, .detail = found[i].detail, .destination = STR(QUEUE_LOCAL) };
		int code = t->account ? 0 : take_away(c, r, t);
		if (code)
			return code;
	}
	return 0;
}

int smtp_recipient_resolve(struct smtp_call *c, const struct smtp_path *path, struct smtp_recipient *r)
{
	struct smtp_transaction *t = &c->s->t;
	struct buf address = BUF_INIT(1024);
	struct directory_target *found;
	size_t n = 0;

	smtp_path_address(path, &address);
	r->address = arena_dup(&t->arena, path->wire);
	int code = r->address.p ? directory_resolve(services_directory(c->service->services), &t->arena, buf_str(&address), &found, &n) : ERR_NO_MEMORY;
	buf_fini(&address);
	if (code == ERR_DENIED)
		return relay(c, r);
	if (code == 0 && t->n_targets + n > SMTP_TARGETS_MAX)
		return ERR_BUSY;
	return code ? code : take_targets(c, r, found, n);
}

void smtp_recipient_keep(struct smtp_transaction *t, struct smtp_recipient *r)
{
	*t->last = r;
	t->last = &r->next;
	t->n_recipients++;
	t->n_targets += (unsigned)r->n_targets;
	t->n_away += (unsigned)r->n_away;
}
