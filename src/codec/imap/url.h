/* IMAP URLs: RFC 5092, with URLAUTH (RFC 4467). What they name is found by those who have a store. For one thread. */
#ifndef CODEC_IMAP_URL_H
#define CODEC_IMAP_URL_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define IMAP_URL_MAX 4096                 /* bytes of one URL */

/* Who may use a URL that carries its own permission, RFC 4467 3. */
enum imap_url_access {
	IMAP_URL_NO_ACCESS,                   /* it has no URLAUTH */
	IMAP_URL_SUBMIT,                      /* a submission service, for the user access_user */
	IMAP_URL_USER,                        /* access_user */
	IMAP_URL_AUTHUSER,                    /* whoever logged in, but for anonymous */
	IMAP_URL_ANONYMOUS,                   /* every session that may ask */
};

/* Slices point into the URL, or into the arena where percent signs were taken away. p == NULL: absent. */
struct imap_url {
	bool absolute;                        /* "imap://"; else it begins with "/" */
	struct str user, auth;                /* decoded; auth is "*" or a mechanism */
	struct str host;                      /* as written: "[::1]" has its brackets */
	uint32_t port;                        /* 0: absent */
	struct str mailbox;                   /* decoded: UTF-8; empty in "/;UID=1", which means the selected one */
	bool search;                          /* "?program": it names no message */
	uint32_t uidvalidity, uid;            /* 0: absent */
	struct str section;                   /* decoded section-spec */
	bool partial;
	uint64_t offset, count;               /* octets; count 0: to the end */

	int64_t expire;                       /* unix seconds; INT64_MAX: never */
	enum imap_url_access access;
	struct str access_user;               /* decoded */
	struct str mechanism, token;          /* of what is authorised; absent in what shall be */
	struct str rump;                      /* as written: all before ":mechanism:token" (RFC 4467 6) */
};

/* 0; ERR_INVALID, and *why_out is a static text; ERR_NO_MEMORY. Relative URLs must begin with "/" (RFC 5092 7.2). */
int imap_url_parse(struct str url, struct arena *a, struct imap_url *out, const char **why_out);

#endif
