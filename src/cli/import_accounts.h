/* The accounts of one import: from the command line or from a file, with their secrets. One thread. */
#ifndef CLI_IMPORT_ACCOUNTS_H
#define CLI_IMPORT_ACCOUNTS_H

#include "cli/import_options.h"
#include "migrate/account.h"

struct import_account {
	struct migrate_job job;
	char *user;                           /* here */
	char *source;                         /* as it was written, for people */
	char *authuser, *secret;              /* secret: a password or a token; wiped */
	int result;
	struct err err;
};
struct import_accounts {
	struct import_account *v;
	size_t n;
	struct spawner *spawner;              /* NULL: no pipes */
};
/* Reads all of it, also secrets, and makes the spawner: before rights are given up and threads begin. 0, CLI_USAGE or CLI_FAILED after saying what is wrong.
 *
 * A line of the file: SOURCE USER [file:PATH | pass:PASSWORD]; without the third, the secret of the command line is for all. What holds blanks stands in
 * double quotes. '#' begins a comment line. */
int import_accounts_read(const struct import_options *o, struct import_accounts *out);
void import_accounts_fini(struct import_accounts *a);

#endif
