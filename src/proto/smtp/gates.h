/* The gates that there are: the guard, and content filters (milters). Made by app/ and listed in struct smtp_service. */
#ifndef PROTO_SMTP_GATES_H
#define PROTO_SMTP_GATES_H

#include "guard/guard.h"
#include "milter/filters.h"
#include "proto/smtp/gate.h"

/* What the guard knows of the peer. Not asked of peers inside (checks.h), except for what users may send. g must outlive the server. */
struct smtp_gate smtp_gate_guard(struct guard *g);

/* Asks all filters at every stage. */
struct smtp_milters;
int smtp_milters_create(struct smtp_milters **out);
void smtp_milters_destroy(struct smtp_milters **m);       /* no session may be left; accepts NULL */
/* For sessions that begin from now on; takes a reference. NULL: none. Any thread. */
void smtp_milters_set(struct smtp_milters *m, struct milter_filters *f);
struct smtp_gate smtp_gate_milters(struct smtp_milters *m);

#endif
