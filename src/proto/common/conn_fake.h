/* For the tests of this room: a connection that is only what SASL asks about. Stands in for rt's. */
#ifndef PROTO_COMMON_CONN_FAKE_H
#define PROTO_COMMON_CONN_FAKE_H

#include "rt/conn.h"

#include <stdbool.h>

struct conn {
	const char *ip;
	bool tls;
	bool exporter;        /* TLS with a binding (RFC 9266) */
	const char *certificate[2];       /* mail addresses in the client's */
	bool end_point;       /* its certificate gives one (RFC 5929) */
};

#define CONN_FAKE_BINDING "0123456789abcdefghijklmnopqrstuv"     /* 32 octets */
#define CONN_FAKE_END_POINT "vutsrqponmlkjihgfedcba9876543210"   /* likewise */

#endif
