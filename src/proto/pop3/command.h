/* The commands as data, and how a line becomes one. Pure but for the .run column. Any thread. */
#ifndef PROTO_POP3_COMMAND_H
#define PROTO_POP3_COMMAND_H

#include "base/str.h"
#include "proto/pop3/limits.h"

#include <stdbool.h>
#include <stddef.h>

struct pop3_call;

enum pop3_state {
	POP3_AUTHORIZATION = 1,
	POP3_TRANSACTION = 2,
	POP3_UPDATE = 4,              /* only while QUIT runs */
};

struct pop3_command {
	const char *name;             /* upper case */
	unsigned states;              /* enum pop3_state bits in which it is valid */
	bool shows_password;          /* refused without TLS unless configuration allows it; not announced then */
	bool takes_rest;              /* the rest of the line is one argument: it may hold spaces */
	unsigned char args_min, args_max;
	void (*run)(struct pop3_call *c);
	const char *capability;       /* its line in CAPA; NULL: none of its own */
	const char *rfc;
	const char *transcript;       /* tests/wire/pop3/NAME.txt shows it */
};

/* What CAPA says beside the commands' own lines, in every state. */
struct pop3_behaviour { const char *capability, *rfc; };
const struct pop3_behaviour *pop3_behaviours(size_t *n_out);

/* By name, without case; NULL when there is none. The table is sorted. */
const struct pop3_command *pop3_command_find(struct str name);
const struct pop3_command *pop3_commands(size_t *n_out);

struct pop3_arguments {
	struct str v[POP3_ARGS_MAX];
	unsigned n;
};

enum pop3_parsed { POP3_PARSED, POP3_PARSED_UNKNOWN, POP3_PARSED_BAD_ARGUMENTS };
/* RFC 1939 section 3: a keyword and arguments, parted by one space each. Spaces at the end are overlooked, except
 * where they may belong to a password. Slices point into line. */
enum pop3_parsed pop3_command_parse(struct str line, const struct pop3_command **command_out,
									 struct pop3_arguments *args_out);

void pop3_cmd_apop(struct pop3_call *c);
void pop3_cmd_auth(struct pop3_call *c);
void pop3_cmd_capa(struct pop3_call *c);
void pop3_cmd_dele(struct pop3_call *c);
void pop3_cmd_lang(struct pop3_call *c);
void pop3_cmd_list(struct pop3_call *c);
void pop3_cmd_noop(struct pop3_call *c);
void pop3_cmd_pass(struct pop3_call *c);
void pop3_cmd_quit(struct pop3_call *c);
void pop3_cmd_retr(struct pop3_call *c);
void pop3_cmd_rset(struct pop3_call *c);
void pop3_cmd_stat(struct pop3_call *c);
void pop3_cmd_stls(struct pop3_call *c);
void pop3_cmd_top(struct pop3_call *c);
void pop3_cmd_uidl(struct pop3_call *c);
void pop3_cmd_user(struct pop3_call *c);
void pop3_cmd_utf8(struct pop3_call *c);

#endif
