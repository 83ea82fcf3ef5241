/* ETRN, RFC 1985: what waits for a node is tried now. */
#include "proto/smtp/command.h"

#include "codec/smtp/path.h"
#include "directory/name.h"
#include "proto/smtp/extension.h"
#include "proto/smtp/recipient.h"
#include "queue/queue.h"

bool smtp_may_etrn(const struct smtp_call *c)
{
	return c->service->queue && network_list_has(c->s->config->smtp_etrn_from, &c->s->peer.addr);
}

/* How many recipients are due now, or an error. */
static int64_t flush_below(struct smtp_call *c, struct str domain)
{
	struct arena a = ARENA_INIT(SMTP_TRANSACTION_MEMORY_MAX);
	struct queue_destination_stats *list;
	size_t n = 0;
	int64_t total = queue_destinations(c->service->queue, &a, SMTP_ETRN_DESTINATIONS_MAX, &list, &n);

	for (size_t i = 0; i < n && total >= 0; i++) {
		if (!smtp_domain_is_listed(domain, list[i].destination))
			continue;
		int64_t flushed = queue_flush_destination(c->service->queue, list[i].destination);
		total = flushed < 0 ? flushed : total + flushed;
	}
	arena_fini(&a);
	return total;
}

static void reply(struct smtp_call *c, struct str node, int64_t n)
{
	if (n < 0)
		smtp_reply(c, 458, "4.3.0", "Unable to queue messages for node %.*s", STR_ARG(node));
	else if (n == 0)
		smtp_reply(c, 251, "2.0.0", "OK, no messages waiting for node %.*s", STR_ARG(node));
	else
		smtp_reply(c, 253, "2.0.0", "OK, %lld pending messages for node %.*s started", (long long)n, STR_ARG(node));
}

void smtp_cmd_etrn(struct smtp_call *c)
{
	char option = c->arg.n ? c->arg.p[0] : 0;
	struct str node = str_from(c->arg, option == '@' || option == '#');
	struct name name;

	if (!smtp_may_etrn(c)) {
		smtp_reply(c, 459, "4.7.1", "Node %.*s not allowed: not from your address", STR_ARG(node));
		return;
	}
	if (c->s->t.open) {
		smtp_reply(c, 503, "5.5.1", "Not during a mail transaction");             /* RFC 1985 section 5 */
		return;
	}
	if (!node.n) {
		smtp_reply(c, 500, "5.5.2", "Syntax: ETRN node, @domain or #queue");
		return;
	}
	/* a queue is named as in `troika queue`: a domain, or an address literal */
	bool literal = option == '#' && node.p[0] == '[' && smtp_literal_is_valid(node);
	if (!literal && (name_parse_domain(node, &name) || str_chr(node, '.') == STR_NPOS)) {
		smtp_reply(c, 501, "5.5.4", "A node is a fully qualified domain name");
		return;
	}
	struct str key = literal ? node : name_domain(&name);
	/* only the configured domains and what lies below them; all, when none is configured */
	if (c->s->config->smtp_etrn_domains.n && !smtp_domain_is_listed(c->s->config->smtp_etrn_domains, key))
		smtp_reply(c, 459, "4.7.1", "Node %.*s not allowed: not one of the configured domains", STR_ARG(node));
	else
		reply(c, node, option == '@' ? flush_below(c, key) : queue_flush_destination(c->service->queue, key));
}
