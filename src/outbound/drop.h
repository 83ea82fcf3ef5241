/* Delivery into files: a directory in the way of a maildir, or one mbox. Durable when it returns. Any thread. */
#ifndef OUTBOUND_DROP_H
#define OUTBOUND_DROP_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct drop {
	struct str sender, recipient;     /* become Return-Path and Delivered-To */
	struct str message;               /* CRLF line ends; written with LF */
	uint64_t id;                      /* of the message in the queue */
	uint32_t index;                   /* of the recipient */
};
/* dir/tmp, dir/new and dir/cur are made where they are missing; a file appears in dir/new whole or not at all. */
int drop_maildir(const char *dir, const struct drop *d, struct err *e);
/* Appended under fcntl and flock locks, "From " lines quoted (mboxrd); what could only be written in part is taken back. Waits a minute for who has it locked,
 * or until *cancel. */
int drop_mbox(const char *path, const struct drop *d, const _Atomic bool *cancel, struct err *e);

#endif
