#include "proto/smtp/recipient.h"

#include "directory/group.h"
#include "directory/name.h"
#include "proto/smtp/forward.h"
#include "proto/smtp/turn.h"
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
	t->away = true;
	r->n_queued++;
	r->n_away++;
	int code = destination_of(&c->s->t.arena, t->address, &t->destination);
	if (code == 0 && smtp_domain_is_fetched(c, t->destination))
		t->destination = arena_printf(&c->s->t.arena, QUEUE_FETCHED "%.*s", STR_ARG(t->destination));
	return code;
}

/* A group, or the address that its bounces come to: made into mail by the queue's local deliverer. */
static int take_group(struct smtp_call *c, struct smtp_recipient *r, enum directory_role role, struct smtp_target *t)
{
	int code = 0;

	if (!c->service->queue)
		return ERR_DENIED;
	r->n_queued++;
	t->group = role == DIRECTORY_GROUP;
	if (t->group)
		code = directory_group_may_send(services_directory(c->service->services), t->address, c->s->t.sender, str_from_c(c->s->user));
	r->closed = code == ERR_DENIED;
	return code;
}

static bool is_within(struct str name, struct str domain)
{
	return str_ieq(name, domain) || (name.n > domain.n + 1 && str_iends(name, domain) && name.p[name.n - domain.n - 1] == '.');
}

bool smtp_domain_is_listed(struct str list, struct str domain)
{
	struct str word;

	while (list.n) {
		str_cut(list, ' ', &word, &list);
		if (word.n && is_within(domain, word))
			return true;
	}
	return false;
}

/* One target away, which no alias stands for. */
static int relay(struct smtp_call *c, struct smtp_recipient *r, struct str address)
{
	r->relayed = true;
	r->targets = arena_new(&c->s->t.arena, struct smtp_target);
	if (!r->targets)
		return ERR_NO_MEMORY;
	r->n_targets = 1;
	r->targets->address = address;
	return take_away(c, r, r->targets);
}

static int take_targets(struct smtp_call *c, struct smtp_recipient *r, const struct directory_target *found, size_t n)
{
	int code = 0;

	r->targets = arena_array(&c->s->t.arena, n, sizeof *r->targets);
	if (!r->targets)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n && code == 0; i++) {
		struct smtp_target *t = &r->targets[r->n_targets++];
		*t = (struct smtp_target){ .account = found[i].account, .address = found[i].address, .detail = found[i].detail, .destination = STR(QUEUE_LOCAL) };
		if (found[i].role != DIRECTORY_MAIL)
			code = take_group(c, r, found[i].role, t);
		else if (!t->account)
			code = take_away(c, r, t);
	}
	return code;
}

/* Senders that may send anywhere; domains that anybody may send to through us. */
static bool may_go_on(const struct smtp_call *c, struct str domain)
{
	return smtp_may_relay(c) || smtp_domain_is_listed(c->s->config->smtp_relay_to, domain) || smtp_domain_is_fetched(c, domain);
}

int smtp_recipient_resolve(struct smtp_call *c, const struct smtp_path *path, struct smtp_recipient *r)
{
	struct smtp_transaction *t = &c->s->t;
	struct buf address = BUF_INIT(1024);
	struct directory_target *found;
	struct str bounce;
	size_t n = 0;

	r->address = arena_dup(&t->arena, path->wire);
	/* bounces to what we forwarded: before any catch-all can take them */
	int code = smtp_forward_reverse(c, path, &bounce);
	if (code != ERR_NOT_FOUND)
		return code == 0 ? relay(c, r, bounce) : code == ERR_DENIED ? ERR_NOT_FOUND : code;
	smtp_path_address(path, &address);
	code = r->address.p && !address.failed ? directory_resolve(services_directory(c->service->services), &t->arena, buf_str(&address), &found, &n) : ERR_NO_MEMORY;
	buf_fini(&address);
	if (code == ERR_DENIED)
		return may_go_on(c, path->domain) ? relay(c, r, r->address) : ERR_DENIED;
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
	t->n_queued += (unsigned)r->n_queued;
	t->n_away += (unsigned)r->n_away;
}
