/* For the tests: an account on the engine mem, an index in a directory of its own, and the texts of all its emails to compare with. */
#ifndef SEARCH_FIXTURE_H
#define SEARCH_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "codec/imap/search_text.h"
#include "model/model.h"
#include "search/search.h"

#define FIXTURE_ACCOUNT 7u

struct fixture_email { struct str header, body, source, subject, from; };      /* folded, as IMAP reads them */
struct fixture {
	char dir[64];
	struct store *store;
	struct model *model;
	struct account *account;
	struct search *search;
	struct arena arena;
	struct imap_search_tools tools;
	struct fixture_email *email;     /* email ids begin at 1: that of id i stands at i - 1 */
	size_t n;
};

/* threads: that index in the background; 0: fixture_update does. */
void fixture_begin(struct fixture *f, unsigned threads, const char *converter);
void fixture_end(struct fixture *f);
/* Closes the search and opens it again. */
void fixture_reopen(struct fixture *f, unsigned threads, const char *converter);
/* A message into the inbox; line ends as they are. */
void fixture_add(struct fixture *f, struct str message);
/* "Subject: SUBJECT" and a text/plain body in UTF-8. */
void fixture_add_text(struct fixture *f, const char *subject, struct str body);
void fixture_update(struct fixture *f);
/* Asks for the text (not folded yet) and asserts that the answer, with what must be read read, is what a reading of all emails finds. How many emails
 * hold it; *read_out (may be NULL) how many had to be read. */
size_t fixture_ask(struct fixture *f, enum search_field field, struct str text, size_t *read_out);
/* Path of the database. */
const char *fixture_path(struct fixture *f);

#endif
