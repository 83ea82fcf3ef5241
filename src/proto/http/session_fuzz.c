/* Whole connections to the small web server: the first octet says how much arrives at a time, the rest is what the client sends. */
#include "proto/http/http.h"
#include "rt/conn_script.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For tools/fuzz_lines.c. */
extern const char *const fuzz_lines_commands[];
const char *const fuzz_lines_commands[] = {
	"GET /page HTTP/1.1\r\nHost: a.example\r\n\r\n", "HEAD /page?x=1 HTTP/1.1\r\nHost: a.example:80\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"GET /page HTTP/1.1\r\n", "Host: b.example\r\n", "Content-Length: 10\r\n", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n", "0\r\n\r\n", "Connection: keep-alive\r\n", "Accept: text/html;q=0.5\r\n", " folded\r\n", "\r\n", NULL,
};

static unsigned page(void *ctx, const struct http_request *r, bool tls, struct http_page *out)
{
	(void)ctx, (void)tls;
	out->type = "text/plain";
	buf_add_str(&out->body, r->path);
	return 200;
}

/* RFC 9112 2.1: what is answered begins with a status line, and no line of a head has a bare CR or LF. */
static void check_answer(struct str out)
{
	if (out.n && !str_starts(out, STR("HTTP/1.1 ")))
		abort();
	size_t at = 0;
	for (; at < out.n && !str_starts(str_from(out, at), STR("\r\n\r\n")); at++)
		if ((out.p[at] == '\n' && (at == 0 || out.p[at - 1] != '\r')) || out.p[at] == '\0')
			abort();
	if (out.n && at == out.n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = { 0, 1, 5, 100 };
	static const struct http_route routes[] = { { STR_INIT("/page"), page, NULL } };
	struct http_service service = { .routes = routes, .n_routes = 1 };
	struct conn c;

	if (size == 0)
		return 0;
	script_open(&c, &http_proto, &service, "192.0.2.1", data[0] & 4);
	script_play(&c, str_make(data + 1, size - 1), steps[data[0] % 4]);
	script_close(&c);
	check_answer(buf_str(&c.out));
	buf_fini(&c.out);
	return 0;
}
