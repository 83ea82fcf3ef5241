/* Prints doc/admin/configuration.md from the option table; with a file name, compares it and fails when it is out of date. */
#include "app/config_options.h"

#include "app/config.h"

static void print_doc(FILE *f)
{
	static const char *const kinds[] = {
		[OPTION_TEXT] = "text", [OPTION_STR] = "text", [OPTION_SIZE] = "size", [OPTION_DURATION] = "time",
		[OPTION_NUMBER] = "number", [OPTION_BOOL] = "true/false", [OPTION_CHAR] = "character", [OPTION_NETWORKS] = "networks", [OPTION_LIST] = "list",
		[OPTION_WORD] = "word" };
	const char *section = NULL;

	fputs("# Configuration\n\nMade from the table in `src/app/config_options.c`; `./test` fails when this page differs from it.\n\n"
		  "`troika serve` reads `DIR/troika.conf`, or the file given with `--config`. Everything has a default; an unknown option or a value out of\n"
		  "bounds is an error that names file, line and option. Sizes are bytes or `64K`, `10M`, `1G`; times are `30s`, `10m`, `2h`, `7d`;\n"
		  "lists are `{ \"one\", \"two\" }`.\n"
		  "SIGHUP reloads; `listen`, `user`, `search` and the connection limits take effect on a restart.\n", f);
	for (const struct config_option *o = config_options; o->name; o++) {
		if (!section || strcmp(o->section, section) != 0) {
			section = o->section;
			fprintf(f, "\n## %s\n\n| option | kind | default | what |\n|---|---|---|---|\n", *section ? section : "At the top");
		}
		fprintf(f, "| `%s` | %s | `%s` | %s |\n", o->name, kinds[o->kind], *o->fallback ? o->fallback : " ", o->help);
	}
	fputs("\n## Certificates\n\n"
		  "    tls {\n        certificate = \"/etc/ssl/mail.pem\"      # the chain, leaf first\n        key = \"/etc/ssl/mail.key\"\n"
		  "        identity { certificate = \"other.pem\" key = \"other.key\" }   # more, chosen by SNI\n    }\n\n"
		  "## Listeners\n\nWithout this section all listen on their standard ports on all addresses, except lmtp.\n\n"
		  "    listen {\n        smtp = { \"*:25\" }\n        imap = { \"127.0.0.1:143\", \"[::1]:143\" }\n    }\n\nProtocols:", f);
	for (enum app_proto p = 0; p < APP_PROTO_COUNT; p++)
		fprintf(f, " %s", app_proto_name(p));
	fputs(".\n\n## Behind a proxy\n\nConnections from these networks must begin with a PROXY protocol header (v1 or v2), others must not.\n\n"
		  "    proxy { from = { \"192.0.2.0/24\" } }\n", f);
}

int main(int argc, char **argv)
{
	char *text = NULL;
	size_t n = 0;
	bool same = true;

	if (argc < 2) {
		print_doc(stdout);
		return 0;
	}
	FILE *fresh = open_memstream(&text, &n), *old = fopen(argv[1], "re");
	if (!fresh || !old) {
		fprintf(stderr, "cannot read %s\n", argv[1]);
		return 1;
	}
	print_doc(fresh);
	(void)fclose(fresh);
	for (size_t i = 0; same && i <= n; i++)
		same = fgetc(old) == (i < n ? (unsigned char)text[i] : EOF);
	(void)fclose(old);
	free(text);
	if (!same)
		fprintf(stderr, "%s is out of date: config_doc >%s\n", argv[1], argv[1]);
	return !same;
}
