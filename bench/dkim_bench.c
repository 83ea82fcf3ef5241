/* What DKIM costs, in CPU time of one thread: signing and verifying a message of 4 KB and one of 1 MB.
 *
 *     dkim_bench [SECONDS]        for each line, 1 by default */
#include "mailauth/dkim.h"

#include <stdlib.h>
#include <time.h>

#define NOW 1700000000

struct bench {
	struct dkim_signer signers[2];       /* RSA, Ed25519 */
	struct str record[2];
	struct str message, is_signed;
	double seconds;
};

static double cpu_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int answer(void *ctx, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	const struct bench *b = ctx;
	struct dns_record *r = arena_new(a, struct dns_record);
	if (!r)
		return ERR_NO_MEMORY;
	r->text = b->record[str_starts(name, STR("rsa")) ? 0 : 1];
	*out = (struct dns_answer){ .status = type == DNS_TXT ? DNS_OK : DNS_NODATA, .canonical = name, .records = r, .n = 1 };
	return 0;
}

static void sign(struct bench *b, size_t first, size_t n)
{
	struct buf out = BUF_INIT(0);
	if (dkim_sign(b->message, b->signers + first, n, NOW, &out, NULL) != 0)
		abort();
	buf_fini(&out);
}
static void sign_rsa(struct bench *b) { sign(b, 0, 1); }
static void sign_ed25519(struct bench *b) { sign(b, 1, 1); }
static void sign_both(struct bench *b) { sign(b, 0, 2); }

static void verify_both(struct bench *b)
{
	const struct dns_source dns = { answer, b };
	struct arena a = ARENA_INIT(0);
	struct dkim_verdict *v;
	size_t n;
	if (dkim_verify(&dns, &a, b->is_signed, NOW, &v, &n) != 0 || n != 2 || v[0].result != DKIM_PASS || v[1].result != DKIM_PASS)
		abort();
	arena_fini(&a);
}

static void measure(struct bench *b, const char *what, void (*fn)(struct bench *))
{
	double start = cpu_now(), spent;
	unsigned long rounds = 0;
	do {
		fn(b);
		rounds++;
		spent = cpu_now() - start;
	} while (spent < b->seconds);
	printf("%-24s %8zu bytes  %9.1f us\n", what, b->message.n, spent / (double)rounds * 1e6);
}

static void run(struct bench *b, size_t body)
{
	struct buf text = BUF_INIT(0), both = BUF_INIT(0);
	buf_add_lit(&text, "From: a@example.org\r\nTo: b@example.net\r\nSubject: how long does it take\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\n"
					   "Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n");
	while (text.n < body)
		buf_add_lit(&text, "The quick brown fox jumps over the lazy dog, and  then some more of that.\r\n");
	b->message = buf_str(&text);
	if (dkim_sign(b->message, b->signers, 2, NOW, &both, NULL) != 0)
		abort();
	buf_add_str(&both, b->message);
	b->is_signed = buf_str(&both);
	measure(b, "sign rsa-2048", sign_rsa);
	measure(b, "sign ed25519", sign_ed25519);
	measure(b, "sign both", sign_both);
	measure(b, "verify both", verify_both);
	buf_fini(&text);
	buf_fini(&both);
}

int main(int argc, char **argv)
{
	struct bench b = { .seconds = argc > 1 ? strtod(argv[1], NULL) : 1 };
	struct buf pem[2] = { BUF_INIT(0), BUF_INIT(0) }, record[2] = { BUF_INIT(0), BUF_INIT(0) };
	struct dkim_key *keys[2];
	for (int i = 0; i < 2; i++) {
		if (dkim_key_generate(i ? DKIM_ED25519_SHA256 : DKIM_RSA_SHA256, 0, &pem[i], NULL) != 0 ||
			dkim_key_parse(buf_str(&pem[i]), &keys[i], NULL) != 0 || dkim_key_record(keys[i], &record[i]) != 0)
			abort();
		b.signers[i] = (struct dkim_signer){ .domain = STR("example.org"), .selector = i ? STR("ed") : STR("rsa"), .key = keys[i] };
		b.record[i] = buf_str(&record[i]);
	}
	run(&b, 4 << 10);
	run(&b, 1 << 20);
	for (int i = 0; i < 2; i++) {
		dkim_key_unref(&keys[i]);
		buf_fini(&pem[i]);
		buf_fini(&record[i]);
	}
	return 0;
}
