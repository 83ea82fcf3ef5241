/* One dialogue with a server on loopback, played from standard input: "> TEXT" is sent as a line; "< START" waits for a line that begins so. Prints how many
 * milliseconds it took; ends with 1, showing what was heard, when the server closes or says nothing for SECONDS.
 * Usage: talk PORT SECONDS <DIALOGUE */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define HEARD_MAX 4000

static char heard[HEARD_MAX];
static size_t heard_len;

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Connected, or -1. */
static int dial(in_port_t port, time_t seconds)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_sec = seconds };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	return connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ? -1 : fd;
}

static int await(FILE *server, const char *start)
{
	char line[4096];
	while (fgets(line, sizeof line, server)) {
		if (strncmp(line, start, strlen(start)) == 0)
			return 0;
		int n = snprintf(heard + heard_len, sizeof heard - heard_len, "%s", line);
		heard_len = heard_len + (size_t)n < sizeof heard ? heard_len + (size_t)n : sizeof heard - 1;
	}
	fprintf(stderr, "waited for \"%s\", heard:\n%s", start, heard);
	return -1;
}

int main(int argc, char **argv)
{
	char line[4096];
	int64_t begin = now_ms();
	if (argc != 3)
		return 2;
	int fd = dial((in_port_t)strtoul(argv[1], NULL, 10), strtol(argv[2], NULL, 10));
	FILE *server = fd < 0 ? NULL : fdopen(fd, "r");
	if (!server) {
		perror("talk");
		return 1;
	}
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "> ", 2) == 0 && dprintf(fd, "%s\r\n", line + 2) < 0)
			return 1;
		if (strncmp(line, "< ", 2) == 0 && await(server, line + 2) < 0)
			return 1;
	}
	fclose(server);
	printf("%lld\n", (long long)(now_ms() - begin));
	return 0;
}
