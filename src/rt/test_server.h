/* For the tests of this room: a server with a line protocol on loopback, and a plain or TLS client. Not for two threads at
 * once, except where said. */
#ifndef RT_TEST_SERVER_H
#define RT_TEST_SERVER_H

#include "base/buf.h"
#include "rt/conn.h"
#include "rt/server.h"
#include "rt/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define PATIENCE_S 60        /* what has not come then is taken for lost; a busy machine does not come near it */

/* What the sessions of the test protocol share. Each line is a command:
 *   echo TEXT       TEXT
 *   size            the sizes of the pending input
 *   any N           takes the next N bytes as they come: "got N CRC"
 *   write N / large N / burst N     N bytes 'x' by conn_write, conn_write_large, many small conn_write; then "done"
 *   timeout MS      conn_set_timeout; on silence: "timeout"
 *   nothing MS      wants nothing for so long, then "rested"
 *   max N           lines of at most N bytes; a longer one: "toobig HEAD-SIZE"
 *   user NAME       "ok" or "busy"
 *   who             peer address and port, local address and port
 *   tls             version, cipher and server name
 *   bind            both channel bindings in hexadecimal
 *   starttls        "go", then the handshake
 *   compress        "go", then DEFLATE both ways; or "no"
 *   plain           "plain", then no more of it
 *   subscribe       every wake that finds more news answers "news N"; see test_publish
 *   sleep MS        keeps the worker
 *   work MS         the same, as a command that is seen from outside: "worked"
 *   hold            the same, until test_let_go: "held"
 *   quit            "bye" and the end */
struct test_server {
	struct server *server;
	pthread_t thread;
	uint16_t port;               /* of the plain listener */
	uint16_t tls_port;           /* of the one with implicit TLS; 0: none */
	uint16_t proxy_port;         /* PROXY header expected from loopback */
	uint16_t tls_proxy_port;
	char watch_path[64];         /* a local socket for who watches, in configurations with slow_ms; else "" */
	int result;
	_Atomic int opened, closed, running_twice;
	_Atomic bool let_go;
	_Atomic uint64_t news;
	pthread_mutex_t lock;        /* subscribers */
	struct conn *subscribers[64];
	size_t subscriber_count;
};

/* Starts it; config may be NULL, identities may be none. Times that are not given are long. Fails the test when it cannot. */
void test_server_start(struct test_server *t, const struct server_config *config, const struct tls_options *tls);
void test_server_stop(struct test_server *t);        /* waits for the end */
/* Raises news and wakes all subscribers. Any thread. */
void test_publish(struct test_server *t);
/* Ends all that holds, now and later. Any thread. */
void test_let_go(struct test_server *t);
/* Waits until so many workers are at work at the same moment; fails the test when it does not come. */
void test_wait_busy(struct test_server *t, unsigned workers);
/* Certificate files for these names in a new directory. */
struct tls_identity test_identity(const char *names);
void test_identity_remove(struct tls_identity *id);

struct client;
struct client *client_open(uint16_t port);
struct client *client_open_local(const char *path);
/* Handshake on an open connection. version: 0 any, else like 0x0303. session: NULL, or one from client_session. */
bool client_start_tls(struct client *c, int version, const char *server_name, void *session);
void client_close(struct client **c);
void client_half_close(struct client *c);
int client_fd(struct client *c);
/* Right after client_open: what it does not read stays with the server, but for some 100 KB; else the kernel makes room for as much as the machine's limits
 * allow, which may be all of it. */
void client_take_little(struct client *c);
void client_send(struct client *c, const char *text);
void client_send_bytes(struct client *c, const void *p, size_t n);
/* The next line without its end, within PATIENCE_S; NULL at the end of stream. Lives until the next call. */
const char *client_line(struct client *c);
/* Fails the test unless the next line is this. */
void client_expect(struct client *c, const char *line);
void client_expect_end(struct client *c);
/* Takes exactly n bytes that are all `byte`. */
void client_expect_run(struct client *c, size_t n, char byte);
bool client_resumed(struct client *c);
void *client_session(struct client *c);              /* after some input; free with client_session_free */
void client_session_free(void *session);
/* The common name of the server's certificate, and both channel bindings as "exporter end-point" in hexadecimal. */
void client_common_name(struct client *c, char *out, size_t size);
void client_bindings(struct client *c, struct buf *out);

#endif
