/* The subcommands as data. Private to cli/. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "app/house.h"
#include "base/err.h"

/* Exit codes: what scripts may rely on. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,          /* the request could not be done; the cause and the cure are on stderr */
	CLI_USAGE = 2,           /* the command line is wrong */
	CLI_FAULTS = 3,          /* check: faults were found */
	CLI_TEMPORARY = 75,      /* try again later (EX_TEMPFAIL) */
};

struct cli_command {
	const char *name;
	int (*run)(int argc, char **argv);       /* argv[0] is the name */
	const char *summary;                     /* one line */
	const char *usage;                       /* the forms and options */
};
extern const struct cli_command cli_commands[];     /* ends with name == NULL */

int cli_acl(int argc, char **argv);
int cli_alias(int argc, char **argv);
int cli_audit(int argc, char **argv);
int cli_backup(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_dkim(int argc, char **argv);
int cli_dmarc(int argc, char **argv);
int cli_dns(int argc, char **argv);
int cli_domain(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_group(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_init(int argc, char **argv);
int cli_queue(int argc, char **argv);
int cli_quota(int argc, char **argv);
int cli_restore(int argc, char **argv);
int cli_search(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_undelete(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_top(int argc, char **argv);
int cli_user(int argc, char **argv);
int cli_app_password(int argc, char **argv);
int cli_upgrade(int argc, char **argv);
int cli_version(int argc, char **argv);

/* "troika: WHAT: cause" on stderr, and the exit code for the error's class. */
int cli_fail(const char *what, int code, const struct err *e);
/* "troika: text; see troika NAME --help" and CLI_USAGE. */
int cli_usage(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
