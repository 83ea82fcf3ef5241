/* A session with an IMAP server, for reading only: RFC 3501, 9051, 2971, 2342, 4959, 6154, 7162, 8474 and Gmail's X-GM-EXT-1. See source.h. */
#ifndef MIGRATE_IMAP_CLIENT_H
#define MIGRATE_IMAP_CLIENT_H

#include "migrate/source.h"

int imap_client_open(const struct source_setup *s, struct source **out, uint64_t *wait_ms_out, struct err *e);

#endif
