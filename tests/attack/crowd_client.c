/* A crowd of IMAP connections, all held by one process until it is ended: those that never read the greeting, those that stop in the middle of a ClientHello,
 * those that log in and say IDLE, and those that send garbage, an octet now and then. Whose handshake is cut off comes again. Runs in the guest of fifty_thousand.py.
 * A line of figures comes out each second; opened=all says that every connection has been where it should be, or was cut off on the way.
 * Usage: crowd_client IMAP-PORT IMAPS-PORT USER PASSWORD SILENT HELLO IDLE GARBAGE */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define UNDER_WAY 256                /* connections that are not yet where they should be: fewer than the listener's backlog */
#define PER_ADDRESS 8000             /* connections from one of our addresses, so that ports suffice */
#define FIRST_ADDRESS 0x7f010001u    /* 127.1.0.1 */
#define GARBAGE_MS 60000             /* how often each of those that send garbage sends an octet */
#define AGAIN_A_SECOND 200           /* how many of those whose handshake was cut off come again */
#define EVENTS 512

enum kind { SILENT, HELLO, IDLE, GARBAGE, KINDS };
static const char *const kind_names[KINDS] = { "silent", "hello", "idle", "garbage" };

struct member {
	int fd;
	uint8_t kind;
	bool held;           /* it is where it should be */
	bool settled;        /* it once was, or was cut off */
	bool told;           /* of a new message, in IDLE */
};

struct crowd {
	int epoll;
	in_port_t port, tls_port;
	const char *words;   /* what those in IDLE say */
	struct member *members;
	uint32_t wanted[KINDS], all, opened, settled;
	uint32_t next_again;
	uint32_t held[KINDS], cut[KINDS], refused, told;
	uint32_t next_garbage;
	char refusal[200];
};

/* The head of a record that announces 512 octets, of a ClientHello of 508 (RFC 8446 5.1, 4.1.2): the rest never comes. */
static const uint8_t half_hello[100] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03 };

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "crowd_client: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The kinds come mixed, each in proportion to what is still wanted of it. */
static enum kind next_kind(struct crowd *c, const uint32_t *opened)
{
	enum kind best = SILENT;
	double most = -1;
	for (int k = 0; k < KINDS; k++) {
		double left = c->wanted[k] ? (double)(c->wanted[k] - opened[k]) / c->wanted[k] : -1;
		if (left > most) {
			most = left;
			best = (enum kind)k;
		}
	}
	return best;
}

static void settle(struct crowd *c, struct member *m)
{
	c->settled += !m->settled;
	m->settled = true;
}

static void hold(struct crowd *c, struct member *m)
{
	settle(c, m);
	c->held[m->kind] += !m->held;
	m->held = true;
}

static void lose(struct crowd *c, struct member *m)
{
	settle(c, m);
	c->held[m->kind] -= m->held;
	c->cut[m->kind]++;
	m->held = false;
	close(m->fd);
	m->fd = -1;
}

static void join(struct crowd *c, uint32_t index)
{
	struct member *m = &c->members[index];
	m->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (m->fd < 0)
		die("socket");
	setsockopt(m->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){ 1 }, sizeof(int));
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(FIRST_ADDRESS + index / PER_ADDRESS) };
	if (bind(m->fd, (struct sockaddr *)&from, sizeof from) < 0)
		die("bind");
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(m->kind == HELLO ? c->tls_port : c->port) };
	if (connect(m->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
		die("connect");
	struct epoll_event e = { .events = EPOLLOUT, .data.u32 = index };
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, m->fd, &e) < 0)
		die("epoll_ctl");
}

/* The connection stands: say what is to be said, and wait for what there is to wait for. */
static void connected(struct crowd *c, uint32_t index)
{
	struct member *m = &c->members[index];
	struct epoll_event e = { .events = EPOLLRDHUP, .data.u32 = index };
	ssize_t n = 0;
	if (m->kind == HELLO)
		n = send(m->fd, half_hello, sizeof half_hello, MSG_NOSIGNAL);
	if (m->kind == IDLE) {
		n = send(m->fd, c->words, strlen(c->words), MSG_NOSIGNAL);
		e.events |= EPOLLIN;
	}
	if (n < 0 || epoll_ctl(c->epoll, EPOLL_CTL_MOD, m->fd, &e) < 0)
		lose(c, m);
	else if (m->kind != IDLE)
		hold(c, m);
}

/* An answer of those in IDLE. It is short, and the server writes it in one piece. */
static void hear(struct crowd *c, struct member *m)
{
	char text[8192];
	ssize_t n = read(m->fd, text, sizeof text - 1);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			lose(c, m);
		return;
	}
	text[n] = 0;
	if (strncmp(text, "+ ", 2) == 0 || strstr(text, "\n+ "))
		hold(c, m);
	else if (m->held && !m->told && strstr(text, " EXISTS\r\n")) {
		m->told = true;
		c->told++;
	} else if (!m->held && (strstr(text, " NO ") || strstr(text, " BAD ") || strstr(text, "* BYE"))) {
		if (!c->refused++)
			snprintf(c->refusal, sizeof c->refusal, "%.*s", (int)strcspn(text, "\r\n"), text);
		lose(c, m);
	}
}

static void event(struct crowd *c, const struct epoll_event *e)
{
	struct member *m = &c->members[e->data.u32];
	if (m->fd < 0)
		return;
	if (e->events & EPOLLIN)
		hear(c, m);
	else if (e->events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP))
		lose(c, m);
	else if (e->events & EPOLLOUT)
		connected(c, e->data.u32);
}

/* Their share of octets for so many milliseconds. */
static void send_garbage(struct crowd *c, int64_t ms)
{
	uint32_t share = (uint32_t)((int64_t)c->opened * ms / GARBAGE_MS) + 1;
	for (uint32_t i = 0; i < share && c->opened; i++) {
		struct member *m = &c->members[c->next_garbage++ % c->opened];
		if (m->fd >= 0 && m->held && m->kind == GARBAGE)
			send(m->fd, &(uint8_t){ (uint8_t)(random() % 254 + 1) }, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

/* Some of those whose handshake was cut off. */
static void come_again(struct crowd *c)
{
	uint32_t again = 0;
	for (uint32_t i = 0; i < c->opened && again < AGAIN_A_SECOND; i++) {
		uint32_t index = c->next_again++ % c->opened;
		if (c->members[index].fd < 0 && c->members[index].kind == HELLO) {
			join(c, index);
			again++;
		}
	}
}

static void report(const struct crowd *c)
{
	printf("opened=%s", c->settled == c->all ? "all" : "some");
	for (int k = 0; k < KINDS; k++)
		printf(" %s=%u %s_cut=%u", kind_names[k], c->held[k], kind_names[k], c->cut[k]);
	printf(" settled=%u told=%u refused=%u %s\n", c->settled, c->told, c->refused, c->refusal);
	fflush(stdout);
}

static void gather(struct crowd *c)
{
	struct epoll_event events[EVENTS];
	uint32_t opened[KINDS] = { 0 };
	int64_t told = now_ms(), sent = told;
	for (;;) {
		while (c->opened < c->all && c->opened - c->settled < UNDER_WAY) {
			enum kind kind = next_kind(c, opened);
			opened[kind]++;
			c->members[c->opened].kind = (uint8_t)kind;
			join(c, c->opened++);
		}
		int n = epoll_wait(c->epoll, events, EVENTS, 100);
		for (int i = 0; i < n; i++)
			event(c, &events[i]);
		int64_t now = now_ms();
		if (now - sent >= 100) {
			send_garbage(c, now - sent);
			sent = now;
		}
		if (now - told >= 1000) {
			report(c);
			come_again(c);
			told = now;
		}
	}
}

int main(int argc, char **argv)
{
	char words[512];
	if (argc != 5 + KINDS) {
		fprintf(stderr, "usage: crowd_client IMAP-PORT IMAPS-PORT USER PASSWORD SILENT HELLO IDLE GARBAGE\n");
		return 2;
	}
	struct crowd c = { .epoll = epoll_create1(EPOLL_CLOEXEC), .port = (in_port_t)strtoul(argv[1], NULL, 10), .tls_port = (in_port_t)strtoul(argv[2], NULL, 10), .words = words };
	snprintf(words, sizeof words, "a LOGIN %s \"%s\"\r\nb SELECT INBOX\r\nc IDLE\r\n", argv[3], argv[4]);
	for (int k = 0; k < KINDS; k++) {
		c.wanted[k] = (uint32_t)strtoul(argv[5 + k], NULL, 10);
		c.all += c.wanted[k];
	}
	c.members = calloc(c.all + 1, sizeof *c.members);
	if (!c.members)
		die("memory");
	gather(&c);
}
