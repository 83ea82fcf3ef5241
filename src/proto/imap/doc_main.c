/* Prints doc/protocol/imap.md from the command and capability tables; with a file name, compares it and fails when it is
 * out of date. */
#include "proto/imap/capability.h"
#include "proto/imap/command.h"
#include "proto/imap/limits.h"

static const char *state_names(unsigned states)
{
	switch (states) {
	case IMAP_ANY_STATE: return "any";
	case IMAP_NOT_AUTHENTICATED: return "before login";
	case IMAP_LOGGED_IN: return "after login";
	case IMAP_SELECTED: return "selected";
	default: return "?";
	}
}

static void print_flags(FILE *f, unsigned flags)
{
	static const struct {
		unsigned flag;
		const char *text;
	} names[] = {
		{ IMAP_NUMBERS, "not after ENABLE UIDONLY" },
		{ IMAP_SHOWS_PASSWORD, "needs TLS" },
		{ IMAP_WRITES, "not after EXAMINE" },
		{ IMAP_KEEPS_NUMBERS, "sends no EXPUNGE" },
		{ IMAP_TELLS_NEWS, "tells news as they happen" },
	};
	const char *comma = "";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (flags & names[i].flag) {
			fprintf(f, "%s%s", comma, names[i].text);
			comma = ", ";
		}
	}
}

static void print_capabilities(FILE *f)
{
	size_t n;
	const struct imap_capability *v = imap_capability_table(&n);
	fputs("## Capabilities\n\n"
		  "And before login, as the connection is: `STARTTLS`, `LOGINDISABLED`, `AUTH=` with each mechanism that may be used.\n\n"
		  "| capability | advertised | RFC | note |\n|---|---|---|---|\n", f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "| `%s` | %s | %s | %s |\n", v[i].name, state_names(v[i].states), v[i].rfc, v[i].note ? v[i].note : "");
}

static void print_commands(FILE *f)
{
	size_t n;
	const struct imap_command *v = imap_command_table(&n);
	fprintf(f, "\n## Commands\n\n%zu commands. A command in the wrong state is answered `BAD`.\n\n"
			"| command | state | holds | extension | RFC | shown by |\n|---|---|---|---|---|---|\n", n);
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "| %s | %s | ", v[i].name, state_names(v[i].states));
		print_flags(f, v[i].flags);
		fprintf(f, " | %s | %s | [%s](../../tests/wire/imap/%s.txt) |\n", v[i].capability ? v[i].capability : "", v[i].rfc,
				v[i].transcript, v[i].transcript);
	}
	fputs("\n## Where the RFC leaves it open\n\n", f);
	for (size_t i = 0; i < n; i++)
		if (v[i].note)
			fprintf(f, "- **%s**: %s\n", v[i].name, v[i].note);
}

static void print_limits(FILE *f)
{
	fprintf(f, "\n## Limits\n\n| what | limit | beyond it |\n|---|---|---|\n"
			"| a line | %zu octets, before login %zu | `BAD [LIMIT]`; the session goes on |\n"
			"| a command with its literals, without the message of APPEND | %zu octets, before login %zu "
			"| `NO [LIMIT]`, before the literal is asked for |\n"
			"| a message | `limits.message_size` | `NO [TOOBIG]`, before the literal is asked for |\n"
			"| bad commands before login | %d | `BYE` |\n| failed logins | %d | `BYE` |\n"
			"| time for logging in, silence | `timeouts.login`, `timeouts.imap` | `BYE` |\n",
			IMAP_LINE_MAX, IMAP_LINE_MAX_BEFORE_LOGIN, IMAP_COMMAND_MAX, IMAP_COMMAND_MAX_BEFORE_LOGIN,
			IMAP_BAD_MAX_BEFORE_LOGIN, IMAP_LOGIN_FAILURES_MAX);
}

static void print_doc(FILE *f)
{
	fputs("# IMAP\n\nIMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) with the extensions below. Made from the tables in `src/proto/imap` by\n"
		  "`imap_doc`; `./test` fails when this page differs from them.\n\n", f);
	print_capabilities(f);
	print_commands(f);
	fputs("- **News** of the selected mailbox are told at the end of a command and during IDLE, never between commands: what\n"
		  "  RFC 3501 5.2 allows there is little, and 7.4.1 forbids EXPUNGE. Expunged messages stay as numbers without\n"
		  "  content until EXPUNGE may be sent.\n"
		  "- **Sequence numbers** in pipelined commands are those the client knew before: FETCH, STORE and SEARCH send no\n"
		  "  EXPUNGE (5.5, 7.4.1).\n"
		  "- **Line ends**: a command may end in LF alone.\n", f);
	print_limits(f);
}

/* 0 when the file holds what is printed now. */
static int compare(const char *path)
{
	char *text = NULL;
	size_t n = 0;
	bool same;
	FILE *fresh = open_memstream(&text, &n), *old = fopen(path, "re");
	if (!fresh || !old) {
		fprintf(stderr, "cannot read %s\n", path);
		return 1;
	}
	print_doc(fresh);
	same = fclose(fresh) == 0;
	for (size_t i = 0; same && i <= n; i++)
		same = fgetc(old) == (i < n ? (unsigned char)text[i] : EOF);
	(void)fclose(old);
	free(text);
	if (!same)
		fprintf(stderr, "%s is out of date: imap_doc >%s\n", path, path);
	return !same;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return compare(argv[1]);
	print_doc(stdout);
	return 0;
}
