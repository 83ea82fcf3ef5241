/* Who is who: domains, users, aliases, credentials, and the brake on guessing. Nothing of any protocol. Threads:
 * any. Errors: base/err.h. Everything lives in the store's system scope, so the command line and every process see
 * one truth; nothing is cached except verified passwords, and those are bound to the user's record. Names:
 * "local@domain", the local part without quoting; the domain compares without case and in A-label form (IDNA), the
 * local part without ASCII case. */
#ifndef DIRECTORY_DIRECTORY_H
#define DIRECTORY_DIRECTORY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct directory;

#define DIRECTORY_NAME_MAX 254            /* bytes of local@domain, RFC 5321 4.5.3.1.3 less the brackets */
#define DIRECTORY_PASSWORD_MAX 256        /* bytes */
#define DIRECTORY_ALIAS_TARGETS_MAX 1000
#define DIRECTORY_ALIAS_DEPTH_MAX 10
#define DIRECTORY_RESOLVED_MAX 10000      /* targets of one address after all expansion */

struct directory_config {
	char subaddress_separator;            /* 0: '+' */
	/* Wrong guesses from one network (IPv4 address, IPv6 /64) in the window before all from there are refused with
	 * ERR_BUSY; 0: 20. A repeated guess counts once. */
	unsigned fail_limit;
	/* Wrong guesses at one name, from wherever, in the window before networks that its user has not logged in from lately may try once in 10 s only
	 * (ERR_BUSY otherwise); 0: 50. */
	unsigned account_limit;
	uint64_t fail_window_ms;              /* sliding; 0: 10 minutes */
	uint64_t verify_cache_ms;             /* how long a verified password need not be hashed again; 0: 5 minutes;
	                                       * UINT64_MAX: no cache */
};
int directory_open(struct store *s, const struct directory_config *c, struct directory **out, struct err *e);
void directory_close(struct directory **d);
/* A random secret that this installation made for itself: it signs the addresses that we make for others' bounces (SRS, VERP). Lives as long as d. */
struct str directory_address_key(const struct directory *d);

/* A record that a list had to leave out: it is damaged, or newer than this program. */
struct directory_damaged {
	struct str name;                      /* as far as its key tells */
	int code;                             /* ERR_CORRUPT, ERR_VERSION */
	struct directory_damaged *next;
};

/* ---- domains ---- */
int directory_domain_add(struct directory *d, struct str domain, struct err *e);      /* ERR_EXISTS, ERR_INVALID */
/* ERR_CONFLICT: users, aliases or groups are left in it. ERR_NOT_FOUND. */
int directory_domain_del(struct directory *d, struct str domain, struct err *e);
int directory_domain_list(struct directory *d, struct arena *a, struct str **out, size_t *n_out);
bool directory_domain_is_local(struct directory *d, struct str domain);

/* ---- users ---- */
struct directory_user {
	uint64_t account;
	struct str name;                      /* canonical */
	bool has_secret;                      /* APOP and CRAM-MD5 are possible */
	bool disabled;
	struct str app_password;              /* directory_verify only: the label of the one that proved it, or empty */
	bool shared;                          /* nobody's own: cannot log in, for those whom access lists let in (identity.h) */
};
/* Password rules: 8 to DIRECTORY_PASSWORD_MAX bytes, no control characters. Stored as a yescrypt hash and SCRAM
 * keys. The mail account itself is made by the caller with account_create (idempotent order: user last). ERR_EXISTS
 * (also an alias of that name), ERR_NOT_FOUND (domain), ERR_INVALID. */
int directory_account_id_new(struct directory *d, uint64_t *out);                              /* never reused */
/* After records were lost: counters go far beyond what can have been given out, account ids beyond account_least and all users'; domains that users have are
 * there again. */
int directory_mend(struct directory *d, uint64_t account_least);
int directory_user_add(struct directory *d, struct str name, struct str password, uint64_t account, struct err *e);
/* A shared account: an address with mail and no password. Giving it a password or a secret is ERR_DENIED. */
int directory_user_add_shared(struct directory *d, struct str name, uint64_t account, struct err *e);
int directory_user_passwd(struct directory *d, struct str name, struct str password, struct err *e);
/* A second, clear secret that APOP and CRAM-MD5 need (RFC 1939 7: the server must know it); empty removes it. At
 * least 8 printable ASCII characters. */
int directory_user_secret(struct directory *d, struct str name, struct str secret, struct err *e);
/* Does any user have one? Cheap; CRAM-MD5 and APOP are not worth offering otherwise. */
bool directory_any_secret(struct directory *d);
/* A disabled user cannot log in; mail still arrives. */
int directory_user_disable(struct directory *d, struct str name, bool disabled, struct err *e);
/* Imports a ready crypt(3) hash ($y$, $6$, $5$, $2b$): SCRAM is not possible until the next password change. */
int directory_user_import(struct directory *d, struct str name, struct str crypt_hash, uint64_t account, struct err *e);
/* Makes a user of d like one of another directory (a backup's): the same password, keys, secret and state; under the same name with the passwords for
 * programs too. ERR_NOT_FOUND: from has no such user, or d no such domain; ERR_EXISTS. */
int directory_user_copy(struct directory *d, struct directory *from, struct str name_from, struct str name, uint64_t account, struct err *e);
int directory_user_del(struct directory *d, struct str name, uint64_t *account_out, struct err *e);
/* A name without a domain is completed as in directory_verify. */
int directory_user_find(struct directory *d, struct arena *a, struct str name, struct directory_user *out);
int directory_user_list(struct directory *d, struct arena *a, struct directory_user **out, size_t *n_out);
/* Those that can be read, where directory_user_list fails; for who looks, not for who concludes that somebody is not there. *damaged_out: the others, in the arena; NULL: none. */
int directory_user_list_sound(struct directory *d, struct arena *a, struct directory_user **out, size_t *n_out, struct directory_damaged **damaged_out);

/* ---- aliases ---- */
/* alias "sales@example.org" or "@example.org" (catch-all); targets are addresses, local or remote. Replaces nothing:
 * ERR_EXISTS. */
int directory_alias_add(struct directory *d, struct str alias, const struct str *targets, size_t n, struct err *e);
int directory_alias_del(struct directory *d, struct str alias, struct err *e);
struct directory_alias { struct str name; struct str *targets; size_t n; };
int directory_alias_list(struct directory *d, struct arena *a, struct directory_alias **out, size_t *n_out);
int directory_alias_list_sound(struct directory *d, struct arena *a, struct directory_alias **out, size_t *n_out, struct directory_damaged **damaged_out);

/* ---- where mail for an address goes ---- */
enum directory_role {
	DIRECTORY_MAIL,                       /* an account, or a remote address */
	DIRECTORY_GROUP,                      /* a group (group.h): mail for its members */
	DIRECTORY_GROUP_BOUNCES,              /* what comes back from them; detail is what stood behind "LIST-bounces" */
};
struct directory_target {
	uint64_t account;                     /* 0: remote, or another role */
	struct str address;                   /* the final address; the group's */
	struct str detail;                    /* what stood behind the subaddress separator, or empty */
	enum directory_role role;
};
/* Aliases (nested, loop-safe, each target once), groups (as one target; LIST-owner and LIST-request lead to its owners), subaddress (exact names
 * win), catch-all, "postmaster" (RFC 5321 4.5.1: where nobody has that name, the first user of the domain by creation; without a domain: of the
 * first domain). Results in the arena. 0; ERR_NOT_FOUND: the domain is ours, the address is not; ERR_DENIED: not our
 * domain (no target is made); ERR_INVALID: not an address; ERR_TOO_BIG: over a limit; temporary codes. */
int directory_resolve(struct directory *d, struct arena *a, struct str address, struct directory_target **out,
					  size_t *n_out);
/* May this user send as this address? Own name, its subaddresses, and aliases that lead to the user. 0, ERR_DENIED, or temporary codes. */
int directory_may_send_as(struct directory *d, struct str user, struct str address);

/* ---- proving it ---- */

struct directory_login {
	struct str ip;                        /* the peer; for the brake and the log */
	const char *protocol;                 /* "imap", static */
};
/* Verifies a password; takes equal time for unknown users. A name without a domain is completed if there is one
 * domain only. Blocks for a hash (about 10 ms) unless the password was verified lately. 0 with *out in the arena,
 * ERR_DENIED (wrong, unknown, or disabled: never which), ERR_BUSY (too many failures from there), ERR_TIMEOUT (too many logins at once, no turn to hash
 * within 10 s: try again), or temporary. */
int directory_verify(struct directory *d, struct arena *a, const struct directory_login *l, struct str name,
					 struct str password, struct directory_user *out);
/* For mechanisms that prove it themselves (SCRAM, CRAM-MD5, APOP): what they need. For unknown and disabled users
 * ERR_NOT_FOUND, with believable SCRAM values (the salt stays the same for a name) so that an attacker learns
 * nothing; the same values stand beside 0 when has_scram is false. ERR_BUSY as above. */
struct directory_scram {
	unsigned iterations;
	uint8_t salt[16];
	uint8_t stored_key[32], server_key[32];                  /* of SHA-256 */
	bool has_sha1;                                           /* false: the password was set before there were such keys */
	uint8_t stored_key_sha1[20], server_key_sha1[20];
};
struct directory_credentials {
	struct directory_user user;
	bool has_scram;
	struct directory_scram scram;
	struct str secret;                    /* clear, or empty; the caller wipes */
};
int directory_credentials(struct directory *d, struct arena *a, const struct directory_login *l, struct str name,
						  struct directory_credentials *out);
/* Is whoever logs in held up? To be asked before a proof that costs others something; directory_credentials asks too. */
bool directory_brakes(struct directory *d, const struct directory_login *l);
/* How such a proof ended, to be asked before anything of it is told. 0: it was right; ERR_DENIED: it was wrong, and counts; ERR_BUSY: others have come over
 * the limit meanwhile, nothing may be told; or temporary: likewise. Notes the network that the user comes from. */
int directory_judge(struct directory *d, const struct directory_login *l, struct str name, bool ok);
/* Somebody has logged in by what is no guess (a certificate): notes the network. */
void directory_note_login(struct directory *d, const struct directory_login *l, struct str name);

#endif
