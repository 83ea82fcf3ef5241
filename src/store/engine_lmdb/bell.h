/* News between processes: whoever commits writes to DIR/bell; each process that has watches listens with inotify and
 * then compares versions. A hint only; nothing depends on it but speed.
 */
#ifndef STORE_ENGINE_LMDB_BELL_H
#define STORE_ENGINE_LMDB_BELL_H

struct bell;
/* Called in the bell's thread, at most once in a few milliseconds. */
typedef void bell_heard_fn(void *arg);

/* 0, ERR_NO_MEMORY, or an error of opening `path`; a read-only bell cannot ring. */
int bell_create(const char *path, int may_ring, bell_heard_fn *heard, void *arg, struct bell **out);
void bell_destroy(struct bell **b);               /* ends the listening thread; accepts NULL */
void bell_ring(struct bell *b);
/* Starts listening, once. 0, ERR_NO_MEMORY, ERR_UNSUPPORTED, ERR_BUSY (no inotify instances left). */
int bell_listen(struct bell *b);

#endif
