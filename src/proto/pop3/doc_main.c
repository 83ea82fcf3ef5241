/* Prints doc/protocol/pop3.md from the table of commands; with a file name, compares it and fails when it is out of
 * date. */
#include "proto/pop3/command.h"
#include "proto/pop3/text.h"

#include <stdio.h>
#include <stdlib.h>

static void print_capabilities(FILE *f)
{
	size_t n, n_behaviours;
	const struct pop3_command *commands = pop3_commands(&n);
	const struct pop3_behaviour *behaviours = pop3_behaviours(&n_behaviours);
	fputs("## Capabilities\n\n"
		  "In both states, except `STLS`, which stands where it is permitted, and `USER` and the mechanisms that\n"
		  "show a password, which stand where a password may be shown. `LOGIN-DELAY` when it is configured,\n"
		  "`IMPLEMENTATION` always.\n"
		  "\n"
		  "| capability | RFC |\n|---|---|\n", f);
	for (size_t i = 0; i < n; i++)
		if (commands[i].capability)
			fprintf(f, "| `%s` | %s |\n", commands[i].capability, commands[i].rfc);
	for (size_t i = 0; i < n_behaviours; i++)
		fprintf(f, "| `%s` | %s |\n", behaviours[i].capability, behaviours[i].rfc);
}

static const char *state_names(unsigned states)
{
	if (states == POP3_AUTHORIZATION)
		return "AUTHORIZATION";
	return states == POP3_TRANSACTION ? "TRANSACTION" : "both";
}

static void print_commands(FILE *f)
{
	size_t n;
	const struct pop3_command *v = pop3_commands(&n);
	fprintf(f, "\n## Commands\n\n%zu commands.\n\n", n);
	fputs("| command | state | arguments | needs TLS | RFC | shown by |\n|---|---|---|---|---|---|\n", f);
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "| %s | %s | %u", v[i].name, state_names(v[i].states), v[i].args_min);
		if (v[i].args_max != v[i].args_min)
			fprintf(f, " to %u", v[i].args_max);
		fprintf(f, "%s | %s | %s | [%s](../../tests/wire/pop3/%s.txt) |\n",
				v[i].takes_rest ? ", to the end of the line" : "", v[i].shows_password ? "yes, unless configured" : "",
				v[i].rfc, v[i].transcript, v[i].transcript);
	}
}

static void print_rest(FILE *f)
{
	fputs("\n## Response codes\n\n"
		  "`[AUTH]` new credentials could help; `[IN-USE]` another POP3 session has the maildrop;\n"
		  "`[LOGIN-DELAY]` too soon; `[SYS/TEMP]` later; `[SYS/PERM]` an operator must act;\n"
		  "`[UTF8]` the message needs UTF8.\n", f);
	fputs("\n## Languages\n\n", f);
	for (enum pop3_language i = 0; i < POP3_LANGUAGES; i++)
		fprintf(f, "- `%s` %s\n", pop3_language_tag(i), pop3_language_name(i));
	fputs("\n## Where the RFC leaves it open\n\n"
		  "- **PASS** is valid immediately after USER only; any other command in between takes the name back.\n"
		  "- **RETR** changes nothing in the mailbox, not even \\Seen.\n"
		  "- **UTF8**: held back from other clients is what came by SMTPUTF8 (RFC 6531) and has a header beyond\n"
		  "  ASCII; eight-bit headers without that go out as they are.\n"
		  "- **Line ends**: a command may end in LF alone.\n"
		  "- **Silence**: `timeouts.pop3`, at least 10 minutes, in both states; the connection is closed without a\n"
		  "  word.\n",
		  f);
	fputs("\n## Limits\n\n| what | limit | beyond it |\n|---|---|---|\n", f);
	fprintf(f, "| a command | %d octets | `-ERR`; the session goes on |\n"
			"| a response in AUTH | 12288 octets of base64 | `-ERR`; the session goes on |\n"
			"| sessions of one maildrop | 1 | `-ERR [IN-USE]` |\n"
			"| wrong guesses from one network | `auth.fail_limit` in `auth.fail_window` | `-ERR [SYS/TEMP]` |\n",
			POP3_LINE_MAX);
}

static void print_doc(FILE *f)
{
	fputs("# POP3\n\n"
		  "RFC 1939 with the extensions below. Made from the tables in `src/proto/pop3` by `pop3_doc`; `./test`\n"
		  "fails when this page differs from them.\n\n", f);
	print_capabilities(f);
	print_commands(f);
	print_rest(f);
}

/* 0 when the file holds what is printed now. */
static int compare(const char *path)
{
	char *text = NULL;
	size_t n = 0;
	bool same = true;
	FILE *fresh = open_memstream(&text, &n), *old = fopen(path, "re");
	if (!fresh || !old) {
		fprintf(stderr, "cannot read %s\n", path);
		return 1;
	}
	print_doc(fresh);
	(void)fclose(fresh);
	for (size_t i = 0; same && i <= n; i++)
		same = fgetc(old) == (i < n ? (unsigned char)text[i] : EOF);
	(void)fclose(old);
	free(text);
	if (!same)
		fprintf(stderr, "%s is out of date: pop3_doc >%s\n", path, path);
	return !same;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return compare(argv[1]);
	print_doc(stdout);
	return 0;
}
