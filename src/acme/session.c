#include "acme/session.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/num.h"
#include "rt/fetch.h"

#include <time.h>

#define LIMIT_DEFAULT_MS 300000u

void acme_answer_fini(struct acme_answer *a)
{
	json_decref(a->json);
	a->json = NULL;
}

/* Text of the authority goes into our JSON and into requests: only what needs no quoting is taken. */
static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_print((unsigned char)s.p[i]) || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == ' ')
			return false;
	return s.n <= ACME_URL_MAX;
}

struct str acme_text(struct acme_session *s, const json_t *object, const char *name)
{
	struct str v = str_from_c(json_string_value(json_object_get(object, name)));
	return is_plain(v) ? arena_dup(&s->arena, v) : STR_NONE;
}

static uint64_t time_left(const struct acme_session *s)
{
	uint64_t now = clock_mono_ms();
	return s->deadline_ms > now ? s->deadline_ms - now : 0;
}

int acme_wait(struct acme_session *s, uint64_t *wait_ms, unsigned retry_after_s)
{
	uint64_t ms = *wait_ms ? *wait_ms : ACME_POLL_FIRST_MS;

	*wait_ms = ms * 2 < ACME_POLL_MAX_MS ? ms * 2 : ACME_POLL_MAX_MS;
	if (retry_after_s)
		ms = (uint64_t)1000 * (retry_after_s < ACME_RETRY_AFTER_MAX_S ? retry_after_s : ACME_RETRY_AFTER_MAX_S);
	if (ms >= time_left(s))
		return err_set(s->e, ERR_TIMEOUT, NULL, "the ACME server did not finish in time");
	for (uint64_t slept = 0; slept < ms && !(s->request->cancel && *s->request->cancel); slept += ACME_NAP_MS)
		nanosleep(&(struct timespec){ .tv_nsec = ACME_NAP_MS * 1000000L }, NULL);
	return 0;
}

static void keep_nonce(struct acme_session *s, const struct fetch_answer *a)
{
	struct str nonce = fetch_header_of(a, STR("Replay-Nonce"));
	if (!nonce.n || !is_plain(nonce) || !str_copy_c(s->nonce, sizeof s->nonce, nonce))
		s->nonce[0] = 0;
}

static int request(struct acme_session *s, const char *method, struct str url, struct str body, struct fetch_answer *out)
{
	const struct fetch_header type = { "Content-Type", STR("application/jose+json") };
	struct fetch_request r = { .method = method, .url = arena_dup_c(&s->arena, url), .ca_file = s->request->ca_file, .timeout_ms = time_left(s),
							   .max = ACME_ANSWER_MAX, .headers = &type, .n_headers = body.n ? 1 : 0, .body = body };
	if (!r.url)
		return ERR_NO_MEMORY;
	if (s->request->cancel && *s->request->cancel)
		return err_set(s->e, ERR_CLOSED, NULL, "ACME: given up, since the server stops");
	if (r.timeout_ms == 0)
		return err_set(s->e, ERR_TIMEOUT, NULL, "the ACME server did not finish in time");
	int rc = fetch(&r, out, s->e);
	if (rc == 0)
		keep_nonce(s, out);
	return rc;
}

/* RFC 8555 7.2 */
static int need_nonce(struct acme_session *s)
{
	struct fetch_answer a = { 0 };
	int rc = s->nonce[0] ? 0 : request(s, "HEAD", s->new_nonce, STR_NONE, &a);

	fetch_answer_fini(&a);
	if (rc == 0 && !s->nonce[0])
		rc = err_set(s->e, ERR_INVALID, NULL, "the ACME server gives no nonce");
	return rc;
}

/* A problem document, RFC 7807 and RFC 8555 6.7: true when it only was the nonce. */
static bool note_problem(struct acme_session *s, const struct fetch_answer *a)
{
	json_t *problem = json_loadb(a->body.p ? a->body.p : "", a->body.n, 0, NULL);
	const char *type = json_string_value(json_object_get(problem, "type")), *detail = json_string_value(json_object_get(problem, "detail"));
	bool nonce = type && !strcmp(type, "urn:ietf:params:acme:error:badNonce");

	err_set(s->e, a->status / 100 == 5 || a->status == 429 ? ERR_BUSY : ERR_DENIED, NULL, "the ACME server says %u %s: %s", a->status, type ? type : "-",
			detail ? detail : "-");
	json_decref(problem);
	return nonce;
}

static int read_answer(struct acme_session *s, const struct fetch_answer *a, struct acme_answer *out)
{
	struct str location = fetch_header_of(a, STR("Location"));
	uint32_t retry = 0;

	out->json = json_loadb(a->body.p ? a->body.p : "", a->body.n, 0, NULL);
	out->location = is_plain(location) ? arena_dup(&s->arena, location) : STR_NONE;
	out->body = arena_dup(&s->arena, buf_str(&a->body));
	if (num_parse_u32(fetch_header_of(a, STR("Retry-After")), &retry))
		out->retry_after_s = retry;
	return s->arena.failed ? ERR_NO_MEMORY : 0;
}

int acme_post(struct acme_session *s, struct str url, struct str payload, struct acme_answer *out)
{
	int rc = ERR_DENIED;

	*out = (struct acme_answer){ .json = NULL };
	for (unsigned tries = 0; tries < ACME_BAD_NONCE_TRIES; tries++) {
		struct fetch_answer a = { 0 };
		struct buf body = BUF_INIT(ACME_ANSWER_MAX);
		bool again = false;
		rc = need_nonce(s);
		if (rc == 0)
			rc = jws_sign(s->key, s->kid, str_from_c(s->nonce), url, payload, &body);
		s->nonce[0] = 0;
		if (rc == 0)
			rc = request(s, "POST", url, buf_str(&body), &a);
		if (rc == 0 && a.status / 100 != 2) {
			again = note_problem(s, &a);
			rc = a.status / 100 == 5 || a.status == 429 ? ERR_BUSY : ERR_DENIED;
		} else if (rc == 0) {
			rc = read_answer(s, &a, out);
		}
		fetch_answer_fini(&a);
		buf_fini(&body);
		if (!again)
			break;
	}
	return rc;
}

/* RFC 8555 7.1.1 */
static int read_directory(struct acme_session *s)
{
	struct fetch_answer a = { 0 };
	int rc = request(s, "GET", str_from_c(s->request->directory), STR_NONE, &a);

	if (rc == 0) {
		json_t *directory = a.status == 200 ? json_loadb(a.body.p ? a.body.p : "", a.body.n, 0, NULL) : NULL;
		s->new_nonce = acme_text(s, directory, "newNonce");
		s->new_account = acme_text(s, directory, "newAccount");
		s->new_order = acme_text(s, directory, "newOrder");
		json_decref(directory);
		if (!s->new_nonce.n || !s->new_account.n || !s->new_order.n)
			rc = err_set(s->e, ERR_INVALID, NULL, "%s is no ACME directory", s->request->directory);
	}
	fetch_answer_fini(&a);
	return rc;
}

static json_t *account_object(struct acme_session *s)
{
	const struct acme_request *r = s->request;
	json_t *account = json_pack("{s:b}", "termsOfServiceAgreed", 1);

	if (r->contact.n) {
		struct str uri = arena_printf(&s->arena, "mailto:%.*s", STR_ARG(r->contact));
		json_object_set_new(account, "contact", json_pack("[s%]", uri.p, uri.n));
	}
	if (r->eab_kid.n) {
		struct buf bound = BUF_INIT(16384);
		json_t *binding = jws_bind(s->key, r->eab_kid, r->eab_key, s->new_account, &bound) == 0 ? json_loadb(bound.p, bound.n, 0, NULL) : NULL;
		if (binding)
			json_object_set_new(account, "externalAccountBinding", binding);
		buf_fini(&bound);
	}
	return account;
}

/* RFC 8555 7.3: for a known key this finds the account. */
static int open_account(struct acme_session *s)
{
	struct acme_answer a;
	json_t *account = account_object(s);
	char *text = account ? json_dumps(account, JSON_COMPACT) : NULL;
	int rc = text ? acme_post(s, s->new_account, str_from_c(text), &a) : ERR_NO_MEMORY;

	free(text);
	json_decref(account);
	if (rc)
		return rc;
	s->kid = a.location;
	acme_answer_fini(&a);
	return s->kid.n ? 0 : err_set(s->e, ERR_INVALID, NULL, "the ACME server names no account");
}

int acme_session_open(struct acme_session *s, const struct acme_request *r, struct err *e)
{
	*s = (struct acme_session){ .request = r, .arena = ARENA_INIT(64 << 20), .e = e, .deadline_ms = clock_mono_ms() + (r->limit_ms ? r->limit_ms : LIMIT_DEFAULT_MS) };
	int rc = jws_key_parse(r->account_key, &s->key, e);
	if (rc == 0)
		rc = read_directory(s);
	return rc ? rc : open_account(s);
}

void acme_session_close(struct acme_session *s)
{
	jws_key_free(&s->key);
	arena_fini(&s->arena);
}
