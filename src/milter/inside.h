/* One conversation from within. Private to the room. */
#ifndef MILTER_INSIDE_H
#define MILTER_INSIDE_H

#include "milter/milter.h"
#include "rt/stream.h"

/* A step of the conversation: its command, the bits that leave out the command or its answer, whose macros go before. */
struct step {
	enum milter_command command;
	uint32_t left_out, no_reply;
	enum milter_stage stage;     /* MILTER_STAGE_COUNT: no macros */
	const char *name;
};

struct milter {
	const struct milter_filter *filter;
	struct stream *stream;
	struct milter_options options;       /* as agreed */
	struct arena arena;                  /* symbols */
	struct str symbols[MILTER_STAGE_COUNT];
	struct buf out, in, text;
	enum milter_command skipped;         /* the filter wants no more of these in this message; 0: none */
	bool in_message;                     /* MAIL was told and nothing final said */
	bool deaf_to_message, deaf_to_connection;
	struct err problem;
};

/* Remembers what went wrong where; returns code. */
int milter_fail(struct milter *m, int code, const char *where, const char *what);
/* Gives what was put to the stream, and nothing is left of it. */
int milter_send(struct milter *m, const struct step *s);
/* One packet, its length taken off; lives until the next. No problem is remembered. */
int milter_read_packet(struct milter *m, struct str *out);
/* Reads until a verdict. changes: NULL where none may be asked for. limit_ms: silence between two packets. */
int milter_read_answer(struct milter *m, const struct step *s, uint64_t limit_ms, struct milter_changes *changes, struct milter_answer *out);
/* Keeps the lists of macros that the filter asks for. */
int milter_take_symbols(struct milter *m, const struct milter_reply *r);

#endif
