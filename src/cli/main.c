/* troika: one program, many subcommands. */
#include "cli/command.h"

#include "audit/audit.h"
#include "cli/since.h"
#include "rt/log.h"

#include <stdarg.h>
#include <unistd.h>

const struct cli_command cli_commands[] = {
	{ "init", cli_init, "make a data directory",
	  "troika init -d DIR --domain example.org [--owner USER]\n\n"
	  "Makes DIR with an empty store, the first mail domain and a commented troika.conf. As root, --owner gives it to a user of its own,\n"
	  "whom the server then becomes." },
	{ "user", cli_user, "add, change, delete, list users",
	  "troika user add NAME@DOMAIN -d DIR [--password-file F|-] [--secret-file F|-]\n"
	  "troika user add NAME@DOMAIN --shared -d DIR      (nobody's own: see troika acl)\n"
	  "troika user adopt NAME@DOMAIN ACCOUNT -d DIR [--password-file F|-]      (after a repair: an account without a user)\n"
	  "troika user passwd NAME@DOMAIN -d DIR [--password-file F|-] [--secret-file F|-]\n"
	  "troika user disable|enable NAME@DOMAIN -d DIR    (a disabled user cannot log in; mail still arrives)\n"
	  "troika user del NAME@DOMAIN -d DIR\n"
	  "troika user quota NAME@DOMAIN SIZE -d DIR        (500M, 2G; 0 for none)\n"
	  "troika user list -d DIR\n\n"
	  "The password is the first line of the file ('-': standard input), or is asked for on the terminal. Only hashes are stored. A secret, stored\n"
	  "in the clear, is needed only for APOP and CRAM-MD5." },
	{ "app-password", cli_app_password, "make, take back, list passwords for programs",
	  "troika app-password add NAME@DOMAIN LABEL [imap] [pop3] [smtp] -d DIR\n"
	  "troika app-password del NAME@DOMAIN LABEL -d DIR\n"
	  "troika app-password list NAME@DOMAIN -d DIR\n\n"
	  "A password for one program or device: made here, printed once, good for the protocols named (none: any), and taken back without touching the\n"
	  "others. It works with the mechanisms PLAIN and LOGIN only." },
	{ "domain", cli_domain, "add, delete, list mail domains",
	  "troika domain add|del DOMAIN -d DIR\ntroika domain list -d DIR\n\n"
	  "A new domain gets keys to sign its mail with: see troika dkim show. They go when it is deleted." },
	{ "dkim", cli_dkim, "make, show, replace the keys that mail is signed with",
	  "troika dkim show DOMAIN -d DIR                   (the records to publish)\n"
	  "troika dkim list [DOMAIN] -d DIR\n"
	  "troika dkim rotate DOMAIN -d DIR                 (successors for the keys that sign now)\n"
	  "troika dkim add DOMAIN -d DIR [--algorithm rsa|ed25519|both] [--selector S]\n"
	  "troika dkim activate DOMAIN SELECTOR... -d DIR\n"
	  "troika dkim retire DOMAIN SELECTOR... -d DIR\n"
	  "troika dkim del DOMAIN SELECTOR... -d DIR\n\n"
	  "A new domain has an active pair of keys; its mail is believed once the records are in DNS. New keys are pending until they are activated;\n"
	  "retired ones should stay in DNS for a week. Or let it be done: dkim { rotate_days } in the configuration." },
	{ "acl", cli_acl, "who may do what in mailboxes of others",
	  "troika acl list NAME@DOMAIN [MAILBOX] -d DIR\n"
	  "troika acl set NAME@DOMAIN MAILBOX WHO RIGHTS -d DIR\n"
	  "troika acl del NAME@DOMAIN MAILBOX WHO -d DIR\n\n"
	  "MAILBOX '*' is each that there is; one made below another begins with its rights. WHO is a user, a group (its members), or anyone; with a\n"
	  "dash before it the rights are taken away from whom others give them (write -- before it). RIGHTS replace what was there, +RIGHTS are added,\n"
	  "-RIGHTS taken away:\n\n"
	  "  l  see it in lists           i  put messages into it      k  make mailboxes below it\n"
	  "  r  read it                   t  mark messages as deleted  x  delete or rename it\n"
	  "  s  mark messages as read     e  remove deleted ones       a  change these rights\n"
	  "  w  set other flags           p  nothing yet\n\n"
	  "Users do the same in their mail programs. Who owns a mailbox may do everything." },
	{ "alias", cli_alias, "add, delete, list aliases",
	  "troika alias add ALIAS TARGET... -d DIR\ntroika alias del ALIAS -d DIR\ntroika alias list -d DIR\n\n"
	  "ALIAS is an address, or @DOMAIN for everything else in the domain. Targets are addresses." },
	{ "group", cli_group, "mailing lists and other groups",
	  "troika group add LIST [KEY=VALUE]... -d DIR\n"
	  "troika group set LIST KEY=VALUE... -d DIR        what is not named stays\n"
	  "troika group del LIST -d DIR\n"
	  "troika group list -d DIR\n"
	  "troika group show LIST -d DIR                    settings, members, bounces\n"
	  "troika group join|leave LIST [ADDRESS]... [--file F|-] -d DIR\n\n"
	  "Members are addresses, aliases or other groups; a file has one address in each line. LIST-owner and LIST-request reach the owners. Who joins again\n"
	  "gets mail again after too many bounces.\n\n"
	  "  description=TEXT          one line, for List-Id\n"
	  "  owner=ADDRESS             each; the first one named replaces all, 'owner=' takes all away\n"
	  "  post=WHO                  who may write: members, anyone, owners, listed, local (users of the domain), authenticated (users)\n"
	  "  sender=ADDRESS|@DOMAIN    each; may write besides (not with post=owners)\n"
	  "  reply-to=author|list      where answers go (author)\n"
	  "  headers=yes|no            List- fields (yes)\n"
	  "  verp=yes|no               an address for each member's bounces (yes)\n"
	  "  rewrite-from=no|yes       'Name via List' for authors whose DMARC policy demands it (no)\n"
	  "  size=SIZE                 largest message (0: no limit of its own)\n"
	  "  bounces=N bounce-days=D   days with bounces, with no gap over D days, before a member gets no more mail (5, 10)" },
	{ "serve", cli_serve, "run the server",
	  "troika serve -d DIR [--config FILE] [--listen PROTO=ADDR:PORT]... [--log text|json]\n\n"
	  "PROTO: smtp submission submissions lmtp pop3 pop3s imap imaps. Given any --listen, only those listen; otherwise what the configuration\n"
	  "says, or else the standard ports. SIGTERM drains and exits 0; SIGHUP reloads configuration and certificates." },
	{ "status", cli_status, "is the server well?",
	  "troika status -d DIR [--json]\n\n"
	  "What is well and what is not, and why; exits 0 when the server runs and is ready, else 1: for scripts." },
	{ "top", cli_top, "who does what, live",
	  "troika top -d DIR [--once | --json]\n\n"
	  "Sessions and what is done for them, rates, mail that waits. Sorted by activity (a), bytes (b), age (t), user (u) or protocol (p); q ends.\n"
	  "--once prints one screen, --json everything." },
	{ "queue", cli_queue, "look at mail that waits, and steer it",
	  "troika queue list -d DIR [ID | FILTER...] [--held]\n"
	  "troika queue show ID -d DIR\n"
	  "troika queue retry|hold|release|drop|bounce -d DIR ID | FILTER... | --all\n"
	  "troika queue stats -d DIR\n"
	  "troika queue destinations -d DIR [--all]\n\n"
	  "FILTER: --destination DOMAIN, --sender ADDRESS (<> for none), --recipient ADDRESS; all that are given must hold. Retry, drop and bounce\n"
	  "change only the recipients that match; hold and release whole messages. Retry tries now, also where a destination does not answer.\n"
	  "Drop tells nobody; bounce returns to the sender. Destinations shows the 50 with most recipients, or all." },
	{ "quota", cli_quota, "what users may keep",
	  "troika quota show NAME@DOMAIN -d DIR\n"
	  "troika quota set NAME@DOMAIN [storage=SIZE] [messages=N] [mailboxes=N] -d DIR\n\n"
	  "SIZE is bytes, or 500M, 2G; none lifts a limit; what is not named stays. What is over a new limit stays too, and nothing more comes in. Mail from\n"
	  "others may exceed storage and messages by limits { quota_grace } percent before it is refused." },
	{ "search", cli_search, "the full-text index",
	  "troika search status [NAME@DOMAIN] -d DIR\n"
	  "troika search reindex [NAME@DOMAIN] -d DIR [--config FILE]\n\n"
	  "status: how much is indexed, of one user or of all. The server indexes by itself; reindex makes an index anew at once, and may run\n"
	  "beside the server. Until it is done, searches read what is not indexed." },
	{ "import", cli_import, "bring mail in",
	  "troika import -d DIR --user NAME@DOMAIN [--mailbox NAME] FILE.mbox|MAILDIR\n"
	  "troika import -d DIR --user NAME@DOMAIN [OPTION...] SOURCE\n"
	  "troika import -d DIR --accounts FILE|- [--jobs N] [--connections N] [OPTION...]\n\n"
	  "From files: into INBOX, or the mailbox named. A Maildir's folders become mailboxes.\n\n"
	  "From a live account: SOURCE is imaps://USER@HOST[:PORT], imap:// (with STARTTLS), pop3s://, pop3://, or 'imap-pipe:COMMAND', which speaks IMAP on\n"
	  "standard input and output. Nothing is changed there. Run again, it brings what is new, and changes of flags; killed, it goes on where it was.\n"
	  "A line of FILE is SOURCE USER [file:PATH | pass:PASSWORD].\n\n"
	  "  --password-file F|-       the password there; --token-file F|-: an OAuth 2.0 access token instead\n"
	  "  --authuser NAME           logs in as NAME for USER (SASL PLAIN: Dovecot's master users, Cyrus' admins)\n"
	  "  --only PATTERN            folders by name, levels parted by '/', with * and ?; again for more. --exclude PATTERN: not these\n"
	  "  --mailbox-map THERE=HERE  where a folder, and what is below it, goes\n"
	  "  --jobs N                  accounts at a time (4); --connections N: of one account (3; with --accounts 1)\n"
	  "  --dry-run                 counts what would come\n"
	  "  --delete                  removes here what vanished there\n"
	  "  --ignore-quota            of the user here\n"
	  "  --ca-file F, --fingerprint SHA256, --insecure     whom to trust (the system's authorities): another authority, one certificate, anybody\n"
	  "  --retries N               connections in a row that bring nothing (6); --timeout TIME: without an octet (3m)" },
	{ "export", cli_export, "take mail out",
	  "troika export -d DIR --user NAME@DOMAIN --to mbox|maildir [--mailbox NAME] PATH\n\n"
	  "All mailboxes, or the one named. mbox: PATH becomes a directory with a file per mailbox; maildir: a Maildir++." },
	{ "audit", cli_audit, "who logged in, who was refused, who changed what",
	  "troika audit -d DIR [--user U] [--ip IP] [--since T] [--failed] [--json]\n\n"
	  "--user: who logged in or tried, who did it, or whom it was about. T is 2026-11-26, 2026-11-26T15:00 (UTC), or 90m, 12h, 7d ago.\n"
	  "--failed: what was refused or failed. --json: the lines as they stand in DIR/audit." },
	{ "backup", cli_backup, "back everything up, while the server runs",
	  "troika backup -d DIR DEST [--user NAME@DOMAIN]... [--passphrase-file F|-] [--rate SIZE|max] [--verify]\n"
	  "troika backup DEST --list|--verify|--mend [--passphrase-file F|-]\n"
	  "troika backup [-d DIR] DEST --prune [--keep-last N] [--keep-daily N] [--keep-weekly N] [--keep-monthly N]\n\n"
	  "DEST is a directory, made by the first run (encrypted, if that has a passphrase) and added to by each. Only what is new is read and written. A run that\n"
	  "is killed is taken up by the next one. Rate: bytes a second at most (10M); without it half\n"
	  "of the time is left to others; max: none. Exit code 3: something could not be read." },
	{ "restore", cli_restore, "bring back what was backed up",
	  "troika restore DEST -d NEWDIR [--at SNAPSHOT] [--unchanged] [--owner USER]\n"
	  "troika restore DEST -d DIR --user NAME@DOMAIN [--as NAME@DOMAIN] [--exact] [--at SNAPSHOT]\n"
	  "troika restore DEST -d DIR --user NAME@DOMAIN --mailbox NAME [--into NAME] [--exact]\n"
	  "troika restore DEST -d DIR --user NAME@DOMAIN [--mailbox NAME] --message UIDS|MESSAGE-ID | --search-subject WORDS [--into NAME]\n"
	  "troika restore DEST --list [--user NAME@DOMAIN [--mailbox NAME] [--search-subject WORDS]] [--at SNAPSHOT]\n\n"
	  "Makes NEWDIR, which must not exist. Mail programs load mailboxes anew, and mail that waited to be sent is held; not so with --unchanged, for a server\n"
	  "that was stopped before the backup and only moves house. --passphrase-file F|- as it was made.\n\n"
	  "With --user: beside the running server, what is missing is brought back: what is there stays, also what came later. With --exact the account or mailbox\n"
	  "becomes as it was, after it was backed up as it is. Users that are gone are made again." },
	{ "undelete", cli_undelete, "bring deleted mail and mailboxes back",
	  "troika undelete list NAME@DOMAIN [FILTER...] -d DIR\n"
	  "troika undelete restore NAME@DOMAIN UID... | FILTER... | --all -d DIR\n"
	  "troika undelete reveal|hide NAME@DOMAIN -d DIR      (the mailbox of deleted mail, in the user's mail programs)\n"
	  "troika undelete purge NAME@DOMAIN -d DIR          (all of it, for good)\n"
	  "troika undelete sweep -d DIR [--config FILE]      (what was kept long enough, of all users; the server does it by itself)\n\n"
	  "FILTER: --mailbox NAME (and those below it), --since T (deleted since then), --subject TEXT (part of it); all that are given must hold. UIDs are those\n"
	  "that list shows. Messages go back where they were, deleted mailboxes are made again: with --mailbox alone as they were when they were deleted.\n"
	  "T is " SINCE_FORMS "." },
	{ "check", cli_check, "verify everything, mend what can be mended",
	  "troika check -d DIR [--repair]\n\n"
	  "Exit code 0: nothing wrong; 3: faults were found (and mended with --repair, where they could be)." },
	{ "dmarc", cli_dmarc, "read the DMARC reports of others about your domains",
	  "troika dmarc read FILE...|-\ntroika dmarc read -d DIR --user NAME@DOMAIN [--mailbox NAME]\n\n"
	  "Files are XML, gzip, zip, or whole messages; or all reports in a mailbox. A row is a source of mail: ok when DKIM or SPF is aligned." },
	{ "dns", cli_dns, "what a domain must publish, and whether it does",
	  "troika dns print DOMAIN -d DIR [--config FILE]\ntroika dns check DOMAIN -d DIR [--config FILE]\n\n"
	  "print: lines for the domain's zone, made from the configuration, the keys and the certificate in use. What stands in another zone, and what\n"
	  "only you know, is a comment.\n"
	  "check: asks the DNS for each of them: right, wrong or missing with the cure, or cannot tell, because there was no answer. Exit code 0: all\n"
	  "that is required is right, and nothing else is wrong; 3: otherwise." },
	{ "upgrade", cli_upgrade, "after a new program: what is written how, and no way back",
	  "troika upgrade status -d DIR\ntroika upgrade confirm -d DIR\n\n"
	  "A newer program reads what older ones wrote and goes on writing so, until you confirm; the older one can go on with the store until then. confirm\n"
	  "raises the level and writes old records anew, beside the running server; interrupted, run it again." },
	{ "version", cli_version, "say the version", "troika version" },
	{ 0 },
};

int cli_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("troika " TROIKA_VERSION);
	return CLI_OK;
}

int cli_fail(const char *what, int code, const struct err *e)
{
	fprintf(stderr, "troika: %s: %s\n", what, e && e->log[0] ? e->log : err_text(code));
	return err_class(code) == ERR_CLASS_TEMPORARY ? CLI_TEMPORARY : CLI_FAILED;
}

int cli_usage(const char *name, const char *format, ...)
{
	va_list ap;

	fputs("troika: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "; see: troika %s%s--help\n", name, *name ? " " : "");
	return CLI_USAGE;
}

static void print_help(FILE *f)
{
	fputs("troika: a whole mail server in one program\n\nusage: troika COMMAND ... (each with --help)\n\n", f);
	for (const struct cli_command *c = cli_commands; c->name; c++)
		fprintf(f, "  %-8s  %s\n", c->name, c->summary);
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	/* the command line says what it has to say itself; the rooms below log only what is wrong */
	log_setup(LOG_TEXT, LOG_WARN, STDERR_FILENO);
	audit_who();
	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(argc < 2 ? stderr : stdout);
		return argc < 2 ? CLI_USAGE : CLI_OK;
	}
	if (!strcmp(argv[1], "--version"))
		return cli_version(argc, argv);
	for (const struct cli_command *c = cli_commands; c->name; c++) {
		if (strcmp(c->name, argv[1]) != 0)
			continue;
		if (wants_help(argc - 1, argv + 1)) {
			printf("troika %s: %s\n\n%s\n", c->name, c->summary, c->usage);
			return CLI_OK;
		}
		int r = c->run(argc - 1, argv + 1);
		return fflush(stdout) == 0 ? r : CLI_FAILED;
	}
	return cli_usage("", "there is no command '%s'", argv[1]);
}
