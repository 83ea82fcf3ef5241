/* Passwords for programs: made here, one for each program or device, perhaps for one protocol only, and taken back alone. They hold 100 random bits, so a
 * fast hash is enough, and a login by one costs no password hashing. Any thread. */
#ifndef DIRECTORY_APP_PASSWORD_H
#define DIRECTORY_APP_PASSWORD_H

#include "directory/directory.h"

#define APP_PASSWORD_LENGTH 24             /* "abcd-efgh-jkmn-pqrs-tuvw" */
#define APP_PASSWORD_LABEL_MAX 64          /* bytes of UTF-8 */

struct app_password {
	struct str label;                      /* what the user calls the program */
	struct str protocols;                  /* "imap smtp", in the order of their names; empty: any */
	int64_t created;                       /* unix seconds */
};

/* Makes one; the text is in out (terminated; the caller wipes) and nowhere else. protocols: some of "imap", "pop3", "smtp", parted by spaces; empty:
 * any. ERR_NOT_FOUND (no such user), ERR_EXISTS (the label), ERR_INVALID, ERR_TOO_BIG (APP_PASSWORDS_MAX). now: unix seconds. */
int app_password_add(struct directory *d, struct str user, struct str label, struct str protocols, int64_t now,
					 char out[APP_PASSWORD_LENGTH + 1], struct err *e);
int app_password_del(struct directory *d, struct str user, struct str label, struct err *e);         /* ERR_NOT_FOUND */
int app_password_list(struct directory *d, struct arena *a, struct str user, struct app_password **out, size_t *n_out);

#endif
