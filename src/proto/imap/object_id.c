#include "proto/imap/object_id.h"

#include "base/num.h"

void imap_object_id_write(struct buf *out, const char *name, enum imap_object kind, uint64_t account, uint64_t id)
{
	buf_add_c(out, name);
	buf_add_lit(out, " (");
	buf_add_char(out, (char)kind);
	buf_add_u64(out, account);
	buf_add_char(out, '-');
	buf_add_u64(out, id);
	buf_add_char(out, ')');
}

uint64_t imap_object_id_read(struct str text, enum imap_object kind, uint64_t account)
{
	struct str first, second;
	uint64_t owner, id;
	if (text.n < 2 || text.p[0] != (char)kind || !str_cut(str_from(text, 1), '-', &first, &second))
		return 0;
	if (!num_parse_u64(first, &owner) || !num_parse_u64(second, &id) || owner != account)
		return 0;
	/* An id is compared octet by octet (RFC 8474 7): "M07-1" is none. */
	return first.p[0] == '0' || second.p[0] == '0' ? 0 : id;
}
