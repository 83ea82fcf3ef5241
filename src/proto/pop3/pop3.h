/* The POP3 server for app/: RFC 1939 with CAPA (2449), STLS (2595), AUTH (5034), response codes (3206), UTF8 and
 * LANG (6856). */
#ifndef PROTO_POP3_POP3_H
#define PROTO_POP3_POP3_H

#include "proto/common/services.h"
#include "rt/conn.h"

extern const struct conn_proto pop3_proto;      /* ctx: struct services *, which lives as long as the server */

#endif
