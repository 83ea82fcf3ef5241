#include "proto/imap/message_limit.h"

/* The number of the first of the highest `limit` of them. There are more. */
static uint32_t first_kept(const struct rangeset *numbers, uint32_t limit)
{
	uint32_t left = limit;
	for (size_t i = numbers->n; i-- > 0;) {
		uint32_t n = numbers->v[i].hi - numbers->v[i].lo + 1;
		if (n >= left)
			return numbers->v[i].hi - left + 1;
		left -= n;
	}
	return 1;
}

uint32_t imap_message_limit_numbers(const struct view *v, struct rangeset *numbers, uint32_t limit)
{
	if (!limit || rangeset_count(numbers) <= limit)
		return 0;
	uint32_t first = first_kept(numbers, limit);
	rangeset_remove(numbers, 1, first - 1);
	return view_at(v, first - 1).uid;
}

void imap_message_limit_cut(struct imap_request *r, struct rangeset *numbers)
{
	r->limited_uid = imap_message_limit_numbers(r->s->selected.view, numbers, r->s->config->imap_message_limit);
}

bool imap_message_limit_allows(struct imap_request *r, uint64_t count, const struct rangeset *numbers)
{
	const struct mail_config *config = r->s->config;
	uint32_t limit = config->imap_message_limit ? config->imap_message_limit : config->imap_save_limit;
	if (!limit || count <= limit)
		return true;
	if (numbers)
		imap_no(r, "[MESSAGELIMIT %u %u] Too many messages for one command", limit, view_at(r->s->selected.view, first_kept(numbers, limit) - 1).uid);
	else
		imap_no(r, "[MESSAGELIMIT %u] Too many messages for one command", limit);
	return false;
}

void imap_message_limit_tell(struct imap_request *r)
{
	static const char ok[] = "OK ";
	if (!r->limited_uid || !str_starts(r->reply, str_from_c(ok)))
		return;
	struct str text = str_from(r->reply, sizeof(ok) - 1);
	uint32_t limit = r->s->config->imap_message_limit;
	if (text.n && text.p[0] == '[')
		conn_printf(r->conn, "* NO [MESSAGELIMIT %u %u] Not all messages were processed\r\n", limit, r->limited_uid);
	else
		imap_ok(r, "[MESSAGELIMIT %u %u] %.*s", limit, r->limited_uid, STR_ARG(text));
}
