/* Reading what a POP3 server says, line by line: RFC 1939, 2449, 5034. Lines come without their CRLF. Pure; any thread; slices are of the line. */
#ifndef MIGRATE_POP3_RESPONSE_H
#define MIGRATE_POP3_RESPONSE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum pop3_status { POP3_BAD, POP3_OK, POP3_ERR, POP3_CONTINUE };
/* code: "IN-USE" of "-ERR [IN-USE] text" (RFC 2449 8), or empty. POP3_BAD: it is none. */
enum pop3_status pop3_response_status(struct str line, struct str *code_out, struct str *text_out);
/* A line of LIST or UIDL: a number from 1 on and a word. */
bool pop3_response_listing(struct str line, uint32_t *number_out, struct str *word_out);
/* A line of what has many: *text_out without its stuffed dot; false at the line that ends it. */
bool pop3_response_line(struct str line, struct str *text_out);
/* The timestamp in a greeting, with its brackets: APOP is possible (RFC 1939 7). False: none. */
bool pop3_response_timestamp(struct str greeting, struct str *out);

enum pop3_capability { POP3_CAP_STLS = 1, POP3_CAP_UIDL = 2, POP3_CAP_PIPELINING = 4, POP3_CAP_USER = 8, POP3_CAP_PLAIN = 16, POP3_CAP_XOAUTH2 = 32 };
/* The bits of one line of CAPA. */
unsigned pop3_response_capability(struct str line);

#endif
