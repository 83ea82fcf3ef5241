/* A thread as RFC 5256 writes it. Threads may be as deep as a mailbox is long, so the way back is kept in a list. */
#include "codec/imap/thread.h"

#include "base/err.h"

#include <stdlib.h>

#define NONE IMAP_THREAD_NONE
#define CHECK_EVERY 1000                 /* nodes */

struct writer {
	const struct imap_threads *t;
	const struct imap_thread_sink *sink;
	uint32_t *open;                      /* of each list that is open: its first node */
	size_t depth, cap;
	bool space;                          /* a number stands before */
	unsigned written;
};

static int open_list(struct writer *w, uint32_t node)
{
	if (w->depth == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 64;
		uint32_t *open = reallocarray(w->open, cap, sizeof(*open));
		if (!open)
			return ERR_NO_MEMORY;
		w->open = open;
		w->cap = cap;
	}
	w->open[w->depth++] = node;
	buf_add_char(w->sink->out, '(');
	w->space = false;
	return 0;
}

static void write_member(struct writer *w, uint32_t node)
{
	if (node >= w->t->n)
		return;
	if (w->space)
		buf_add_char(w->sink->out, ' ');
	buf_add_u64(w->sink->out, w->t->message[node].number);
	w->space = true;
}

/* Writes what goes on without a fork, and opens the list of the first child where it forks. */
static int write_down(struct writer *w, uint32_t node)
{
	const struct imap_threads *t = w->t;
	for (;;) {
		write_member(w, node);
		if (++w->written % CHECK_EVERY == 0 && w->sink->check(w->sink->arg))
			return ERR_CLOSED;
		uint32_t child = t->child[node];
		if (child == NONE)
			return 0;
		if (t->next[child] != NONE) {
			if (w->space)
				buf_add_char(w->sink->out, ' ');
			int err = open_list(w, child);
			if (err)
				return err;
		}
		node = child;
	}
}

int imap_thread_write(const struct imap_threads *t, uint32_t i, const struct imap_thread_sink *sink)
{
	struct writer w = { .t = t, .sink = sink };
	int err = open_list(&w, t->root[i]);
	if (!err)
		err = write_down(&w, t->root[i]);
	while (!err && w.depth > 0) {
		uint32_t done = w.open[--w.depth];
		buf_add_char(sink->out, ')');
		/* The root's siblings are threads of their own. */
		uint32_t next = w.depth > 0 ? t->next[done] : NONE;
		if (next == NONE)
			continue;
		err = open_list(&w, next);
		if (!err)
			err = write_down(&w, next);
	}
	free(w.open);
	return err;
}
