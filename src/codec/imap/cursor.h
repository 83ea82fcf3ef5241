/* Reading one IMAP command: the formal syntax of RFC 3501 section 9 and RFC 9051 section 9. For one thread; the bytes and
 * the arena must outlive everything that was read.
 *
 * Input is one whole command as it was received: its lines, and its literals in place ("{3}" CRLF and three bytes; "{3+}"
 * of RFC 7888 and "~{3}" of RFC 3516 too). The line end of the last line may be there or not. The literal of an APPEND,
 * which is not kept in memory, is not part of it.
 *
 * Every reader returns true and moves behind what it read; or false, and then c->error is a static text fit for
 * "tag BAD <text>", where the cursor stands does not matter any more and every later read fails too: parse
 * straight on and look once. An arena that ran dry shows as an error too (c->arena->failed tells them apart).
 * Slices point into the command, or into the arena when a quoted string had escapes. */
#ifndef CODEC_IMAP_CURSOR_H
#define CODEC_IMAP_CURSOR_H

#include "base/arena.h"
#include "base/str.h"
#include "codec/imap/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct imap_cursor {
	const char *p;
	const char *end;
	const char *error;       /* NULL while all is well */
	struct arena *arena;
	bool utf8;               /* the client enabled UTF8=ACCEPT (RFC 9755 3): UTF-8 in quoted strings and mailbox names */
};

void imap_cursor_init(struct imap_cursor *c, struct str command, struct arena *a, bool utf8);
/* Sets c->error unless there is one, returns false. `error` is static. */
bool imap_fail(struct imap_cursor *c, const char *error);

/* ---- marks ---- */

int imap_peek(const struct imap_cursor *c);              /* the next byte, or -1 at the end of the command or after an error */
bool imap_take(struct imap_cursor *c, char ch);          /* takes ch if it is next; false is no error */
bool imap_take_word(struct imap_cursor *c, const char *word);     /* the same for a whole atom, without case: "CHARSET" */
bool imap_expect(struct imap_cursor *c, char ch, const char *error);
/* Exactly one SP. (Clients that send more get BAD, as RFC 3501 9 note 2 has it.) */
bool imap_sp(struct imap_cursor *c);
/* Nothing may follow: the last line end, or the end of the bytes. */
bool imap_end(struct imap_cursor *c);

/* ---- words ---- */

bool imap_tag(struct imap_cursor *c, struct str *out);   /* astring-char except "+", at most IMAP_TAG_MAX */
bool imap_atom(struct imap_cursor *c, struct str *out);
bool imap_astring(struct imap_cursor *c, struct str *out);
bool imap_string(struct imap_cursor *c, struct str *out);        /* quoted or literal (without NUL) */
/* The same, but literal8 is allowed and *binary_out says that it was one. */
bool imap_string8(struct imap_cursor *c, struct str *out, bool *binary_out);
bool imap_nstring(struct imap_cursor *c, struct str *out);       /* NIL: p == NULL; "": p != NULL, n == 0 */
/* An astring that is a mailbox name, as UTF-8: modified UTF-7 is decoded (RFC 3501 5.1.3), or taken as UTF-8 when the
 * client enabled that; "inbox" in any case becomes "INBOX". */
bool imap_mailbox(struct imap_cursor *c, struct str *out);
/* c->error when a name was no modified UTF-7: well-formed IMAP, but no mailbox has or can have such a name, so NO and not BAD. */
extern const char imap_not_utf7[];
/* list-mailbox of LIST and LSUB: a string, or an atom that may hold wildcards; decoded like a mailbox name. */
bool imap_list_mailbox(struct imap_cursor *c, struct str *out);

/* ---- numbers and times ---- */

bool imap_number(struct imap_cursor *c, uint32_t *out);
bool imap_nz_number(struct imap_cursor *c, uint32_t *out);
bool imap_number64(struct imap_cursor *c, uint64_t *out);        /* 63 bits, RFC 9051 4.2 and RFC 7162 mod-sequence */
/* date of SEARCH, quoted or not: days since 1970-01-01. */
bool imap_date(struct imap_cursor *c, int64_t *day_out);
/* date-time of APPEND: unix seconds. */
bool imap_date_time(struct imap_cursor *c, int64_t *unix_out);

/* ---- flags ---- */

/* The bits are those of enum message_flag in model/model.h (proto/imap asserts it), which this room cannot see. */
enum imap_flag {
	IMAP_SEEN = 1, IMAP_ANSWERED = 2, IMAP_FLAGGED = 4, IMAP_DELETED = 8, IMAP_DRAFT = 16,
};
#define IMAP_KEYWORD_SHIFT 8         /* bit 8 + i of formatted flags is keyword i */

struct imap_flags {
	uint64_t system;             /* enum imap_flag */
	struct str *keyword;         /* in the arena; repetitions removed */
	size_t keyword_count;
};
/* "(" [flag *(SP flag)] ")". \Recent cannot be set (RFC 3501 2.3.2), nor can flags that begin with a backslash and are
 * unknown: an error. */
bool imap_flag_list(struct imap_cursor *c, struct imap_flags *out);
/* The same, or one or more flags without parentheses, as STORE permits. */
bool imap_store_flags(struct imap_cursor *c, struct imap_flags *out);

#endif
