/* Reverse-path, forward-path and ESMTP parameters: RFC 5321 4.1.2, with UTF-8 by RFC 6531. Pure; any thread; no allocation. */
#ifndef CODEC_SMTP_PATH_H
#define CODEC_SMTP_PATH_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define SMTP_LOCAL_MAX 128        /* octets; RFC 5321 4.5.3.1.1 demands 64, variable envelope return paths are longer */
#define SMTP_DOMAIN_MAX 255       /* octets, 4.5.3.1.2 */
#define SMTP_PATH_MAX 320         /* octets without the brackets; 4.5.3.1.3 demands 256 with them */

struct smtp_path {
	bool null;                    /* "<>" */
	bool postmaster;              /* "<postmaster>" without a domain (only where allowed) */
	bool utf8;                    /* holds non-ASCII: needs SMTPUTF8 */
	bool literal;                 /* the domain is an address literal, brackets included in `domain` */
	struct str domain;            /* slice of the input */
	struct str wire;              /* local@domain as received, without route and brackets: for Return-Path */
	char local[SMTP_LOCAL_MAX + 1];   /* quotes and backslashes taken away */
	size_t local_n;
};

/* Parses one path in angle brackets at the start of s; *used_out bytes belong to it. A source route is skipped (RFC 5321 appendix C).
 * NULL when it is right, else a static text saying what is wrong. */
const char *smtp_path_parse(struct str s, struct smtp_path *out, size_t *used_out);
/* local@domain without any quoting: what the directory looks up. */
void smtp_path_address(const struct smtp_path *p, struct buf *b);

/* One "KEY[=VALUE]" at the start of *rest, which moves behind it and the spaces that follow. False at the end; *bad_out tells that what stands
 * there is no parameter (RFC 5321 4.1.2 esmtp-param). */
bool smtp_param_next(struct str *rest, struct str *key_out, struct str *value_out, bool *bad_out);

/* RFC 5321 4.1.1.1: is this a domain or address literal fit for EHLO? Lenient about underscores, as the world is. */
bool smtp_helo_is_valid(struct str s);
/* RFC 5321 4.1.3: "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
bool smtp_literal_is_valid(struct str s);

/* xtext of RFC 3461 section 4: appends the decoded bytes; false (b unchanged) when it is none. */
bool smtp_xtext_decode(struct str s, struct buf *b);
/* Appends s as xtext. */
void smtp_xtext_encode(struct str s, struct buf *b);

#endif
