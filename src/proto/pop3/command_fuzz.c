/* A command line from anybody: whatever it is, the arguments are within it and as many as the command takes. */
#include "proto/pop3/command.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pop3_command *command;
	struct pop3_arguments args;
	struct str line = str_make(data, size);
	enum pop3_parsed parsed = pop3_command_parse(line, &command, &args);
	if ((parsed == POP3_PARSED_UNKNOWN) != (command == NULL))
		abort();
	if (parsed == POP3_PARSED && (args.n < command->args_min || args.n > command->args_max))
		abort();
	for (unsigned i = 0; i < args.n; i++)
		if (args.v[i].n && (args.v[i].p < line.p || args.v[i].p + args.v[i].n > line.p + line.n))
			abort();
	return 0;
}
