#include "rt/fetch.h"

#include "rt/limits.h"
#include "rt/metric.h"

#include <curl/curl.h>
#include <pthread.h>

struct transfer {
	CURL *curl;
	struct fetch_answer *answer;
	struct curl_slist *headers, *resolve;
	char why[CURL_ERROR_SIZE];
	bool too_big;
};

/* Process-wide, as libcurl wants it. */
static struct {
	pthread_once_t once;
	CURLcode result;
} global = { .once = PTHREAD_ONCE_INIT };

static void init_global(void) { global.result = curl_global_init(CURL_GLOBAL_DEFAULT); }

/* ---- what comes ---- */

static size_t gather(struct transfer *t, struct buf *into, const char *p, size_t n)
{
	buf_add(into, p, n);
	if (!into->failed)
		return n;
	t->too_big = into->n + n > into->max;
	return 0;        /* ends the transfer */
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	return gather(t, &t->answer->body, p, size * n);
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	/* A status line begins anew: what stood before belongs to a redirect or was a 100 */
	if (str_istarts(str_make(p, size * n), STR("HTTP/")))
		buf_reset(&t->answer->headers);
	return gather(t, &t->answer->headers, p, size * n);
}

/* ---- what is asked ---- */

static bool add_header(struct transfer *t, struct str name, struct str value)
{
	struct buf line = BUF_INIT(0);
	buf_printf(&line, "%.*s%s%.*s", STR_ARG(name), value.n ? ": " : ";", STR_ARG(value));
	buf_add_char(&line, '\0');
	struct curl_slist *longer = line.failed ? NULL : curl_slist_append(t->headers, line.p);
	buf_fini(&line);
	if (longer)
		t->headers = longer;
	return longer;
}

static bool is_one_line(struct str s) { return str_chr(s, '\r') == STR_NPOS && str_chr(s, '\n') == STR_NPOS && str_chr(s, '\0') == STR_NPOS; }

static int set_headers(struct transfer *t, const struct fetch_request *r)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		struct str name = str_from_c(r->headers[i].name);
		if (name.n == 0 || !is_one_line(name) || !is_one_line(r->headers[i].value))
			return ERR_INVALID;
		if (!add_header(t, name, r->headers[i].value))
			return ERR_NO_MEMORY;
	}
	/* No waiting for "100 Continue". */
	struct curl_slist *longer = curl_slist_append(t->headers, "Expect:");
	if (!longer)
		return ERR_NO_MEMORY;
	t->headers = longer;
	return curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK ? 0 : ERR_NO_MEMORY;
}

#define SET(option, value) (ok = ok && curl_easy_setopt(t->curl, (option), (value)) == CURLE_OK)

static bool set_rules(struct transfer *t, const struct fetch_request *r)
{
	const char *schemes = r->allow_http ? "http,https" : "https";
	uint64_t ms = r->timeout_ms ? r->timeout_ms : FETCH_TIMEOUT_MS;
	bool ok = true;
	SET(CURLOPT_ERRORBUFFER, t->why);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, schemes);
	SET(CURLOPT_REDIR_PROTOCOLS_STR, schemes);
	SET(CURLOPT_FOLLOWLOCATION, r->follow ? 1L : 0L);
	SET(CURLOPT_MAXREDIRS, (long)FETCH_REDIRECTS_MAX);
	SET(CURLOPT_TIMEOUT_MS, ms > INT32_MAX ? (long)INT32_MAX : (long)ms);
	SET(CURLOPT_PROXY, "");        /* not even from the environment */
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_USERAGENT, "troika/" TROIKA_VERSION);
	if (r->ca_file) {
		SET(CURLOPT_CAINFO, r->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (r->resolve) {
		t->resolve = curl_slist_append(NULL, r->resolve);
		ok = ok && t->resolve;
		SET(CURLOPT_RESOLVE, t->resolve);
	}
	return ok;
}

static bool set_request(struct transfer *t, const struct fetch_request *r)
{
	struct str method = str_from_c(r->method ? r->method : "GET");
	bool ok = true;
	SET(CURLOPT_URL, r->url);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	if (str_eq(method, STR("HEAD"))) {
		SET(CURLOPT_NOBODY, 1L);
	} else if (r->body.n > 0 || str_eq(method, STR("POST")) || str_eq(method, STR("PUT"))) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDS, r->body.p ? r->body.p : "");
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
		SET(CURLOPT_CUSTOMREQUEST, method.p);
	} else if (!str_eq(method, STR("GET"))) {
		SET(CURLOPT_CUSTOMREQUEST, method.p);
	}
	return ok;
}

/* ---- the transfer ---- */

static int code_of(const struct transfer *t, CURLcode c)
{
	if (t->too_big)
		return ERR_TOO_BIG;
	switch (c) {
	case CURLE_OK: return 0;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL: return ERR_INVALID;
	case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR: return ERR_DENIED;
	case CURLE_SSL_CACERT_BADFILE: return ERR_CONFIG;
	case CURLE_WRITE_ERROR:        /* gather() failed, and not for size */
	case CURLE_OUT_OF_MEMORY: return ERR_NO_MEMORY;
	default: return ERR_IO;
	}
}

static int perform(struct transfer *t, const struct fetch_request *r, struct err *e)
{
	int code = set_headers(t, r);
	if (code < 0)
		return err_set(e, code, NULL, "%s: header field of the request", r->url);
	if (!set_rules(t, r) || !set_request(t, r))
		return err_set(e, ERR_NO_MEMORY, NULL, "%s: request cannot be set up", r->url);
	CURLcode c = curl_easy_perform(t->curl);
	long status = 0;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	t->answer->status = (unsigned)status;
	code = code_of(t, c);
	if (code == 0)
		return 0;
	return err_set(e, code, NULL, "%s: %s", r->url, t->too_big ? "answer too big" : t->why[0] ? t->why : curl_easy_strerror(c));
}

METRIC_COUNTER(done, "troika_rt_fetches_total", "result=\"ok\"", "HTTP requests that we make: policies, keys, certificates.");
METRIC_COUNTER(failed, "troika_rt_fetches_total", "result=\"failed\"", "HTTP requests that we make: policies, keys, certificates.");

int fetch(const struct fetch_request *r, struct fetch_answer *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	buf_init(&out->body, r->max ? r->max : FETCH_BODY_MAX);
	buf_init(&out->headers, FETCH_HEADERS_MAX);
	pthread_once(&global.once, init_global);
	struct transfer t = { .answer = out, .curl = global.result == CURLE_OK ? curl_easy_init() : NULL };
	int code = t.curl ? perform(&t, r, e) : err_set(e, ERR_NO_MEMORY, NULL, "%s: libcurl does not start", r->url);
	metric_add(code ? &failed : &done, 1);
	curl_easy_cleanup(t.curl);
	curl_slist_free_all(t.headers);
	curl_slist_free_all(t.resolve);
	return code;
}

void fetch_answer_fini(struct fetch_answer *a)
{
	buf_fini(&a->body);
	buf_fini(&a->headers);
}

struct str fetch_header_of(const struct fetch_answer *a, struct str name)
{
	struct str line, field, value, rest = buf_str(&a->headers);
	while (rest.n > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (str_cut(line, ':', &field, &value) && str_ieq(field, name))
			return str_trim(value);
	}
	return STR_NONE;
}
