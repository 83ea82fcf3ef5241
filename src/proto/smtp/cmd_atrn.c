/* ATRN, RFC 2645: a user whose host is not always there fetches the mail of its domains. */
#include "proto/smtp/command.h"
#include "proto/smtp/extension.h"
#include "proto/smtp/turn.h"

#include "directory/name.h"

/* The next "user=domain,domain" of the configuration; false at its end. */
static bool next_entry(struct str *rest, struct str *user_out, struct str *domains_out)
{
	struct str word = STR_NONE;

	while (rest->n && !word.n)
		str_cut(*rest, ' ', &word, rest);
	return word.n && str_cut(word, '=', user_out, domains_out);
}

static bool is_in(struct str list, struct str domain)
{
	struct str one;

	while (list.n) {
		str_cut(list, ',', &one, &list);
		if (one.n && str_ieq(one, domain))
			return true;
	}
	return false;
}

bool smtp_domain_is_fetched(const struct smtp_call *c, struct str domain)
{
	struct str rest = c->s->config->submission_fetch, user, domains;

	while (next_entry(&rest, &user, &domains))
		if (is_in(domains, domain))
			return true;
	return false;
}

bool smtp_may_atrn(const struct smtp_call *c)
{
	return c->service->queue && c->service->store && c->s->config->submission_fetch.n;
}

/* The domains of the user, empty when there are none. */
static struct str domains_of(const struct smtp_call *c)
{
	struct str rest = c->s->config->submission_fetch, user, domains;

	while (next_entry(&rest, &user, &domains))
		if (str_ieq(user, str_from_c(c->s->user)))
			return domains;
	return STR_NONE;
}

/* The domains asked for, or all of the user's. False when an answer was given. */
static bool take_domains(struct smtp_call *c, struct arena *a, struct str **out, size_t *n_out)
{
	struct str mine = domains_of(c), asked = c->arg.n ? c->arg : mine, rest = asked, one;
	struct name name;
	size_t n = 0;

	*out = arena_array(a, asked.n + 1, sizeof **out);
	for (bool more = *out && rest.n; more;) {
		more = str_cut(rest, ',', &one, &rest);
		if (name_parse_domain(one, &name)) {
			smtp_reply(c, 501, "5.5.4", "Syntax: ATRN [domain,domain]");
			return false;
		}
		if (!is_in(mine, one)) {
			smtp_reply(c, 450, "4.7.1", "ATRN request refused");              /* RFC 2645 5.2.1: all or none */
			return false;
		}
		(*out)[n++] = arena_dup(a, name_domain(&name));
	}
	*n_out = n;
	if (a->failed)
		smtp_reply_error(c, ERR_NO_MEMORY, "ATRN");
	else if (n == 0)
		smtp_reply(c, 450, "4.7.1", "ATRN request refused");
	return !a->failed && n > 0;
}

void smtp_cmd_atrn(struct smtp_call *c)
{
	struct arena a = ARENA_INIT(SMTP_TRANSACTION_MEMORY_MAX);
	struct str *domains;
	size_t n;

	if (!smtp_may_atrn(c)) {
		smtp_reply(c, 502, "5.5.1", "ATRN is switched off");
	} else if (c->s->t.open) {
		smtp_reply(c, 503, "5.5.1", "Not during a mail transaction");
	} else if (take_domains(c, &a, &domains, &n)) {
		int code = smtp_turn_begin(c, domains, n);
		if (code == 0)
			smtp_reply(c, 250, "2.0.0", "OK now reversing the connection");
		else if (code == ERR_NOT_FOUND)
			smtp_reply(c, 453, "4.2.0", "You have no mail");
		else
			smtp_reply(c, 451, "4.3.0", "Unable to process ATRN request now");
	}
	arena_fini(&a);
}
