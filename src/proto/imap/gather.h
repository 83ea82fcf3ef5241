/* Gathers one command out of lines and literals (RFC 3501 2.2.1 and 4.3, RFC 7888) while the connection is parked: between
 * packets nothing but this struct and what has arrived of the command is held. Threads: as session.h. */
#ifndef PROTO_IMAP_GATHER_H
#define PROTO_IMAP_GATHER_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* A literal announced at the end of a line: "{n}", "{n+}", "~{n}", "~{n+}". */
struct imap_announced {
	uint64_t size;                /* octets; UINT64_MAX also for larger numbers */
	bool synchronising;           /* the client waits for "+" (no "+" in the braces) */
	bool binary;                  /* literal8 of RFC 3516: may hold NUL */
	size_t at;                    /* where in the line the announcement begins */
};
/* Does the line (without its end) end in an announcement? */
bool imap_announced_find(struct str line, struct imap_announced *out);

enum imap_gather_mode {
	GATHER_LINE,                  /* the next line of the command */
	GATHER_LITERAL,               /* octets into text */
	GATHER_TAKE,                  /* octets to the command itself (row->octets) */
	GATHER_SKIP,                  /* octets of a literal that was refused */
};

struct imap_gather {
	struct buf text;              /* the command so far as it was sent; empty, and without memory, between commands */
	uint64_t left;                /* octets of the literal still to come */
	enum imap_gather_mode mode;
	bool refused;                 /* the tagged line was sent: what still comes of this command is dropped */
	const struct imap_command *taker;        /* GATHER_TAKE: whose row->octets gets them */
};

struct imap_session;

/* What the gatherer waits for, told to the connection. */
void imap_gather_want(struct imap_session *s);
/* Takes one line or some octets and runs the command when it is whole. False: more must arrive first. */
bool imap_gather_step(struct imap_session *s);
/* Forgets the command that was arriving. */
void imap_gather_reset(struct imap_session *s);

#endif
