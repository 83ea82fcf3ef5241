/* The rooms below, opened over one data directory: for the server and for every command of the command line alike. One thread opens and closes. */
#ifndef APP_HOUSE_H
#define APP_HOUSE_H

#include "app/config.h"
#include "base/err.h"
#include "directory/directory.h"
#include "model/model.h"
#include "queue/queue.h"
#include "search/search.h"
#include "store/store.h"

struct house {
	const char *dir;                     /* the caller's */
	struct store *store;
	struct model *model;
	struct directory *directory;
	struct queue *queue;                 /* NULL until house_open_queue */
	struct search *search;               /* NULL until house_open_search */
};

/* Makes the directory (mode 0700) with an empty store and a sample configuration, and opens it. ERR_EXISTS when there is one; ERR_BUSY when another process
 * makes it. It is unfinished until house_finish: others are refused by house_open, and after a kill or a failure the next house_create removes what
 * this one made, and nothing else, and begins anew. *mark_out is the caller's to hand to house_finish or house_leave; -1 after a failure. */
int house_create(const char *dir, struct str hostname, struct house *out, int *mark_out, struct err *e);
/* All is durable and from now on a house like others. */
int house_finish(const char *dir, int *mark, struct err *e);
/* Not finished: lets go of it. Accepts -1. */
void house_leave(int *mark);
/* Opens an existing one. ERR_NOT_FOUND also when it is not finished. config may be NULL: defaults, but see app_keep. *out is safe for close also after a failure. */
int house_open(const char *dir, const struct app_config *config, struct house *out, struct err *e);
/* For commands that look at mail on its way; the server opens one of its own, with a configuration. */
int house_open_queue(struct house *h, struct err *e);
/* The full-text indexes; threads: that index in the background, for the server. */
int house_open_search(struct house *h, const struct app_config *config, unsigned threads, struct err *e);
void house_close(struct house *h);
/* The account of a user by name; the caller closes. */
int house_open_account(struct house *h, const char *user, struct account **out, struct err *e);

/* As root over a directory that somebody else owns: becomes the owner for good, so that no file of root's is left among its files. */
int house_become_owner(const char *dir, struct err *e);
/* Becomes the named user for good; needs root. Both keep the right to bind low ports (CAP_NET_BIND_SERVICE) until it is dropped; call before there
 * are other threads. */
int house_become_user(const char *user, struct err *e);
int house_use_bind_right(struct err *e);             /* puts it into effect; 0 also where there is none */
int house_drop_bind_right(struct err *e);

/* Makes the names in a directory durable. */
int house_sync_names(const char *dir, struct err *e);
/* Paths inside, into a buffer of size bytes; false when it does not fit. */
bool house_path(const char *dir, const char *name, char *out, size_t size);

#endif
