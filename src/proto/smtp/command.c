#include "proto/smtp/command.h"

static const struct smtp_command table[] = {
	{ .verb = "ATRN", .where = SMTP_IN_SUBMISSION, .needs_helo = true, .needs_auth = true, .ends_pipeline = true, .run = smtp_cmd_atrn, .rfc = "2645 5.2.1" },
	{ .verb = "AUTH", .where = SMTP_IN_SUBMISSION, .needs_helo = true, .ends_pipeline = true, .run = smtp_cmd_auth, .rfc = "4954 4" },
	{ .verb = "BDAT", .where = SMTP_EVERYWHERE, .needs_helo = true, .needs_auth = true, .during_chunks = true, .run = smtp_cmd_bdat,
	  .rfc = "3030 2" },
	{ .verb = "BURL", .where = SMTP_IN_SUBMISSION, .needs_helo = true, .needs_auth = true, .during_chunks = true, .run = smtp_cmd_burl,
	  .rfc = "4468 3.5" },
	{ .verb = "DATA", .where = SMTP_EVERYWHERE, .needs_helo = true, .needs_auth = true, .ends_pipeline = true, .run = smtp_cmd_data,
	  .rfc = "5321 4.1.1.4" },
	{ .verb = "EHLO", .where = SMTP_IN_MX | SMTP_IN_SUBMISSION, .ends_pipeline = true, .during_chunks = true, .run = smtp_cmd_ehlo,
	  .rfc = "5321 4.1.1.1" },
	{ .verb = "ETRN", .where = SMTP_IN_MX, .needs_helo = true, .ends_pipeline = true, .run = smtp_cmd_etrn, .rfc = "1985 5" },
	{ .verb = "EXPN", .where = SMTP_EVERYWHERE, .ends_pipeline = true, .run = smtp_cmd_expn, .rfc = "5321 4.1.1.7" },
	{ .verb = "HELO", .where = SMTP_IN_MX | SMTP_IN_SUBMISSION, .ends_pipeline = true, .during_chunks = true, .run = smtp_cmd_helo,
	  .rfc = "5321 4.1.1.1" },
	{ .verb = "HELP", .where = SMTP_EVERYWHERE, .run = smtp_cmd_help, .rfc = "5321 4.1.1.8" },
	{ .verb = "LHLO", .where = SMTP_IN_LMTP, .ends_pipeline = true, .during_chunks = true, .run = smtp_cmd_lhlo, .rfc = "2033 4.1" },
	{ .verb = "MAIL", .where = SMTP_EVERYWHERE, .needs_helo = true, .needs_auth = true, .run = smtp_cmd_mail, .rfc = "5321 4.1.1.2" },
	{ .verb = "NOOP", .where = SMTP_EVERYWHERE, .ends_pipeline = true, .during_chunks = true, .run = smtp_cmd_noop, .rfc = "5321 4.1.1.9" },
	{ .verb = "QUIT", .where = SMTP_EVERYWHERE, .ends_pipeline = true, .during_chunks = true, .run = smtp_cmd_quit, .rfc = "5321 4.1.1.10" },
	{ .verb = "RCPT", .where = SMTP_EVERYWHERE, .needs_helo = true, .needs_auth = true, .run = smtp_cmd_rcpt, .rfc = "5321 4.1.1.3" },
	{ .verb = "RSET", .where = SMTP_EVERYWHERE, .during_chunks = true, .run = smtp_cmd_rset, .rfc = "5321 4.1.1.5" },
	{ .verb = "STARTTLS", .where = SMTP_EVERYWHERE, .needs_helo = true, .ends_pipeline = true, .run = smtp_cmd_starttls, .rfc = "3207 4" },
	{ .verb = "VRFY", .where = SMTP_EVERYWHERE, .needs_auth = true, .ends_pipeline = true, .run = smtp_cmd_vrfy, .rfc = "5321 4.1.1.6" },
	{ .verb = "XCLIENT", .where = SMTP_IN_MX | SMTP_IN_SUBMISSION, .ends_pipeline = true, .run = smtp_cmd_xclient,
	  .rfc = "www.postfix.org/XCLIENT_README.html" },
	{ .verb = "XFORWARD", .where = SMTP_IN_MX | SMTP_IN_SUBMISSION, .needs_helo = true, .run = smtp_cmd_xforward,
	  .rfc = "www.postfix.org/XFORWARD_README.html" },
};

const struct smtp_command *smtp_commands(size_t *n_out)
{
	*n_out = sizeof table / sizeof *table;
	return table;
}

const struct smtp_command *smtp_command_find(struct str verb)
{
	size_t lo = 0, hi = sizeof table / sizeof *table;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int order = str_icmp(verb, str_from_c(table[mid].verb));
		if (order == 0)
			return &table[mid];
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}
