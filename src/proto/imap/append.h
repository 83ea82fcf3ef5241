/* The messages of an APPEND or REPLACE while they arrive (RFC 3501 6.3.11, RFC 3502, RFC 4469, RFC 8508). Arguments are read as far as the next literal, and
 * only once; octets go to a spool; a message that is whole is stored without a mailbox, and all get into the mailbox together at the end.
 * So a command of many messages holds one spool and a summary of each message.
 *
 * Owner: the session, from the first literal to the end of the command. Threads: as session.h. */
#ifndef PROTO_IMAP_APPEND_H
#define PROTO_IMAP_APPEND_H

#include "base/arena.h"
#include "model/acl.h"
#include "model/model.h"
#include "proto/imap/command.h"
#include "rt/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 8508 4.1: what UID STORE of \Deleted and UID EXPUNGE need in the selected mailbox. */
#define IMAP_REPLACE_RIGHTS (ACL_DELETE_MESSAGE | ACL_EXPUNGE)

/* What is read next. */
enum imap_append_next {
	APPEND_REPLACED,              /* REPLACE: the message that goes, and SP */
	APPEND_MAILBOX,
	APPEND_MESSAGE,               /* SP and a message's flags, date and literal */
	APPEND_UTF8_END,              /* the ")" behind a literal8 of "UTF8 (" */
	APPEND_MESSAGE_END,           /* the message is whole */
	APPEND_PART,                  /* a part of CATENATE */
	APPEND_PART_END,              /* SP and another part, or ")" */
};

struct imap_append {
	struct model *model;
	struct arena arena;           /* what outlives one line: the mailbox name, flags, summaries */
	size_t parsed;                /* octets of the arguments that were read */
	enum imap_append_next next;
	struct str mailbox;           /* its name as the client knows it */
	uint64_t account;             /* that holds it: whose tag is on the bodies */

	bool replaces;                /* REPLACE: one message, and in exchange this one of the selected mailbox goes: */
	uint32_t old_uid, old_size;

	struct append *item;          /* whole messages; their bodies are ours until they are committed */
	size_t count, capacity;
	uint64_t octets;              /* of all of them, and of the one that arrives */

	struct spool *spool;          /* the message that arrives; NULL between two */
	struct append arriving;       /* its flags and date */
	int code;                     /* the first error in its octets; later ones are dropped */
	bool catenates;               /* it is put together of parts */
	bool binary;                  /* the literal that arrives may hold NUL (RFC 3516) */
	bool has_nul;                 /* a literal that may not hold NUL did, */
	bool has_binary_nul;          /* and one that may */
};

/* row->literal and row->octets of the commands that append. */
enum imap_literal imap_append_literal(struct imap_request *r, const struct imap_announced *announced);
enum imap_literal imap_replace_literal(struct imap_request *r, const struct imap_announced *announced);
void imap_append_octets(struct imap_session *s, struct str bytes);
/* For row->run: reads the rest and stores the last message. At least one is there afterwards, and for REPLACE just one. False: the reply is set. */
bool imap_append_end(struct imap_request *r);
bool imap_replace_end(struct imap_request *r);
/* Where they go, asked anew when all have come. False: the reply is set. */
struct imap_place;
bool imap_append_place(struct imap_request *r, struct imap_place *out);
/* "[APPENDUID 38505 3955:3957]", RFC 4315 3 with the set of RFC 3502; after they were committed. */
struct str imap_append_uids(struct imap_request *r, uint32_t uidvalidity);

/* Forgets all, and lets the bodies go that were not committed. Accepts NULL. */
void imap_append_discard(struct imap_append **a);

#endif
