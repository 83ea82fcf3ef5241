/* COMPARATOR: RFC 5255 4.7. There is one collation, so there is nothing to change. */
#include "proto/imap/commands.h"

#include "base/ascii.h"

static const struct str comparator = STR_INIT("i;unicode-casemap");

/* Does the pattern match it? RFC 4790 3.2: "*" stands for anything; recursion is not needed, the last one decides. */
static bool matches(struct str pattern)
{
	size_t p = 0, c = 0, star = STR_NPOS, from = 0;
	while (c < comparator.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = c;
		} else if (p < pattern.n && ascii_lower(pattern.p[p]) == comparator.p[c]) {
			p++;
			c++;
		} else if (star != STR_NPOS) {
			p = star + 1;
			c = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

/* collation-order = ["+" / "-"] collation-wild; the wrong way round is not to be had. */
static bool wanted(struct str order)
{
	if (str_ieq(order, STR("default")))
		return true;
	return order.n <= 254 && matches(order.n && order.p[0] == '+' ? str_from(order, 1) : order);
}

enum imap_result imap_cmd_comparator(struct imap_request *r)
{
	bool any = false, found = false;
	while (imap_peek(&r->args) >= 0 && imap_peek(&r->args) != '\r') {
		struct str order;
		if ((any && !imap_sp(&r->args)) || !imap_astring(&r->args, &order))
			return imap_bad_args(r);
		any = true;
		found |= wanted(order);
	}
	if (!imap_end(&r->args))
		return imap_bad_args(r);
	if (any && !found)
		return imap_no(r, "[BADCOMPARATOR] No such comparator");
	conn_printf(r->conn, "* COMPARATOR %.*s\r\n", STR_ARG(comparator));
	return imap_ok(r, "%.*s is used", STR_ARG(comparator));
}
