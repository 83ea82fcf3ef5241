#include "guard/helo.h"

#include "codec/smtp/path.h"
#include "guard/limits.h"
#include "rt/net.h"

int helo_points(struct str name, struct str ours, const char **why_out)
{
	struct net_addr addr;

	*why_out = NULL;
	if (str_ieq(name, ours)) {
		*why_out = "HELO says our own name";
		return HELO_POINTS_OURS;
	}
	if (net_addr_parse(name, 0, &addr)) {
		*why_out = "HELO says an address without brackets";        /* RFC 5321 4.1.3 */
		return HELO_POINTS_ADDRESS;
	}
	if (!smtp_helo_is_valid(name)) {
		*why_out = "HELO says no valid name";
		return HELO_POINTS_INVALID;
	}
	if (name.p[0] != '[' && str_chr(name, '.') == STR_NPOS) {
		*why_out = "HELO says a name without a domain";            /* RFC 5321 2.3.5 */
		return HELO_POINTS_LABEL;
	}
	return 0;
}
