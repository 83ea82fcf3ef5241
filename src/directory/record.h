/* Keys and values of the directory in the store's system scope: doc/format/directory.md in code. Pure; any thread.
 * Parsed records are slices of the value they were read from. */
#ifndef DIRECTORY_RECORD_H
#define DIRECTORY_RECORD_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/str.h"
#include "directory/directory.h"
#include "directory/name.h"

#include <stdbool.h>
#include <stdint.h>

struct key {
	char bytes[STORE_KEY_MAX];
	size_t n;
};
static inline struct str key_str(const struct key *k) { return str_make(k->bytes, k->n); }

/* "d" domain / "u" domain 0 local / "a" domain 0 local; of a name the parts that matter are taken. */
struct key key_domain(const struct name *n);
struct key key_user(const struct name *n);
struct key key_alias(const struct name *n);
/* "f" domain 0 local: the networks that a user comes from. */
struct key key_familiar(const struct name *n);
/* "o" domain 0 sequence: users of a domain in the order in which they were made; with an empty domain, the domains
 * themselves. */
struct key key_order(struct str domain, uint64_t sequence);
/* "n" name: counters and other single values. */
struct key key_single(struct str name);
/* From the first key that starts with k to the first behind all of them. */
struct key key_prefix_end(const struct key *k);
/* The prefix of a kind ('d', 'u', 'a'), or of one domain's keys of that kind. */
struct key key_kind(char kind);
struct key key_kind_in(char kind, struct str domain);
/* The name in a key of users or aliases; ERR_CORRUPT. */
int key_name(struct str key, struct name *out);

/* ---- parts of values ---- */

/* Every value starts with its version. 0, ERR_CORRUPT, ERR_VERSION. */
int record_open(struct str value, struct cursor *out);
void record_begin(struct buf *b);
/* A varint length and as many octets. */
struct str record_text(struct cursor *c);
void record_add_text(struct buf *b, struct str s);
/* A varint number of texts, one after the other. */
struct text_list {
	struct cursor c;
	uint64_t left;
};
/* 1 and a text, 0 at the end, ERR_CORRUPT. */
int text_list_next(struct text_list *l, struct str *out);

/* ---- values ---- */

#define SINGLE_SEQUENCE STR("sequence")          /* le64: the last one given to a domain or user */
#define SINGLE_ACCOUNT STR("account")            /* le64: the last account id given out */
#define SINGLE_SECRETS STR("secrets")            /* le64: users that have a clear secret */
#define SINGLE_SIGNING STR("signing")            /* le64: grows with every change of a signing key */
#define SINGLE_MADE_UP STR("made-up")            /* SECRET_SIZE random bytes: the key of made-up salts */
#define SINGLE_ADDRESS STR("address")            /* likewise: signs the addresses that we make for others */
#define SECRET_SIZE 32

struct user_record {
	uint64_t account;
	uint64_t sequence;
	bool disabled;
	bool shared;
	bool has_scram;
	struct str hash;                         /* crypt(3) */
	struct directory_scram scram;
	struct str secret;                       /* clear, or empty */
};
/* 0, ERR_CORRUPT, ERR_VERSION. */
int user_record_parse(struct str value, struct user_record *out);
void user_record_format(const struct user_record *u, struct buf *b);

/* A domain's value is its sequence. */
int domain_record_parse(struct str value, uint64_t *sequence_out);
void domain_record_format(uint64_t sequence, struct buf *b);

/* The targets of an alias. */
int alias_record_parse(struct str value, struct text_list *out);
/* 1 and a target, 0 at the end, ERR_CORRUPT (also when something follows). */
int alias_targets_next(struct text_list *t, struct str *out);
void alias_record_format(const struct name *targets, size_t n, struct buf *b);

#endif
