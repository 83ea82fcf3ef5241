/* What rt itself costs: memory of parked connections and commands a second beside them.
 *
 *     rt_bench [--parked N] [--active N] [--seconds N] [--session BYTES] [--tls]
 *
 * The server is a child of its own, so that its memory can be read; the parent is all clients. The protocol answers each
 * line with a short one. --tls: everything over TLS (implicit). */
#include "base/clock.h"
#include "base/num.h"
#include "rt/server.h"
#include "rt/tls.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
	uint64_t parked, active, seconds, session, tls;
};

/* ---- the server ---- */

static enum conn_next run(struct conn *c, void *session, void *ctx, enum conn_event event)
{
	struct str line;
	(void)session, (void)ctx;
	if (event == CONN_OPEN) {
		conn_write_lit(c, "* OK ready\r\n");
		conn_want_line(c, 8192);
		conn_set_timeout(c, (uint64_t)30 * 60 * 1000);
	}
	while (conn_take_line(c, &line, NULL) == 1)
		conn_write_lit(c, "a1 OK NOOP completed\r\n");
	return event == CONN_DRAIN ? CONN_CLOSE : CONN_PARK;
}

static void fini(struct conn *c, void *session, void *ctx) { (void)c, (void)session, (void)ctx; }

static struct server *running;
static void on_term(int signal_number)
{
	(void)signal_number;
	server_stop(running);        // NOLINT(bugprone-signal-handler,cert-sig30-c): server.h permits it
}

static void set_certificate(struct server *s, const char *dir)
{
	struct str name = STR("localhost");
	struct tls_context *context;
	struct err e;
	char cert[256], key[256];
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	struct tls_identity id = { cert, key };
	if (tls_self_signed(&name, 1, 1, cert, key, &e) < 0 ||
	    tls_context_create(&(struct tls_options){ .identities = &id, .n_identities = 1 }, &context, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.log);
		_exit(1);
	}
	server_set_tls(s, context);
	tls_context_unref(&context);
	unlink(cert);
	unlink(key);
}

static void serve(const struct options *o, int port_fd, const char *dir)
{
	struct conn_proto proto = { .name = "bench", .session_size = o->session, .run = run, .fini = fini };
	struct server_config config = { .conns_max = 100000 };
	struct listen_spec spec = { .proto = &proto, .address = "127.0.0.1", .tls_first = o->tls };
	struct err e;
	uint16_t port;
	log_setup(LOG_TEXT, LOG_WARN, 2);
	if (server_create(&config, &running, &e) < 0 || server_listen(running, &spec, &port, &e) < 0)
		_exit(1);
	if (o->tls)
		set_certificate(running, dir);
	signal(SIGTERM, on_term);
	if (write(port_fd, &port, sizeof(port)) != sizeof(port))
		_exit(1);
	server_run(running, &e);
	server_destroy(&running);
	_exit(0);
}

/* Proportional set size of a process in KB. */
static uint64_t pss_kb(pid_t pid)
{
	char path[64], line[256];
	uint64_t kb = 0;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		struct str rest;
		if (str_starts(str_from_c(line), STR("Pss:")) && str_cut(str_trim(str_from(str_from_c(line), 4)), ' ', &rest, &(struct str){ 0 }))
			num_parse_u64(rest, &kb);
	}
	if (f)
		(void)fclose(f);
	return kb;
}

/* ---- the clients ---- */

struct client {
	int fd;
	SSL *ssl;
};

static SSL_CTX *client_context;

static ssize_t client_read(struct client *c, char *p, size_t n) { return c->ssl ? SSL_read(c->ssl, p, (int)n) : recv(c->fd, p, n, 0); }
static ssize_t client_write(struct client *c, const char *p, size_t n) { return c->ssl ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL); }

static void client_connect(struct client *c, uint16_t port, bool tls)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char greeting[128];
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("connect");
		exit(1);
	}
	c->ssl = tls ? SSL_new(client_context) : NULL;
	if (c->ssl) {
		SSL_set_fd(c->ssl, c->fd);
		if (SSL_connect(c->ssl) != 1)
			exit(1);
	}
	if (client_read(c, greeting, sizeof(greeting)) <= 0)
		exit(1);
}

struct load {
	struct client client;
	uint64_t until_ms;
	uint64_t commands;
};

static void *load_main(void *arg)
{
	struct load *l = arg;
	char answer[128];
	while (clock_mono_ms() < l->until_ms) {
		if (client_write(&l->client, "a1 NOOP\r\n", 9) != 9 || client_read(&l->client, answer, sizeof(answer)) <= 0)
			break;
		l->commands++;
	}
	return NULL;
}

static uint64_t measure_commands(const struct options *o, uint16_t port)
{
	struct load *loads = calloc(o->active, sizeof(*loads));
	pthread_t *threads = calloc(o->active, sizeof(*threads));
	uint64_t total = 0;
	for (uint64_t i = 0; i < o->active; i++)
		client_connect(&loads[i].client, port, o->tls);
	for (uint64_t i = 0; i < o->active; i++) {
		loads[i].until_ms = clock_mono_ms() + o->seconds * 1000;
		pthread_create(&threads[i], NULL, load_main, &loads[i]);
	}
	for (uint64_t i = 0; i < o->active; i++) {
		pthread_join(threads[i], NULL);
		total += loads[i].commands;
	}
	free(loads);
	free(threads);
	return total / (o->seconds ? o->seconds : 1);
}

static void measure(const struct options *o, uint16_t port, pid_t server)
{
	struct client warm, *parked = calloc(o->parked + 1, sizeof(*parked));
	char answer[128];
	client_context = SSL_CTX_new(TLS_client_method());
	client_connect(&warm, port, o->tls);
	usleep(200000);
	uint64_t before = pss_kb(server), begin = clock_mono_us();
	for (uint64_t i = 0; i < o->parked; i++)
		client_connect(&parked[i], port, o->tls);
	uint64_t connect_us = clock_mono_us() - begin;
	for (uint64_t i = 0; i < o->parked; i++)
		if (client_write(&parked[i], "a1 NOOP\r\n", 9) != 9 || client_read(&parked[i], answer, sizeof(answer)) <= 0)
			exit(1);
	usleep(500000);
	uint64_t after = pss_kb(server);
	if (o->parked > 0)
		printf("%llu parked%s connections: %.2f KB each (PSS %llu -> %llu KB), %.0f accepted a second\n", (unsigned long long)o->parked,
		       o->tls ? " TLS" : "", ((double)after - (double)before) / (double)o->parked, (unsigned long long)before, (unsigned long long)after,
		       (double)o->parked * 1e6 / (double)connect_us);
	if (o->active > 0)
		printf("%llu active beside them: %llu commands a second\n", (unsigned long long)o->active, (unsigned long long)measure_commands(o, port));
	free(parked);
}

static bool take_option(int argc, char **argv, int *i, const char *name, uint64_t *out)
{
	if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc || !num_parse_u64(str_from_c(argv[*i + 1]), out))
		return false;
	++*i;
	return true;
}

int main(int argc, char **argv)
{
	struct options o = { .parked = 1000, .active = 64, .seconds = 3, .session = 1024 };
	char dir[] = "/tmp/rt-bench.XXXXXX";
	int ends[2];
	uint16_t port = 0;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--tls") == 0) {
			o.tls = 1;
		} else if (!take_option(argc, argv, &i, "--parked", &o.parked) && !take_option(argc, argv, &i, "--active", &o.active) &&
		           !take_option(argc, argv, &i, "--seconds", &o.seconds) && !take_option(argc, argv, &i, "--session", &o.session)) {
			(void)fprintf(stderr, "usage: rt_bench [--parked N] [--active N] [--seconds N] [--session BYTES] [--tls]\n");
			return 2;
		}
	}
	struct rlimit files = { 200000, 200000 };
	setrlimit(RLIMIT_NOFILE, &files);
	if (!mkdtemp(dir) || pipe(ends) < 0)
		return 1;
	pid_t server = fork();
	if (server == 0)
		serve(&o, ends[1], dir);
	if (server < 0 || read(ends[0], &port, sizeof(port)) != sizeof(port))
		return 1;
	measure(&o, port, server);
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	rmdir(dir);
	return 0;
}
