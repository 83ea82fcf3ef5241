#include "migrate/source.h"

#include "base/base64.h"
#include "migrate/imap_client.h"
#include "migrate/pop3_client.h"
#include "rt/crypto.h"

int source_open(const struct source_setup *s, struct source **out, uint64_t *wait_ms_out, struct err *e)
{
	*out = NULL;
	*wait_ms_out = 0;
	return s->place.pop3 ? pop3_client_open(s, out, wait_ms_out, e) : imap_client_open(s, out, wait_ms_out, e);
}

static bool holds_secret(const struct source_setup *s, struct str text)
{
	return (s->password.n && str_find(text, s->password) != STR_NPOS) || (s->token.n && str_find(text, s->token) != STR_NPOS);
}

/* As SASL's messages are sent. */
static bool holds_secret_coded(const struct source_setup *s, struct str word)
{
	struct buf b = BUF_INIT(0);
	bool found = base64_decode(&b, word) == 0 && holds_secret(s, buf_str(&b));
	if (b.p)
		crypto_wipe(b.p, b.n);
	buf_fini(&b);
	return found;
}

struct str source_shown(const struct source_setup *s, struct str text)
{
	bool secret = holds_secret(s, text);
	struct str rest = text, word;
	for (bool more = true; more && !secret;) {
		more = str_cut(rest, ' ', &word, &rest);
		secret = holds_secret_coded(s, str_trim(word));
	}
	return secret ? STR("(what the server says repeats the password)") : text;
}
