/* Opens the stream to a place: name, connection, TLS with a certificate that is checked; or a process. Any thread. */
#ifndef MIGRATE_DIAL_H
#define MIGRATE_DIAL_H

#include "migrate/place.h"
#include "migrate/spawner.h"
#include "rt/stream.h"

struct dial {
	const char *ca_file;                  /* instead of the system's authorities; NULL: those */
	struct str fingerprint;               /* SHA-256 of the server's certificate, 32 octets: that one and no other; empty: an authority vouches */
	bool insecure;                        /* any certificate, and plain text where there is no TLS */
	uint64_t timeout_ms;                  /* without progress; 0: MIGRATE_TIMEOUT_MS */
	const _Atomic bool *cancel;           /* as stream_target's */
	struct spawner *spawner;              /* for pipes */
};
/* With implicit TLS it is up on return. pipe: the number of the place's command with the spawner. Errors: of rt/stream.h; ERR_NOT_FOUND: no such host; e says
 * all that an operator needs. */
int dial_open(const struct dial *d, const struct place *p, size_t pipe, struct stream **out, struct err *e);
int dial_start_tls(const struct dial *d, const struct place *p, struct stream *s, struct err *e);

#endif
