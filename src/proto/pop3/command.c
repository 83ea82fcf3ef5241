#include "proto/pop3/command.h"

#define ANYTIME (POP3_AUTHORIZATION | POP3_TRANSACTION)

static const struct pop3_command commands[] = {
	{
		.name = "APOP",
		.states = POP3_AUTHORIZATION,
		.args_min = 2, .args_max = 2,
		.run = pop3_cmd_apop,
		.rfc = "1939 7",
		.transcript = "apop",
	},
	{
		.name = "AUTH",
		.states = POP3_AUTHORIZATION,
		.args_min = 1, .args_max = 2,
		.run = pop3_cmd_auth,
		.capability = "SASL",
		.rfc = "5034 4",
		.transcript = "auth",
	},
	{
		.name = "CAPA",
		.states = ANYTIME,
		.run = pop3_cmd_capa,
		.rfc = "2449 5",
		.transcript = "capa",
	},
	{
		.name = "DELE",
		.states = POP3_TRANSACTION,
		.args_min = 1, .args_max = 1,
		.run = pop3_cmd_dele,
		.rfc = "1939 5",
		.transcript = "dele-rset",
	},
	{
		.name = "LANG",
		.states = ANYTIME,
		.args_max = 1,
		.run = pop3_cmd_lang,
		.capability = "LANG",
		.rfc = "6856 3",
		.transcript = "lang",
	},
	{
		.name = "LIST",
		.states = POP3_TRANSACTION,
		.args_max = 1,
		.run = pop3_cmd_list,
		.rfc = "1939 5",
		.transcript = "stat-list",
	},
	{
		.name = "NOOP",
		.states = POP3_TRANSACTION,
		.run = pop3_cmd_noop,
		.rfc = "1939 5",
		.transcript = "empty",
	},
	{
		.name = "PASS",
		.states = POP3_AUTHORIZATION,
		.shows_password = true, .takes_rest = true, .args_min = 1, .args_max = 1,
		.run = pop3_cmd_pass,
		.rfc = "1939 7",
		.transcript = "user-pass",
	},
	{
		.name = "QUIT",
		.states = ANYTIME,
		.run = pop3_cmd_quit,
		.rfc = "1939 4, 6",
		.transcript = "update",
	},
	{
		.name = "RETR",
		.states = POP3_TRANSACTION,
		.args_min = 1, .args_max = 1,
		.run = pop3_cmd_retr,
		.rfc = "1939 5",
		.transcript = "retr",
	},
	{
		.name = "RSET",
		.states = POP3_TRANSACTION,
		.run = pop3_cmd_rset,
		.rfc = "1939 5",
		.transcript = "dele-rset",
	},
	{
		.name = "STAT",
		.states = POP3_TRANSACTION,
		.run = pop3_cmd_stat,
		.rfc = "1939 5",
		.transcript = "stat-list",
	},
	{
		.name = "STLS",
		.states = POP3_AUTHORIZATION,
		.run = pop3_cmd_stls,
		.capability = "STLS",
		.rfc = "2595 4",
		.transcript = "stls",
	},
	{
		.name = "TOP",
		.states = POP3_TRANSACTION,
		.args_min = 2, .args_max = 2,
		.run = pop3_cmd_top,
		.capability = "TOP",
		.rfc = "1939 7",
		.transcript = "top",
	},
	{
		.name = "UIDL",
		.states = POP3_TRANSACTION,
		.args_max = 1,
		.run = pop3_cmd_uidl,
		.capability = "UIDL",
		.rfc = "1939 7",
		.transcript = "uidl",
	},
	{
		.name = "USER",
		.states = POP3_AUTHORIZATION,
		.shows_password = true, .takes_rest = true, .args_min = 1, .args_max = 1,
		.run = pop3_cmd_user,
		.capability = "USER",
		.rfc = "1939 7",
		.transcript = "user-pass",
	},
	{
		.name = "UTF8",
		.states = POP3_AUTHORIZATION,
		.run = pop3_cmd_utf8,
		.capability = "UTF8 USER",
		.rfc = "6856 2",
		.transcript = "utf8",
	},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct pop3_behaviour behaviours[] = {
	{ "RESP-CODES", "2449 6.4" },
	{ "AUTH-RESP-CODE", "3206 6" },
	{ "PIPELINING", "2449 6.6" },
	{ "EXPIRE NEVER", "2449 6.7" },      /* messages stay until somebody deletes them */
};

const struct pop3_behaviour *pop3_behaviours(size_t *n_out)
{
	*n_out = sizeof(behaviours) / sizeof(behaviours[0]);
	return behaviours;
}

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
