/* Senders of mail that tell what was acknowledged: each sends one message after another by SMTP, to a user here or, every fifth, to one elsewhere, and writes
 * "kept ID" or "queued ID" to EVENTS once the server has said 250. Runs until it is killed. A message tells its ID and how many lines it has; each line tells both again.
 * Usage: mail_client PORT SENDERS LABEL USER@DOMAIN EVENTS */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SENDERS_MAX 64
#define ELSEWHERE 5                  /* every so many messages one for the queue */

struct work {
	in_port_t port;
	const char *label, *user;
	int events;
};

struct sender {
	const struct work *work;
	unsigned number;
	pthread_t thread;
	FILE *in, *out;
	const char *ended;           /* why */
};

static bool dial(struct sender *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(s->work->port) };
	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		return false;
	s->in = fdopen(fd, "r");
	s->out = fdopen(dup(fd), "w");
	return s->in && s->out;
}

/* True: the answer's last line begins with that code. */
static bool answered(struct sender *s, const char *code)
{
	char line[2000];
	fflush(s->out);
	do
		if (!fgets(line, sizeof line, s->in))
			return false;
	while (strlen(line) > 3 && line[3] == '-');
	return strncmp(line, code, 3) == 0;
}

static unsigned lines_of(unsigned seed)
{
	static const unsigned sizes[] = { 1, 30, 30, 130, 4000 };
	return sizes[(seed * 2654435761u >> 16) % (sizeof sizes / sizeof sizes[0])];
}

static bool send_one(struct sender *s, unsigned n)
{
	bool here = n % ELSEWHERE != 0;
	unsigned lines = lines_of(n * SENDERS_MAX + s->number);
	char id[100], event[200];
	snprintf(id, sizeof id, "%s-%u-%u", s->work->label, s->number, n);
	fprintf(s->out, "MAIL FROM:<x@example.net>\r\n");
	if (!answered(s, "250"))
		return false;
	if (here)
		fprintf(s->out, "RCPT TO:<%s>\r\n", s->work->user);
	else
		fprintf(s->out, "RCPT TO:<%s@far.example>\r\n", id);
	if (!answered(s, "250"))
		return false;
	fprintf(s->out, "DATA\r\n");
	if (!answered(s, "354"))
		return false;
	fprintf(s->out, "Subject: %s\r\nX-Cut: %s %u\r\n\r\n", id, id, lines);
	for (unsigned i = 0; i < lines; i++)
		fprintf(s->out, "%s %u the quick brown fox jumps over the lazy dog in the dark\r\n", id, i);
	fprintf(s->out, ".\r\n");
	if (!answered(s, "250"))
		return false;
	int len = snprintf(event, sizeof event, "%s %s\n", here ? "kept" : "queued", id);
	return write(s->work->events, event, (size_t)len) == len;
}

static const char *deliver(struct sender *s)
{
	if (!dial(s) || !answered(s, "220"))
		return "no greeting";
	fprintf(s->out, "EHLO client.example.net\r\n");
	if (!answered(s, "250"))
		return "no EHLO";
	for (unsigned n = 1;; n++)
		if (!send_one(s, n))
			return "a message was refused";
}

static void *run(void *arg)
{
	struct sender *s = arg;
	s->ended = deliver(s);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sender senders[SENDERS_MAX];
	if (argc != 6)
		return 2;
	struct work work = { (in_port_t)strtoul(argv[1], NULL, 10), argv[3], argv[4], open(argv[5], O_WRONLY | O_CLOEXEC) };
	unsigned many = (unsigned)strtoul(argv[2], NULL, 10);
	if (work.events < 0 || many > SENDERS_MAX) {
		perror(argv[5]);
		return 1;
	}
	for (unsigned i = 0; i < many; i++) {
		senders[i] = (struct sender){ .work = &work, .number = i };
		if (pthread_create(&senders[i].thread, NULL, run, &senders[i]))
			return 1;
	}
	for (unsigned i = 0; i < many; i++) {
		pthread_join(senders[i].thread, NULL);
		fprintf(stderr, "sender %u: %s\n", i, senders[i].ended);
	}
	return 1;
}
