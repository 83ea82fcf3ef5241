#include "base/clock.h"
#include "codec/smtp/trace.h"
#include "proto/http/http.h"
#include "proto/http/limits.h"

#include <stdlib.h>

METRIC_COUNTER(answered, "troika_http_requests_total", "result=\"ok\"", "HTTP requests.");
METRIC_COUNTER(refused, "troika_http_requests_total", "result=\"refused\"", "HTTP requests.");

struct http_session {
	struct buf head;                 /* of the request that is arriving; no memory between requests */
	uint64_t began_ms;               /* its first line */
	unsigned requests;
};

static const char *reason(unsigned status)
{
	static const struct { unsigned status; const char *text; } reasons[] = {
		{ 200, "OK" }, { 400, "Bad Request" }, { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" }, { 413, "Content Too Large" },
		{ 414, "URI Too Long" }, { 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 503, "Service Unavailable" }, { 505, "HTTP Version Not Supported" } };

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Unknown";
}

/* RFC 9110 15: a page of its own for what is not 200. */
static void answer(struct conn *c, unsigned status, const struct http_page *page, bool head_only, bool keep)
{
	struct buf date = BUF_INIT(64);
	struct str body = page ? buf_str(&page->body) : STR_NONE;
	char text[64];

	if (status != 200 && !(page && page->type)) {
		int n = snprintf(text, sizeof text, "%u %s\n", status, reason(status));
		body = str_make(text, n > 0 ? (size_t)n : 0);
	}
	smtp_format_date(&date, clock_now());
	/* RFC 9110 5.6.7 wants "GMT" where mail has a zone */
	struct str when = buf_str(&date);
	if (str_ends(when, STR("+0000")))
		when.n -= 5;
	conn_printf(c, "HTTP/1.1 %u %s\r\nDate: %.*sGMT\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sX-Content-Type-Options: nosniff\r\n%s\r\n", status,
				reason(status), STR_ARG(when), page && page->type ? page->type : "text/plain", body.n,
				status == 405 ? "Allow: GET, HEAD\r\n" : "", keep ? "" : "Connection: close\r\n");
	if (!head_only)
		conn_write_str(c, body);
	buf_fini(&date);
}

static unsigned find_page(struct conn *c, const struct http_service *service, const struct http_request *r, struct http_page *page)
{
	for (size_t i = 0; i < service->n_routes; i++)
		if (str_starts(r->path, service->routes[i].prefix))
			return service->routes[i].page(service->routes[i].ctx, r, conn_has_tls(c), page);
	return 404;
}

/* The head is whole. True: the connection goes on. */
static bool run_request(struct conn *c, struct http_session *s, const struct http_service *service)
{
	struct http_request r;
	struct http_page page = { .body = BUF_INIT(service->page_max ? service->page_max : HTTP_PAGE_MAX) };
	unsigned status = http_request_parse(buf_str(&s->head), &r);
	bool head_only = false, keep = false;

	if (status)
		metric_add(&refused, 1);
	if (status == 0) {
		head_only = str_eq(r.method, STR("HEAD"));
		/* a body that nobody reads would be taken for the next request */
		keep = r.keep_alive && !r.chunked && r.content_length == 0 && ++s->requests < HTTP_REQUESTS_MAX;
		status = r.chunked || r.content_length ? 413 : head_only || str_eq(r.method, STR("GET")) ? find_page(c, service, &r, &page) : 405;
		if (page.body.failed) {
			status = 500;
			page.type = NULL;
		}
		metric_add(status < 400 ? &answered : &refused, 1);
		conn_log(c, service->quiet ? LOG_DEBUG : LOG_INFO, "http.request", LOG_LIST(LOG_S("method", r.method), LOG_S("host", r.host), LOG_S("path", r.path), LOG_U("status", status)));
	}
	answer(c, status, &page, head_only, keep);
	buf_fini(&page.body);
	buf_fini(&s->head);
	return keep;
}

static enum conn_next input(struct conn *c, struct http_session *s, const struct http_service *service)
{
	struct str line;
	bool bare_lf = false;
	int r = conn_take_line(c, &line, &bare_lf);

	if (r == 0)
		return CONN_PARK;
	if (s->head.n == 0) {
		if (r > 0 && line.n == 0)                 /* RFC 9112 2.2: an empty line before a request is passed over */
			return CONN_PARK;
		buf_init(&s->head, HTTP_HEAD_MAX + 2);
		s->began_ms = clock_mono_ms();
	}
	buf_add_str(&s->head, line);
	buf_add_lit(&s->head, "\r\n");
	unsigned bad = r < 0 || s->head.failed ? 431 : bare_lf ? 400 : clock_mono_ms() - s->began_ms > HTTP_HEAD_TIMEOUT_MS ? 408 : 0;
	if (bad) {
		metric_add(&refused, 1);
		answer(c, bad, NULL, false, false);
		return CONN_CLOSE;
	}
	if (line.n)
		return CONN_PARK;
	return run_request(c, s, service) ? CONN_PARK : CONN_CLOSE;
}

static enum conn_next run(struct conn *c, void *session, void *ctx, enum conn_event event)
{
	const struct http_service *service = ctx;
	enum conn_next next = CONN_PARK;

	switch (event) {
	case CONN_OPEN:
		conn_set_timeout(c, service->timeout_ms ? service->timeout_ms : HTTP_TIMEOUT_MS);
		break;
	case CONN_INPUT:
		next = input(c, session, service);
		break;
	case CONN_TIMEOUT:
	case CONN_DRAIN:
		return CONN_CLOSE;
	case CONN_TLS:
	case CONN_WAKE:
		break;
	}
	conn_want_line(c, HTTP_LINE_MAX);
	return next;
}

static void fini(struct conn *c, void *session, void *ctx)
{
	struct http_session *s = session;

	(void)c;
	(void)ctx;
	buf_fini(&s->head);
}

const struct conn_proto http_watch_proto = { .name = "watch", .session_size = sizeof(struct http_session), .run = run, .fini = fini };
const struct conn_proto http_proto = { .name = "http", .session_size = sizeof(struct http_session), .run = run, .fini = fini };
