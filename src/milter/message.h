/* A message as filters see it, and what they ask to be changed in it. Pure; one thread at a time. Header fields are a list over the message's own
 * bytes, so that a change costs what it changes: the result is a few slices of the old message with the new fields between them.
 *
 * Counting as in Sendmail, whose protocol it is: our own trace fields count as one place for insertions (0 is above them, 1 below) and are never
 * shown or changed; a field that a filter deleted still counts until the next filter's turn. */
#ifndef MILTER_MESSAGE_H
#define MILTER_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "milter/packet.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- what filters ask for ---- */

enum milter_edit_kind { MILTER_EDIT_ADD, MILTER_EDIT_INSERT, MILTER_EDIT_CHANGE };
struct milter_edit {
	struct milter_edit *next;
	enum milter_edit_kind kind;
	uint32_t index;
	struct str name;
	struct str raw;                      /* the whole field with its CRLF; empty: delete it */
};
struct milter_rcpt_edit {
	struct milter_rcpt_edit *next;
	bool add;
	struct str address;                  /* without brackets */
	struct str arguments;                /* ESMTP parameters, separated by spaces; or empty */
};
struct milter_changes {
	struct arena *arena;                 /* everything below but the body */
	struct milter_edit *edits, **edits_end;          /* of the filter that speaks; in its order */
	struct milter_rcpt_edit *rcpts, **rcpts_end;     /* of all filters */
	unsigned n;
	bool has_sender, has_body, quarantine;
	struct str sender, sender_arguments; /* without brackets */
	struct str reason;                   /* of the quarantine; printable */
	struct buf body;
};
/* message_max: octets of a new body. */
void milter_changes_init(struct milter_changes *c, struct arena *a, size_t message_max);
void milter_changes_fini(struct milter_changes *c);
/* Takes one modification. leading_space: the filter gives values with the blank behind the colon. 0, ERR_INVALID (no modification),
 * ERR_TOO_BIG, ERR_NO_MEMORY. */
int milter_changes_take(struct milter_changes *c, const struct milter_reply *r, bool leading_space);

/* Forgets what was taken since `before` was copied from c, and the edits and the body whole. */
void milter_changes_undo(struct milter_changes *c, const struct milter_changes *before);

/* ---- the message ---- */

struct milter_field {
	struct milter_field *next;
	struct str name, body, raw;          /* as struct mime_header_field */
	bool hidden;                         /* our trace, or lines that are no field */
	bool gone;
};
struct milter_message {
	struct arena *arena;
	struct milter_field *first;
	struct str blank;                    /* the line between header and body; empty when there is none */
	struct str body;
	struct buf new_body;                 /* what body points into once a filter has replaced it */
};
/* own: our trace fields in front (with p not NULL it may be empty and still counts as a place), or STR_NONE; bytes: the message as it came. Both must outlive out. 0, ERR_TOO_BIG (too many fields),
 * ERR_NO_MEMORY. *out is safe for fini in any case. */
int milter_message_parse(struct arena *a, struct str own, struct str bytes, struct milter_message *out);
void milter_message_fini(struct milter_message *m);
/* Carries out the edits and takes the new body over; both are gone from c, the changes of the envelope stay. 0, ERR_NO_MEMORY, or
 * ERR_TOO_BIG: the new body with its line ends repaired is over the limit. */
int milter_message_apply(struct milter_message *m, struct milter_changes *c);
/* The message as it is now, in as few pieces as there are. In the arena. */
int milter_message_pieces(const struct milter_message *m, struct str **out, size_t *n_out);

#endif
