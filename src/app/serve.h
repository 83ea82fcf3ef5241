/* The running server: listeners, TLS, reload, drain. Called once, by the command line. */
#ifndef APP_SERVE_H
#define APP_SERVE_H

#include "app/config.h"
#include "base/err.h"

struct serve_options {
	const char *dir;
	const char *config_file;             /* NULL: DIR/troika.conf */
	const struct app_listen *listen;     /* n_listen > 0: only these */
	unsigned n_listen;
	const char *log_format;              /* "text", "json", or NULL: as configured */
};
/* Runs until SIGTERM or SIGINT; SIGHUP reloads. 0 after a drain, or an error. */
int serve(const struct serve_options *o, struct err *e);

#endif
