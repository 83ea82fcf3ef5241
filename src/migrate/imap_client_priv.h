/* The struct behind imap_client.h, for imap_*.c only. */
#ifndef MIGRATE_IMAP_CLIENT_PRIV_H
#define MIGRATE_IMAP_CLIENT_PRIV_H

#include "codec/imap/response.h"
#include "migrate/imap_client.h"

struct imap_client {
	struct source base;
	const struct source_setup *setup;
	struct stream *stream;
	struct buf text;                  /* of the response under the hand */
	struct arena arena;               /* what was read of it */
	struct imap_response r;
	bool too_big;                     /* a message in it was thrown away */
	bool has_tls, preauth;
	bool dead;                        /* no LOGOUT */
	unsigned capabilities;            /* enum imap_capability */
	bool capabilities_told;           /* since TLS or login changed them */
	unsigned tag;                     /* the last one */
	struct asked {
		unsigned tag;
		bool answered;                /* before its turn, RFC 9051 5.5 */
		int result;
	} asked[SOURCE_ASKED_MAX];        /* what take has still to take */
	unsigned n_asked;
	uint32_t messages;                /* of the folder that was entered */
	char bye[128];                    /* what the server said before it went */
};

/* Sees each untagged response and each continuation. 0 or an error that ends the wait. */
typedef int imapc_untagged_fn(struct imap_client *c, void *arg, struct err *e);

/* Begins a command; more may be written behind it with stream_*, up to its line end. */
void imapc_begin(struct imap_client *c, const char *command);
/* An argument behind a space; one that needs a literal is waited for. 0 or an error. */
int imapc_argument(struct imap_client *c, struct str s, struct err *e);
/* Reads to the end of the command with that tag. bodies: messages may come. fn may be NULL. 0: OK. ERR_CONFLICT: NO or BAD; c->r is the answer. */
int imapc_await(struct imap_client *c, unsigned tag, bool bodies, imapc_untagged_fn *fn, void *arg, struct err *e);
/* The line end, and then imap_await. */
int imapc_finish(struct imap_client *c, imapc_untagged_fn *fn, void *arg, struct err *e);

int imapc_login(struct imap_client *c, struct err *e);

/* struct source_ops */
int imapc_folders(struct source *s, struct arena *a, struct source_folder **out, size_t *n_out, struct err *e);
int imapc_enter(struct source *s, const struct source_folder *f, struct source_entered *out, struct err *e);
int imapc_scan(struct source *s, uint32_t from, uint64_t changed_since, source_item_fn *fn, void *arg, struct err *e);
int imapc_ask(struct source *s, const uint32_t *uids, size_t n, struct err *e);
int imapc_take(struct source *s, source_body_fn *fn, void *arg, struct err *e);

#endif
