/* Doing damage to the records of an account, and looking what a check says of it. For the tests of the audit. */
#ifndef MODEL_AUDIT_FIXTURE_H
#define MODEL_AUDIT_FIXTURE_H

#include "model/fixture.h"
#include "model/keys.h"

#define TEXT "Subject: test\r\nDate: Mon, 23 Nov 2026 18:54:32 +0000\r\n\r\nbody\r\n"

struct edit {
	struct key key;
	enum { FLIP, DELETE, PUT } how;
	struct str value;                             /* PUT */
	size_t bit;                                   /* FLIP: of the value; 0: two of its last octet */
};

void damage(struct fixture *f, struct edit e);
void damage_flip(struct fixture *f, struct key key);        /* two bits of its value: of one it would be known which */
void damage_del(struct fixture *f, struct key key);
void damage_rename(struct fixture *f, struct key key, struct key to);   /* the value comes under another key, whole */

/* What a check said, line by line; found_note is its callback. */
struct found {
	unsigned lines;
	char text[4000];
};

void found_note(void *found, const char *line);

/* A check says this among other things, and counts its lines right. */
void assert_found(struct fixture *f, const char *expected);
/* Finds it, mends it, and then nothing is wrong any more. */
void assert_mended(struct fixture *f, const char *expected);

/* Three messages in the INBOX. */
void audit_fill(struct fixture *f);
void assert_readable(struct fixture *f, uint32_t mailbox);

#endif
