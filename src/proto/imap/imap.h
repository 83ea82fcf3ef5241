/* IMAP4rev1 (RFC 3501), IMAP4rev2 (RFC 9051) and their extensions, for app/ to listen with. The context is a struct services *. */
#ifndef PROTO_IMAP_IMAP_H
#define PROTO_IMAP_IMAP_H

#include "rt/conn.h"

extern const struct conn_proto imap_proto;

#endif
