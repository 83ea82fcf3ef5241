/* The exact index of a batch of emails, in bytes: for each field the terms in order, cut into blocks, and of each term the emails that have it,
 * by their place in the chunk. Pure; a writer is for one thread.
 *
 * A block is three strings: `terms` is NUL term NUL term NUL ... NUL, so that memmem finds infixes, prefixes (NUL before), suffixes (NUL behind)
 * and whole terms alike; `lens` a varint for each term: the bytes of its posting list, twice, plus 1 when it is a bitmap; `posts` the lists. A
 * list is a bitmap of all places (least bit first), or varints: the first place, then what is added to the one before. */
#ifndef SEARCH_CHUNK_H
#define SEARCH_CHUNK_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What of an email a list of terms is about; stored: never renumber. */
enum field {
	FIELD_HEADER = 0, FIELD_BODY = 1,
	FIELD_ATTACHED = 2,              /* text that the converter made */
	/* as the summary has them: imap_search_envelope_field */
	FIELD_SUBJECT = 3, FIELD_FROM = 4,
	FIELD_RECEIVERS = 5,             /* To, Cc, Bcc */
	FIELD_OTHERS = 6,                /* Sender, Reply-To, Date, Message-ID, In-Reply-To */
	FIELD_COUNT
};

struct block {
	struct str terms, lens, posts;
	uint32_t first;                  /* how many terms of the field stand in blocks before */
};
/* Checks the shape of terms and lens against posts; what fails is damaged. */
bool block_is_sound(const struct block *b);
uint32_t block_crc_terms(struct str terms);
uint32_t block_crc_posts(struct str lens, struct str posts);

/* ---- writing ---- */

/* Takes a block that is full; its strings are the writer's. 0, or an error that ends the writing. */
typedef int block_sink(void *arg, const struct block *b);
struct block_writer {
	block_sink *sink;
	void *arg;
	uint32_t emails;                 /* of the chunk */
	struct buf terms, lens, posts;   /* private */
	int err;
};
void block_writer_init(struct block_writer *w, block_sink *sink, void *arg, uint32_t emails);
/* Terms ascend, bytewise; places ascend, each below w->emails. Errors are kept for the end. */
void block_writer_add(struct block_writer *w, struct str term, const uint32_t *places, uint32_t n);
/* Writes what is left; frees. 0, or the first error. */
int block_writer_end(struct block_writer *w);

/* ---- reading ---- */

/* A walk over the terms of a sound block. */
struct block_walk {
	struct block b;
	size_t term_at, len_at, post_at;
};
struct block_walk block_walk(const struct block *b);
struct post_list {
	struct str bytes;
	bool bitmap;
};
bool block_walk_next(struct block_walk *w, struct str *term_out, struct post_list *list_out);
/* The lists only, when terms are not needed: moves over `skip` of them and gives the next. False at the end. */
bool block_walk_list(struct block_walk *w, uint32_t skip, struct post_list *list_out);

/* The places of a list, into places (room for `emails`); how many, or -1 when it is damaged. */
int post_list_places(struct post_list l, uint32_t emails, uint32_t *places);
/* Sets the bits of the list in a bitmap of (emails + 63) / 64 words. False when it is damaged. */
bool post_list_mark(struct post_list l, uint32_t emails, uint64_t *bits);

#endif
