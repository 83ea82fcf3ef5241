#include "app/serve.h"
#include "cli/command.h"
#include "cli/options.h"

int cli_serve(int argc, char **argv)
{
	struct app_listen listen[OPTIONS_REPEAT_MAX];
	struct options o;
	struct err e = { 0 };
	int r = options_parse("serve", argc, argv, OPT_CONFIG | OPT_LISTEN | OPT_LOG, &o);

	if (r)
		return r;
	if (o.n_words)
		return cli_usage("serve", "what is '%s'?", o.words[0]);
	if (o.log && strcmp(o.log, "text") != 0 && strcmp(o.log, "json") != 0)
		return cli_usage("serve", "--log is text or json");
	for (unsigned i = 0; i < o.n_listen; i++)
		if (app_listen_parse(str_from_c(o.listen[i]), &listen[i], &e))
			return cli_usage("serve", "%s", e.log);
	struct serve_options so = { .dir = o.dir, .config_file = o.config, .listen = listen, .n_listen = o.n_listen, .log_format = o.log };
	r = serve(&so, &e);
	return r ? cli_fail("serve", r, &e) : CLI_OK;
}
