#include "proto/imap/rights_response.h"

#include "codec/imap/format.h"
#include "codec/imap/rights.h"

void imap_write_myrights(struct imap_request *r, struct str told, uint32_t rights)
{
	struct buf *out = conn_out(r->conn);
	buf_add_lit(out, "* MYRIGHTS ");
	imap_format_mailbox(out, told, imap_utf8(r->s));
	buf_add_char(out, ' ');
	imap_format_rights(out, rights);
	buf_add_lit(out, "\r\n");
}
