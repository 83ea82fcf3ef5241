/* The struct behind pop3_client.h, for pop3_*.c only. */
#ifndef MIGRATE_POP3_CLIENT_PRIV_H
#define MIGRATE_POP3_CLIENT_PRIV_H

#include "base/buf.h"
#include "migrate/limits.h"
#include "migrate/pop3_client.h"
#include "migrate/pop3_response.h"

struct pop3_message {
	uint32_t number;                  /* of this session */
	uint32_t uid;                     /* for ever; what it is called outside */
	uint64_t size;
	char id[MIGRATE_NUMBERED_MAX + 1];      /* UIDL's; of the second with the same "ID 2". Empty: none */
};
struct pop3_asked {
	uint32_t numbers[MIGRATE_BATCH], uids[MIGRATE_BATCH];
	size_t n;
};
struct pop3_client {
	struct source base;
	const struct source_setup *setup;
	struct stream *stream;
	bool dead;                        /* no QUIT */
	unsigned capabilities;            /* enum pop3_capability */
	char greeting[512];
	struct pop3_message *v;           /* ascending by uid once scanned */
	size_t n;
	struct pop3_asked asked[SOURCE_ASKED_MAX];
	size_t n_asked;
	struct buf text;                  /* of one message */
};

/* Sends the command (printf-style, without line end) and reads the status. 0: +OK. ERR_CONFLICT: -ERR. */
int pop3c_command(struct pop3_client *c, struct err *e, const char *format, ...) __attribute__((format(printf, 3, 4)));
int pop3c_status(struct pop3_client *c, struct str *text_out, struct err *e);
int pop3c_read_line(struct pop3_client *c, size_t max, struct str *line_out, struct err *e);
int pop3c_nonsense(struct pop3_client *c, struct str line, struct err *e);
int pop3c_login(struct pop3_client *c, struct err *e);

/* struct source_ops */
int pop3c_folders(struct source *s, struct arena *a, struct source_folder **out, size_t *n_out, struct err *e);
int pop3c_enter(struct source *s, const struct source_folder *f, struct source_entered *out, struct err *e);
int pop3c_scan(struct source *s, uint32_t from, uint64_t changed_since, source_item_fn *fn, void *arg, struct err *e);
int pop3c_ask(struct source *s, const uint32_t *uids, size_t n, struct err *e);
int pop3c_take(struct source *s, source_body_fn *fn, void *arg, struct err *e);

#endif
