/* What filters are told by name: Sendmail's macros, from a session. Private to the room. */
#ifndef PROTO_SMTP_GATE_MACROS_H
#define PROTO_SMTP_GATE_MACROS_H

#include "proto/smtp/gate.h"
#include "proto/smtp/session.h"

struct smtp_macro_source {
	const struct smtp_call *c;
	enum smtp_stage stage;
	const struct smtp_matter *m;
	struct arena *arena;                 /* values that must be made */
};
/* A milter_macro_fn over a struct smtp_macro_source. */
struct str smtp_macro(void *ctx, struct str name);
/* "[192.0.2.1]" or "[IPv6:2001:db8::1]", in the arena: RFC 5321 4.1.3. */
struct str smtp_peer_literal(const struct smtp_call *c, struct arena *a);

#endif
