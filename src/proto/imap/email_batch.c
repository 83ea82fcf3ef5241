#include "proto/imap/email_batch.h"

/* How often a read that the store calls stale is begun again for one record. */
#define READ_ATTEMPTS 3

void imap_email_batch_end(struct imap_email_batch *b)
{
	email_reader_end(&b->reader);
	b->reads = 0;
}

int imap_email_get(struct imap_email_batch *b, uint64_t email, struct email *out)
{
	int err = 0;
	if (++b->reads > IMAP_EMAIL_BATCH_MAX)
		imap_email_batch_end(b);
	for (unsigned i = 0; i < READ_ATTEMPTS; i++) {
		if (!b->reader)
			err = email_reader_begin(b->account, &b->reader);
		if (!err)
			err = email_reader_get(b->reader, email, out);
		if (err != ERR_RETRY)
			return err;
		imap_email_batch_end(b);
	}
	return err;
}
