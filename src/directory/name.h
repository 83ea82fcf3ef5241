/* One spelling for each address and domain, so that equal things have equal keys. Pure; any thread; no allocation,
 * except that names outside ASCII go through libidn2. */
#ifndef DIRECTORY_NAME_H
#define DIRECTORY_NAME_H

#include "base/str.h"
#include "directory/directory.h"

#include <stdbool.h>

/* "local@domain": the domain as A-labels in lower case (RFC 5891), or an address literal; the local part without
 * quoting (RFC 5321 4.1.2 takes the quoted and the plain form for the same) and with ASCII letters in lower case. An
 * empty local part stands for the domain itself and for its catch-all. */
struct name {
	char bytes[DIRECTORY_NAME_MAX + 1];
	unsigned char local_n;
	unsigned char n;
};

/* 0 or ERR_INVALID. */
int name_parse(struct str address, struct name *out);
/* A domain that mail can be accepted for: no address literal. The local part is empty. */
int name_parse_domain(struct str domain, struct name *out);
/* "@domain" or an address. */
int name_parse_alias(struct str alias, struct name *out);
/* Puts another local part before the domain of n, in lower case. ERR_INVALID when it does not fit or is no local
 * part. */
int name_with_local(const struct name *n, struct str local, struct name *out);

static inline struct str name_str(const struct name *n) { return str_make(n->bytes, n->n); }
static inline struct str name_local(const struct name *n) { return str_make(n->bytes, n->local_n); }
static inline struct str name_domain(const struct name *n)
{
	return str_make(n->bytes + n->local_n + 1, n->n - n->local_n - 1u);
}
/* Could the local part stand unquoted in an address (Dot-string of RFC 5321 4.1.2 with RFC 6531)? New users and
 * aliases must. */
bool name_local_is_plain(const struct name *n);

#endif
