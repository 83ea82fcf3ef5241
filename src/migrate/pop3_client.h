/* A session with a POP3 server, for reading only: RFC 1939, 2449, 2595, 5034; nothing is ever deleted there. Its maildrop is one folder, INBOX. See source.h. */
#ifndef MIGRATE_POP3_CLIENT_H
#define MIGRATE_POP3_CLIENT_H

#include "migrate/source.h"

int pop3_client_open(const struct source_setup *s, struct source **out, uint64_t *wait_ms_out, struct err *e);

#endif
