/* For tests: an SMTP server on loopback that plays a script, well or badly. What it cannot do fails the test when it is stopped. */
#ifndef OUTBOUND_TEST_PEER_H
#define OUTBOUND_TEST_PEER_H

#include "base/buf.h"

#include <pthread.h>
#include <stdint.h>

#define SCRIPTS_MAX 8
#define STEPS_MAX 48

/* A step: "S line" says it; "C prefix" hears a line that begins so; "D" hears data up to its end; "B" hears a BDAT command and its octets; "X" closes at once;
 * "G" is good from here on (MAIL, RCPT, DATA, BDAT,
 * RSET, QUIT); "R" resets the connection; "P ms" pauses; "W" waits until nothing more is said for a moment. After its last step it answers QUIT and ends. */
struct script {
	const char *step[STEPS_MAX];
};
struct scripted_peer {
	int listener;
	uint16_t port;
	pthread_t thread;
	struct script script[SCRIPTS_MAX];     /* one for each connection; the last one again and again */
	size_t n_scripts;
	_Atomic unsigned connections;
	pthread_mutex_t lock;
	struct buf heard;                     /* all lines but data, "|" between them */
	struct buf data;                      /* what came as data, dots and all */
	char wrong[256];
};
/* address: "127.0.0.1" when NULL. port 0: any. */
void scripted_peer_start(struct scripted_peer *p, const char *address, uint16_t port, const struct script *scripts, size_t n);
/* Ends it; fails the test when a script was not kept to. */
void scripted_peer_stop(struct scripted_peer *p);

#endif
