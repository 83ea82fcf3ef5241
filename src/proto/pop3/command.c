#include "proto/pop3/command.h"

#define ANYTIME (POP3_AUTHORIZATION | POP3_TRANSACTION)

static const struct pop3_command commands[] = {
	{ .name = "APOP", .states = POP3_AUTHORIZATION, .args_min = 2, .args_max = 2, .run = pop3_cmd_apop,
	  .rfc = "1939 7" },
	{ .name = "AUTH", .states = POP3_AUTHORIZATION, .args_min = 1, .args_max = 2, .run = pop3_cmd_auth,
	  .capability = "SASL", .rfc = "5034 4" },
	{ .name = "CAPA", .states = ANYTIME, .run = pop3_cmd_capa, .rfc = "2449 5" },
	{ .name = "DELE", .states = POP3_TRANSACTION, .args_min = 1, .args_max = 1, .run = pop3_cmd_dele, .rfc = "1939 5" },
	{ .name = "LANG", .states = ANYTIME, .args_max = 1, .run = pop3_cmd_lang, .capability = "LANG", .rfc = "6856 3" },
	{ .name = "LIST", .states = POP3_TRANSACTION, .args_max = 1, .run = pop3_cmd_list, .rfc = "1939 5" },
	{ .name = "NOOP", .states = POP3_TRANSACTION, .run = pop3_cmd_noop, .rfc = "1939 5" },
	{ .name = "PASS", .states = POP3_AUTHORIZATION, .shows_password = true, .takes_rest = true, .args_min = 1,
	  .args_max = 1, .run = pop3_cmd_pass, .rfc = "1939 7" },
	{ .name = "QUIT", .states = ANYTIME, .run = pop3_cmd_quit, .rfc = "1939 4, 6" },
	{ .name = "RETR", .states = POP3_TRANSACTION, .args_min = 1, .args_max = 1, .run = pop3_cmd_retr, .rfc = "1939 5" },
	{ .name = "RSET", .states = POP3_TRANSACTION, .run = pop3_cmd_rset, .rfc = "1939 5" },
	{ .name = "STAT", .states = POP3_TRANSACTION, .run = pop3_cmd_stat, .rfc = "1939 5" },
	{ .name = "STLS", .states = POP3_AUTHORIZATION, .run = pop3_cmd_stls, .capability = "STLS", .rfc = "2595 4" },
	{ .name = "TOP", .states = POP3_TRANSACTION, .args_min = 2, .args_max = 2, .run = pop3_cmd_top, .capability = "TOP",
	  .rfc = "1939 7" },
	{ .name = "UIDL", .states = POP3_TRANSACTION, .args_max = 1, .run = pop3_cmd_uidl, .capability = "UIDL",
	  .rfc = "1939 7" },
	{ .name = "USER", .states = POP3_AUTHORIZATION, .shows_password = true, .takes_rest = true, .args_min = 1,
	  .args_max = 1, .run = pop3_cmd_user, .capability = "USER", .rfc = "1939 7" },
	{ .name = "UTF8", .states = POP3_AUTHORIZATION, .run = pop3_cmd_utf8, .capability = "UTF8 USER", .rfc = "6856 2" },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct pop3_command *pop3_commands(size_t *n_out)
{
	*n_out = N_COMMANDS;
	return commands;
}

const struct pop3_command *pop3_command_find(struct str name)
{
	size_t lo = 0, hi = N_COMMANDS;
	while (lo < hi) {
		size_t middle = (lo + hi) / 2;
		int order = str_icmp(name, str_from_c(commands[middle].name));
		if (order == 0)
			return &commands[middle];
		if (order < 0)
			hi = middle;
		else
			lo = middle + 1;
	}
	return NULL;
}

/* False: an empty argument, or more than POP3_ARGS_MAX. */
static bool split(struct str rest, struct pop3_arguments *args)
{
	while (str_ends(rest, STR(" ")))
		rest.n--;
	bool more = rest.n > 0;
	while (more) {
		if (args->n == POP3_ARGS_MAX)
			return false;
		struct str *arg = &args->v[args->n++];
		more = str_cut(rest, ' ', arg, &rest);
		if (arg->n == 0)
			return false;
	}
	return true;
}

enum pop3_parsed pop3_command_parse(struct str line, const struct pop3_command **command_out,
									 struct pop3_arguments *args_out)
{
	struct str name, rest;
	bool has_rest = str_cut(line, ' ', &name, &rest);
	*args_out = (struct pop3_arguments){ .n = 0 };
	*command_out = pop3_command_find(name);
	if (!*command_out)
		return POP3_PARSED_UNKNOWN;
	if ((*command_out)->takes_rest) {
		args_out->v[0] = rest;
		args_out->n = has_rest && rest.n;
	} else if (!split(rest, args_out)) {
		return POP3_PARSED_BAD_ARGUMENTS;
	}
	bool fits = args_out->n >= (*command_out)->args_min && args_out->n <= (*command_out)->args_max;
	return fits ? POP3_PARSED : POP3_PARSED_BAD_ARGUMENTS;
}
