#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define COMMAND_MAX 1024
#define LANES 250

void load_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

double load_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double load_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

char *load_buffer(void)
{
	char *buffer = malloc(CONN_BUFFER);

	if (!buffer)
		load_die("out of memory");
	return buffer;
}

SSL_CTX *load_tls(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls)
		load_die("no TLS");
	SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	return tls;
}

void load_open(struct load_conn *c, unsigned port, unsigned lane, SSL_CTX *tls, char *buffer)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = { htonl(0x7f000101u + lane % LANES) } };
	int on = 1;

	*c = (struct load_conn){ .buffer = buffer, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (c->fd < 0)
		load_die("socket: %s", strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (bind(c->fd, (struct sockaddr *)&from, sizeof from) || connect(c->fd, (struct sockaddr *)&to, sizeof to))
		load_die("connect to port %u: %s", port, strerror(errno));
	if (!tls)
		return;
	c->ssl = SSL_new(tls);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1)
		load_die("TLS handshake on port %u failed", port);
}

void load_close(struct load_conn *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	*c = (struct load_conn){ .fd = -1 };
}

void load_send(struct load_conn *c, const char *data, size_t n)
{
	while (n) {
		ssize_t done = c->ssl ? SSL_write(c->ssl, data, (int)n) : send(c->fd, data, n, MSG_NOSIGNAL);
		if (done <= 0)
			load_die("send: %s", strerror(errno));
		data += done;
		n -= (size_t)done;
	}
}

/* More octets behind what is still unread; false at the end of the stream. */
static bool fill(struct load_conn *c)
{
	ssize_t n;

	if (c->at == c->end) {
		c->at = c->end = 0;
	} else if (c->at == 0 && c->end == CONN_BUFFER) {
		load_die("a line of more than %zu octets", CONN_BUFFER);
	} else if (c->at >= CONN_READ || c->end == CONN_BUFFER) {
		memmove(c->buffer, c->buffer + c->at, c->end - c->at);
		c->end -= c->at;
		c->at = 0;
	}
	size_t room = CONN_BUFFER - c->end < CONN_READ ? CONN_BUFFER - c->end : CONN_READ;
	if (c->ssl)
		n = SSL_read(c->ssl, c->buffer + c->end, (int)room);
	else
		n = read(c->fd, c->buffer + c->end, room);
	if (n <= 0)
		return false;
	c->end += (size_t)n;
	c->received += (uint64_t)n;
	return true;
}

const char *load_line(struct load_conn *c, size_t *length_out)
{
	size_t looked = 0;

	for (;;) {
		const char *line = c->buffer + c->at, *lf = memchr(line + looked, '\n', c->end - c->at - looked);
		if (lf) {
			size_t n = (size_t)(lf - line);
			c->at += n + 1;
			*length_out = n && line[n - 1] == '\r' ? n - 1 : n;
			return line;
		}
		looked = c->end - c->at;
		if (!fill(c))
			return NULL;
	}
}

void load_skip(struct load_conn *c, uint64_t octets)
{
	while (octets > c->end - c->at) {
		octets -= c->end - c->at;
		c->at = c->end;
		if (!fill(c))
			load_die("the connection ended inside a literal");
	}
	c->at += (size_t)octets;
}

/* RFC 3501 4.3: a line that ends with {octets} announces a literal. */
static bool line_literal(const char *line, size_t n, uint64_t *octets_out)
{
	uint64_t octets = 0, digit = 1;
	size_t i = n;

	if (n < 3 || line[n - 1] != '}')
		return false;
	for (i = n - 1; i > 0 && line[i - 1] >= '0' && line[i - 1] <= '9'; i--, digit *= 10)
		octets += digit * (uint64_t)(line[i - 1] - '0');
	*octets_out = octets;
	return i > 0 && line[i - 1] == '{';
}

static const char *must_line(struct load_conn *c, const char *command, size_t *length_out)
{
	const char *line = load_line(c, length_out);

	if (!line)
		load_die("the connection ended during: %s", command);
	return line;
}

static void send_command(struct load_conn *c, const char *tag, const char *command)
{
	char text[COMMAND_MAX];
	int length = snprintf(text, sizeof text, "%s%s\r\n", tag, command);

	if (length < 0 || (size_t)length >= sizeof text)
		load_die("command too long: %s", command);
	load_send(c, text, (size_t)length);
}

static void note_line(struct load_answer *a, const char *line, size_t n)
{
	if (a->lines++ == 0)
		snprintf(a->first, sizeof a->first, "%.*s", (int)n, line);
}

void load_imap(struct load_conn *c, const char *command, struct load_answer *answer_out)
{
	uint64_t octets;
	size_t n;

	*answer_out = (struct load_answer){ 0 };
	send_command(c, "t ", command);
	for (;;) {
		const char *line = must_line(c, command, &n);
		if (n > 4 && line[0] == 't' && line[1] == ' ') {
			answer_out->ok = !strncasecmp(line + 2, "OK", 2);
			return;
		}
		if (n > 1 && line[0] == '+' && !strcasecmp(command, "IDLE")) {
			answer_out->ok = true;      /* RFC 2177: from here on it idles */
			return;
		}
		note_line(answer_out, line, n);
		while (line_literal(line, n, &octets)) {
			load_skip(c, octets);
			line = must_line(c, command, &n);
		}
	}
}

/* RFC 1939 3: which answers end with a line of one dot. LIST and UIDL do so without an argument only. */
static bool pop3_is_long(const char *command)
{
	return !strcasecmp(command, "LIST") || !strcasecmp(command, "UIDL") || !strncasecmp(command, "RETR ", 5) ||
		!strncasecmp(command, "TOP ", 4) || !strcasecmp(command, "CAPA");
}

void load_pop3(struct load_conn *c, const char *command, struct load_answer *answer_out)
{
	size_t n;

	*answer_out = (struct load_answer){ 0 };
	send_command(c, "", command);
	const char *line = must_line(c, command, &n);
	answer_out->ok = n >= 3 && !memcmp(line, "+OK", 3);
	if (answer_out->ok && pop3_is_long(command)) {
		while (line = must_line(c, command, &n), n != 1 || line[0] != '.')
			note_line(answer_out, line, n);
	} else {
		note_line(answer_out, line, n);
	}
}

void load_login(struct load_conn *c, const char *proto, const char *user, const char *password)
{
	struct load_answer answer;
	char text[COMMAND_MAX];
	size_t n;

	must_line(c, "greeting", &n);
	if (!strncmp(proto, "pop3", 4)) {
		snprintf(text, sizeof text, "USER %s", user);
		load_pop3(c, text, &answer);
		snprintf(text, sizeof text, "PASS %s", password);
		load_pop3(c, text, &answer);
	} else {
		snprintf(text, sizeof text, "LOGIN %s %s", user, password);
		load_imap(c, text, &answer);
	}
	if (!answer.ok)
		load_die("login as %s refused: %s", user, answer.first);
}
