/* Logins counted by protocol, mechanism and result. Any thread. */
#ifndef PROTO_COMMON_LOGIN_COUNT_H
#define PROTO_COMMON_LOGIN_COUNT_H

#include <stdbool.h>

/* mechanism: of the table in sasl.c, "password", "APOP"; others are one. why: err_text of the code, or "no TLS"; of a failure. */
void login_count(const char *protocol, const char *mechanism, bool ok, const char *why);

#endif
