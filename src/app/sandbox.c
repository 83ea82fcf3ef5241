#include "app/sandbox.h"

#include "app/certificates.h"
#include "app/sandbox_calls.h"
#include "app/sandbox_inside.h"
#include "app/sandbox_scope.h"
#include "rt/log.h"
#include "rt/porter.h"
#include "search/convert.h"

#include <sys/prctl.h>
#include <sys/resource.h>

static bool no_dumps(void)
{
	const struct rlimit none = { 0, 0 };
	if (SANDBOX_SANITIZED)
		return false;
	if (setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0)
		return true;
	log_event(LOG_WARN, "sandbox.dumps", LOG_LIST(LOG_C("means", "a crash may write secrets to a file")));
	return false;
}

/* ---- programs ---- */

static int close_porter(void)
{
	int r = calls_close_programs();
	return r == ERR_UNSUPPORTED ? 0 : r;
}

static int close_converter(const char *program, const char *dir)
{
	int r = scope_close_converter(program, dir);
	if (r == 0)
		r = calls_close_network();
	return r == ERR_UNSUPPORTED ? 0 : r;
}

/* Only when there is something to start. */
static int start_porter(const struct app_config *c, unsigned *n_out, struct err *e)
{
	static const struct porter_sandbox sandbox = { close_porter, close_converter };
	struct porter_program programs[2];
	char *converter = c->search.enabled && c->search.converter.n ? str_dup_c(c->search.converter) : NULL;
	unsigned n = 0;
	if (converter)
		programs[n++] = convert_program(converter);
	if (c->acme.dns_hook)
		programs[n++] = certificates_hook(c->acme.dns_hook);
	int r = n ? porter_start(programs, n, &sandbox, e) : 0;
	free(converter);
	*n_out = n;
	return r;
}

/* ---- the whole ---- */

int sandbox_close(const char *dir, const char *config_file, const struct app_config *c, struct err *e)
{
	unsigned abi = 0, programs = 0;
	bool quiet = !c->sandbox.core_dumps && no_dumps();
	if (!c->sandbox.enabled) {
		log_event(LOG_WARN, "sandbox.off", LOG_LIST(LOG_C("means", "a fault in the server opens all that its user may do")));
		return 0;
	}
	int r = scope_make_rooms(dir, c, e);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		r = err_set(e, ERR_UNSUPPORTED, NULL, "the kernel cannot forbid new privileges");
	if (r == 0)
		r = start_porter(c, &programs, e);
	if (r == 0 && scope_close_server(dir, config_file, c, &abi))
		r = err_set(e, ERR_UNSUPPORTED, NULL, "Landlock cannot be set up; sandbox { enabled = false } goes on without");
	int calls = r ? 0 : calls_close_server();
	if (calls && calls != ERR_UNSUPPORTED)
		r = err_set(e, calls, NULL, "seccomp cannot be set up; sandbox { enabled = false } goes on without");
	if (r)
		return r;
	log_event(abi && !calls ? LOG_NOTICE : LOG_WARN, "sandbox",
			  LOG_LIST(LOG_C("files", abi ? "landlock" : "any: the kernel has no Landlock"), LOG_U("landlock", abi), LOG_C("calls", calls ? "any: the kernel has no seccomp" : "listed"),
					   LOG_C("dumps", quiet ? "none" : "possible"), LOG_U("programs", programs)));
	return 0;
}

void sandbox_close_listening(const struct app_config *c)
{
	if (!c->sandbox.enabled)
		return;
	int r = calls_close_listening();
	if (r)
		log_event(LOG_WARN, "sandbox.listening", LOG_LIST(LOG_C("error", err_text(r)), LOG_C("means", "a fault in the server may open more ports")));
}

void sandbox_end(void) { porter_stop(); }
