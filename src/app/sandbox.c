#include "app/sandbox.h"

#include "rt/log.h"

#include <sys/prctl.h>
#include <sys/resource.h>

/* Under a sanitizer the process looks into itself, by ptrace at the end. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

void sandbox_no_dumps(void)
{
	const struct rlimit none = { 0, 0 };
	if (SANITIZED)
		return;
	if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0))
		log_event(LOG_WARN, "sandbox.dumps", LOG_LIST(LOG_C("means", "a crash may write secrets to a file")));
}
