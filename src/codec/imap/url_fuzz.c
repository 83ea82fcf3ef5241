/* Any bytes as an IMAP URL: every slice is read again, and the rump of what is authorised is what it says. */
#include "codec/imap/url.h"

#include "base/err.h"
#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a = ARENA_INIT((size_t)1 << 20);
	struct imap_url u, rump;
	const char *why;
	struct str in = str_make(p, n);
	int rc = imap_url_parse(in, &a, &u, &why);
	MUST(rc == 0 || (rc == ERR_INVALID && why));
	if (rc == 0) {
		const struct str decoded[] = { u.user, u.auth, u.mailbox, u.section, u.access_user };
		for (size_t i = 0; i < sizeof(decoded) / sizeof(decoded[0]); i++)
			MUST(utf8_is_valid(decoded[i]) && str_chr(decoded[i], '\0') == STR_NPOS);
		MUST(u.access == IMAP_URL_NO_ACCESS || u.uid);
		MUST(str_starts(in, u.rump));
		MUST(!u.mechanism.p || in.n == u.rump.n + 1 + u.mechanism.n + 1 + u.token.n);
		MUST(imap_url_parse(u.rump, &a, &rump, &why) == 0 && !rump.mechanism.p && rump.access == u.access);
	}
	arena_fini(&a);
	return 0;
}
