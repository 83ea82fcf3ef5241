/* Load for one IMAP or POP3 server on 127.0.0.1, driven by bench/run.
 *
 *     mailload session PROTO PORT USER PASSWORD           commands on stdin, one answer on stdout for each:
 *                                                         OK|NO seconds octets lines client-cpu-seconds first-line
 *     mailload logins  PROTO PORT USER PASSWORD N SECONDS N connections at a time log in and out: prints
 *                                                         logins seconds client-cpu-seconds
 *     mailload idle    PROTO PORT USER PASSWORD N USERS [COMMAND...]
 *                                                         N connections log in, run the commands and stay, over TLS or not,
 *                                                         until stdin ends; prints "ready". In USER, % is a number below USERS.
 *
 * PROTO: imap, imaps; session also knows pop3. */
#include "load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LENGTH 256
#define THREADS_MAX 1024
#define IDLE_HANDS 8                    /* threads that open the idle connections */

struct target {
	const char *proto, *user, *password;
	unsigned port;
	SSL_CTX *tls;
};

struct logins {
	const struct target *to;
	double end;
	unsigned lane;
	uint64_t done;
};

struct idlers {
	const struct target *to;
	struct load_conn *conns;
	unsigned n, users;
	char **commands;
	_Atomic unsigned next;
};

static int session(const struct target *to)
{
	struct load_conn c;
	struct load_answer answer;
	char command[1024];
	void (*ask)(struct load_conn *, const char *, struct load_answer *) = strncmp(to->proto, "pop3", 4) ? load_imap : load_pop3;

	load_open(&c, to->port, 0, to->tls, load_buffer());
	load_login(&c, to->proto, to->user, to->password);
	printf("ready\n");
	fflush(stdout);
	while (fgets(command, sizeof command, stdin)) {
		command[strcspn(command, "\n")] = 0;
		double begin = load_now(), cpu = load_cpu();
		uint64_t octets = c.received;
		ask(&c, command, &answer);
		printf("%s %.6f %llu %llu %.6f %s\n", answer.ok ? "OK" : "NO", load_now() - begin,
			(unsigned long long)(c.received - octets), (unsigned long long)answer.lines, load_cpu() - cpu, answer.first);
		fflush(stdout);
	}
	load_close(&c);
	return 0;
}

static void *log_in_and_out(void *arg)
{
	struct logins *l = arg;
	struct load_answer answer;
	char *buffer = load_buffer();

	while (load_now() < l->end) {
		struct load_conn c;
		load_open(&c, l->to->port, l->lane, l->to->tls, buffer);
		load_login(&c, l->to->proto, l->to->user, l->to->password);
		load_imap(&c, "LOGOUT", &answer);
		load_close(&c);
		l->done++;
	}
	free(buffer);
	return NULL;
}

static int logins(const struct target *to, unsigned n, double seconds)
{
	static struct logins each[THREADS_MAX];
	static pthread_t threads[THREADS_MAX];
	double begin = load_now();
	uint64_t done = 0;

	if (n == 0 || n > THREADS_MAX)
		load_die("1 to %d connections at a time", THREADS_MAX);
	for (unsigned i = 0; i < n; i++) {
		each[i] = (struct logins){ .to = to, .end = begin + seconds, .lane = i };
		if (pthread_create(&threads[i], NULL, log_in_and_out, &each[i]))
			load_die("no thread");
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		done += each[i].done;
	}
	printf("%llu %.6f %.6f\n", (unsigned long long)done, load_now() - begin, load_cpu());
	return 0;
}

static void *open_idle(void *arg)
{
	struct idlers *all = arg;
	struct load_answer answer;
	char *buffer = load_buffer();
	unsigned i;

	while ((i = atomic_fetch_add(&all->next, 1)) < all->n) {
		struct target to = *all->to;
		struct load_conn *c = &all->conns[i];
		char user[NAME_MAX_LENGTH];
		const char *mark = strchr(to.user, '%');
		if (mark) {
			snprintf(user, sizeof user, "%.*s%u%s", (int)(mark - to.user), to.user, i % all->users, mark + 1);
			to.user = user;
		}
		load_open(c, to.port, i, to.tls, buffer);
		load_login(c, to.proto, to.user, to.password);
		for (char **command = all->commands; *command; command++) {
			load_imap(c, *command, &answer);
			if (!answer.ok)
				load_die("refused: %s", *command);
		}
		c->buffer = NULL;
	}
	free(buffer);
	return NULL;
}

static int idle(const struct target *to, unsigned n, unsigned users, char **commands)
{
	struct idlers all = { .to = to, .n = n, .users = users ? users : 1, .commands = commands };
	pthread_t threads[IDLE_HANDS];

	all.conns = calloc(n ? n : 1, sizeof *all.conns);
	if (!all.conns)
		load_die("out of memory");
	for (unsigned i = 0; i < IDLE_HANDS; i++) {
		if (pthread_create(&threads[i], NULL, open_idle, &all))
			load_die("no thread");
	}
	for (unsigned i = 0; i < IDLE_HANDS; i++)
		pthread_join(threads[i], NULL);
	printf("ready\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	for (unsigned i = 0; i < n; i++)
		load_close(&all.conns[i]);
	free(all.conns);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 6)
		load_die("see the head of mailload.c");
	struct target to = { .proto = argv[2], .port = (unsigned)strtoul(argv[3], NULL, 10), .user = argv[4], .password = argv[5] };
	if (!strcmp(to.proto, "imaps"))
		to.tls = load_tls();
	if (!strcmp(argv[1], "session") && argc == 6)
		return session(&to);
	if (!strcmp(argv[1], "logins") && argc == 8)
		return logins(&to, (unsigned)strtoul(argv[6], NULL, 10), strtod(argv[7], NULL));
	if (!strcmp(argv[1], "idle") && argc >= 8)
		return idle(&to, (unsigned)strtoul(argv[6], NULL, 10), (unsigned)strtoul(argv[7], NULL, 10), argv + 8);
	load_die("what is %s?", argv[1]);
}
