/* A conversation with the authority: signed requests, nonces, answers as JSON. Private. One thread. */
#ifndef ACME_SESSION_H
#define ACME_SESSION_H

#include "acme/acme.h"
#include "acme/jws.h"
#include "acme/limits.h"
#include "base/arena.h"

#include <jansson.h>

struct acme_session {
	const struct acme_request *request;
	struct jws_key *key;
	struct arena arena;                  /* URLs and the like */
	struct str new_nonce, new_account, new_order, kid;
	char nonce[ACME_NONCE_MAX];
	uint64_t deadline_ms;                /* clock_mono_ms */
	struct err *e;
};

/* Reads the directory and finds, or makes, the account. */
int acme_session_open(struct acme_session *s, const struct acme_request *r, struct err *e);
void acme_session_close(struct acme_session *s);

struct acme_answer {
	json_t *json;                        /* NULL when the body is no JSON object */
	struct str location;                 /* in the session's arena */
	struct str body;                     /* the same */
	unsigned retry_after_s;              /* 0: not said */
};
void acme_answer_fini(struct acme_answer *a);
/* A signed POST; payload empty: POST-as-GET (RFC 8555 6.3). What is not 2xx is an error with the authority's words. */
int acme_post(struct acme_session *s, struct str url, struct str payload, struct acme_answer *out);
/* A member of the answer, copied into the arena when it is a string fit for a URL or token; empty otherwise. */
struct str acme_text(struct acme_session *s, const json_t *object, const char *name);
/* Sleeps before looking again: *wait_ms doubles from ACME_POLL_FIRST_MS. ERR_TIMEOUT when the deadline would pass. */
int acme_wait(struct acme_session *s, uint64_t *wait_ms, unsigned retry_after_s);

#endif
