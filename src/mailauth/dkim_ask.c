/* For the tests: messages from standard input to verify, sign, validate and seal, with zones and keys that stand there as well. A message follows its
 * line, of as many octets as the line says; answers with "=N" are followed by N octets.
 *
 *     ZONE                            forgets the zone
 *     R LINE                          adds a line as dns_zone_add takes it
 *     NOW SECONDS                     what time it is (clock_now() before)
 *     NEW rsa|ed25519                 a fresh key: =N
 *     NOKEYS                          forgets the keys
 *     KEY SELECTOR DOMAIN N           a PEM key, to sign with from now on: answers with its record
 *     VERIFY N                        a line for all signatures: RESULT/DOMAIN/ALGORITHM/PROBLEM, tabs between
 *     SIGN N                          signed with all keys: =N
 *     ARC N                           RESULT <TAB> INSTANCES <TAB> OLDEST-PASS <TAB> PROBLEM
 *     SEAL N                          validated and sealed with the first key: =N */
#include "base/clock.h"
#include "base/num.h"
#include "mailauth/arc.h"
#include "rt/dns_zone.h"

#define LINE_MAX_BYTES ((size_t)64 << 10)
#define MESSAGE_MAX_BYTES ((uint64_t)64 << 20)

struct asking {
	struct dns_zone *zone;
	struct dns_source dns;
	struct arena keys_arena;
	struct dkim_signer signers[DKIM_SIGNERS_MAX];
	struct dkim_key *keys[DKIM_SIGNERS_MAX];
	size_t n_signers;
	int64_t now;
};

static void set_zone(struct asking *a)
{
	dns_zone_destroy(&a->zone);
	a->zone = dns_zone_create();
	a->dns = dns_zone_source(a->zone);
}

static void forget_keys(struct asking *a)
{
	while (a->n_signers > 0)
		dkim_key_unref(&a->keys[--a->n_signers]);
}

static bool read_octets(struct str count, struct buf *out)
{
	uint64_t n;
	if (!num_parse_u64(count, &n) || n > MESSAGE_MAX_BYTES)
		return false;
	char *to = buf_reserve(out, n + 1);
	out->n = to ? fread(to, 1, n, stdin) : 0;
	return to && out->n == n;
}

static bool give(const struct buf *b)
{
	printf("=%zu\n", b->n);
	return !b->failed && fwrite(b->p, 1, b->n, stdout) == b->n;
}

static bool make_key(struct str algorithm)
{
	struct buf pem = BUF_INIT(0);
	bool fine = dkim_key_generate(str_eq(algorithm, STR("rsa")) ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256, 0, &pem, NULL) == 0 && give(&pem);
	buf_fini(&pem);
	return fine;
}

static bool add_key(struct asking *a, struct str words)
{
	struct str selector, domain, count;
	struct buf pem = BUF_INIT(0), record = BUF_INIT(0);
	struct dkim_key *key = NULL;
	str_cut(words, ' ', &selector, &words);
	str_cut(words, ' ', &domain, &count);
	bool fine = a->n_signers < DKIM_SIGNERS_MAX && read_octets(count, &pem) && dkim_key_parse(buf_str(&pem), &key, NULL) == 0 &&
				dkim_key_record(key, &record) == 0;
	if (fine) {
		a->keys[a->n_signers] = key;
		a->signers[a->n_signers++] = (struct dkim_signer){
			.domain = arena_dup(&a->keys_arena, domain), .selector = arena_dup(&a->keys_arena, selector), .key = key };
		printf("%.*s\n", STR_ARG(buf_str(&record)));
	}
	buf_fini(&record);
	buf_fini(&pem);
	return fine;
}

static bool verify(struct asking *a, struct arena *arena, struct str message)
{
	struct dkim_verdict *v;
	size_t n;
	if (dkim_verify(&a->dns, arena, message, a->now, &v, &n) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		printf("%s%s/%.*s/%.*s/%s", i ? "\t" : "", dkim_result_text(v[i].result), STR_ARG(v[i].domain), STR_ARG(v[i].algorithm),
			   v[i].problem ? v[i].problem : "");
	putchar('\n');
	return true;
}

static bool sign(struct asking *a, struct str message)
{
	struct buf b = BUF_INIT(0);
	bool fine = dkim_sign(message, a->signers, a->n_signers, a->now, &b, NULL) == 0;
	buf_add_str(&b, message);
	fine = fine && give(&b);
	buf_fini(&b);
	return fine;
}

static bool validate(struct asking *a, struct arena *arena, struct str message, bool then_seal)
{
	struct arc_verdict v;
	if (arc_validate(&a->dns, arena, message, a->now, &v) != 0)
		return false;
	if (!then_seal) {
		printf("%s\t%u\t%u\t%s\n", arc_result_text(v.result), v.instances, v.oldest_pass, v.problem ? v.problem : "");
		return true;
	}
	struct buf b = BUF_INIT(0);
	bool fine = a->n_signers > 0 && arc_seal(message, &a->signers[0], v.result, v.instances, STR("mx.example.org;\r\n\tspf=pass smtp.mailfrom=a@example.org"),
											 a->now, &b, NULL) == 0;
	buf_add_str(&b, message);
	fine = fine && give(&b);
	buf_fini(&b);
	return fine;
}

static bool with_message(struct asking *a, struct str what, struct str count)
{
	struct buf message = BUF_INIT(0);
	struct arena arena = ARENA_INIT(0);
	bool fine = read_octets(count, &message);
	struct str text = buf_str(&message);
	if (!fine)
		;
	else if (str_eq(what, STR("VERIFY")))
		fine = verify(a, &arena, text);
	else if (str_eq(what, STR("SIGN")))
		fine = sign(a, text);
	else
		fine = validate(a, &arena, text, str_eq(what, STR("SEAL")));
	arena_fini(&arena);
	buf_fini(&message);
	return fine;
}

static bool obey(struct asking *a, struct str line)
{
	struct str what, words;
	uint64_t now;
	str_cut(line, ' ', &what, &words);
	if (str_eq(what, STR("ZONE")))
		set_zone(a);
	else if (str_eq(what, STR("R")))
		dns_zone_add(a->zone, words.p);
	else if (str_eq(what, STR("NOKEYS")))
		forget_keys(a);
	else if (str_eq(what, STR("NEW")))
		return make_key(words);
	else if (str_eq(what, STR("KEY")))
		return add_key(a, words);
	else if (str_eq(what, STR("NOW")) && num_parse_u64(words, &now))
		a->now = (int64_t)now;
	else
		return with_message(a, what, words);
	return true;
}

int main(void)
{
	static char line[LINE_MAX_BYTES];
	struct asking a = { .now = clock_now() };
	bool fine = true;
	set_zone(&a);
	while (fine && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		fine = obey(&a, str_from_c(line)) && fflush(stdout) == 0;
	}
	if (!fine)
		fprintf(stderr, "cannot do this: %s\n", line);
	forget_keys(&a);
	arena_fini(&a.keys_arena);
	dns_zone_destroy(&a.zone);
	return fine ? 0 : 1;
}
