/* The full-text index of an account: which emails hold a text. Derived from the model by reading the emails in the background, never in
 * the way of a delivery; losing it loses nothing but time. One SQLite database an account, below the data directory. Rows are emails, not
 * messages: what is copied or moved need not be indexed again, and what is deleted is forgotten when the index is next made anew.
 *
 * Threads: any. Errors: base/err.h; a search that fails is answered without the index, never wrongly. */
#ifndef SEARCH_SEARCH_H
#define SEARCH_SEARCH_H

#include "base/err.h"
#include "base/str.h"
#include "model/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct search;

struct search_config {
	struct str dir;                   /* of the databases; must exist */
	unsigned threads;                 /* that index in the background; 0: none (the command line, which calls search_update) */
	struct str converter;             /* program that makes text of attachments, an absolute path: "" none; convert.h */
	/* The background could not index an account; it is tried again. From its threads; may be NULL. */
	void (*failed)(void *arg, uint64_t account, const struct err *e);
	void *failed_arg;
};
int search_open(struct model *m, const struct search_config *c, struct search **out, struct err *e);
void search_close(struct search **s);            /* accepts NULL */
/* The background threads end soon; search goes on. For the time between SIGTERM and search_close. */
void search_stop(struct search *s);
/* Waits for them after search_stop, so long at most. False: some are still at it; search_close would wait on. What they do is one transaction, done anew at
 * the next start if the process ends now. Accepts NULL. */
bool search_wait(struct search *s, uint64_t ms);

/* A hint that the account changed, from whoever opens it or delivers to it; cheap. Accepts NULL. */
void search_hint(struct search *s, uint64_t account);
/* Indexes what is not indexed yet, now, in this thread. With anew: from nothing. ERR_NOT_FOUND: there is no such account; its index is removed. */
int search_update(struct search *s, uint64_t account, bool anew, struct err *e);
/* Removes the index of an account that is deleted. */
int search_forget(struct search *s, uint64_t account, struct err *e);

struct search_status {
	uint64_t bytes;                   /* on the disk; 0: there is none */
	uint64_t emails;                  /* indexed */
	uint64_t unread;                  /* that could not be: read at every search */
	uint64_t attached;                /* with text from the converter */
	uint64_t behind;                  /* not indexed yet */
};
int search_status(struct search *s, uint64_t account, struct search_status *out, struct err *e);

enum search_field {
	SEARCH_BODY,                      /* text and message parts, file names, text of attachments */
	SEARCH_TEXT,                      /* the header and the body */
	SEARCH_HEADER,                    /* the message's own header, names too, decoded: for candidates only */
	SEARCH_SUBJECT, SEARCH_FROM,      /* as the summary has them: codec/imap/search_text.h */
	SEARCH_TO, SEARCH_CC, SEARCH_BCC, /* for candidates only */
	SEARCH_OTHERS,                    /* Sender, Reply-To, Date, Message-ID, In-Reply-To: likewise; not for search_fuzzy */
};

/* Which emails hold a text as a substring, folded as IMAP's SEARCH folds it (codec/imap/needle.h). Private but for search_answer_says. */
struct search_answer {
	uint64_t *emails;                 /* that hold it, perhaps or certainly; ascending; malloc */
	uint64_t *certain;                /* a bit for each of them */
	size_t n;
	uint64_t *unread;                 /* of which the index says nothing */
	size_t n_unread;
	uint64_t known_below;             /* 0: the index says nothing at all */
	size_t near;                      /* where the last one asked for was: they are mostly asked for in order */
};
/* Always gives an answer, perhaps one that says nothing. s may be NULL. */
void search_substring(struct search *s, uint64_t account, enum search_field field, struct str folded, struct search_answer *out);
enum search_verdict { SEARCH_NO, SEARCH_YES, SEARCH_READ_IT };
enum search_verdict search_answer_says(struct search_answer *a, uint64_t email);
/* Is it indexed? */
bool search_answer_knows(const struct search_answer *a, uint64_t email);
void search_answer_fini(struct search_answer *a);

/* FUZZY (RFC 6203): words by their stems, all of them must be there; best first. Scores are 1 to 100. Emails that are not indexed yet are not found.
 * *ranked_out by malloc. 0, ERR_UNSUPPORTED (no word in it, no index of that field), ERR_NOT_FOUND (no index yet), or another error. */
struct search_ranked { uint64_t email; unsigned score; };
int search_fuzzy(struct search *s, uint64_t account, enum search_field field, struct str text, struct search_ranked **ranked_out, size_t *n_out);

#endif
