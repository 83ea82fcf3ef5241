/* What the server says to people, in each language that LANG can choose (RFC 6856 section 3). Programs read only
 * +OK, -ERR and the codes in brackets. Any thread. */
#ifndef PROTO_POP3_TEXT_H
#define PROTO_POP3_TEXT_H

#include "base/str.h"

#include <stdbool.h>

enum pop3_language { POP3_ENGLISH, POP3_RUSSIAN, POP3_LANGUAGES };

enum pop3_text {
	TEXT_READY,
	TEXT_GOODBYE,
	TEXT_SHUTTING_DOWN,
	TEXT_UNKNOWN_COMMAND,
	TEXT_WRONG_STATE,
	TEXT_BAD_ARGUMENTS,
	TEXT_BAD_LINE,
	TEXT_LINE_TOO_LONG,
	TEXT_CAPABILITIES,
	TEXT_BEGIN_TLS,
	TEXT_TLS_ACTIVE,
	TEXT_TLS_AFTER_UTF8,
	TEXT_TLS_UNAVAILABLE,
	TEXT_TLS_REQUIRED,
	TEXT_SEND_PASS,
	TEXT_USER_FIRST,
	TEXT_NO_APOP,
	TEXT_LOGGED_IN,
	TEXT_WRONG_PASSWORD,
	TEXT_TOO_MANY_FAILURES,
	TEXT_CANCELLED,
	TEXT_BAD_RESPONSE,
	TEXT_UNKNOWN_MECHANISM,
	TEXT_IN_USE,
	TEXT_TOO_SOON,
	TEXT_TOO_MANY_CONNECTIONS,
	TEXT_TEMPORARY,
	TEXT_PERMANENT,
	TEXT_MESSAGES,
	TEXT_OCTETS,
	TEXT_LISTING,
	TEXT_TOP_FOLLOWS,
	TEXT_NO_SUCH_MESSAGE,
	TEXT_MARKED,
	TEXT_ALREADY_MARKED,
	TEXT_VANISHED,
	TEXT_NEEDS_UTF8,
	TEXT_NOOP,
	TEXT_UNMARKED,
	TEXT_NOT_REMOVED,
	TEXT_UTF8_ON,
	TEXT_LANGUAGES,
	TEXT_LANGUAGE_CHANGED,
	TEXT_NO_SUCH_LANGUAGE,
	TEXT_COUNT
};

/* UTF-8, static, without '[' at the start, short enough for a line of 512 octets. */
const char *pop3_text(enum pop3_language language, enum pop3_text text);
/* "en" and "English". Static. */
const char *pop3_language_tag(enum pop3_language language);
const char *pop3_language_name(enum pop3_language language);
/* The language for a basic language range by the lookup of RFC 4647 3.4 ("ru-RU" finds "ru"); "*" is the default. */
bool pop3_language_find(struct str range, enum pop3_language *out);

#endif
