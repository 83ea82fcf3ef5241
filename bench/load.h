/* A client's connection that reads as fast as it can and understands as little as it must: lines and octet counts.
 *
 * Each is used by one thread. There is no error handling to speak of: a load generator that cannot go on says why and
 * exits with status 1. Deadlines are the caller's (bench/run ends what takes too long). */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONN_BUFFER ((size_t)4 << 20)   /* the longest line: what SORT and THREAD answer for 100,000 messages */
#define CONN_READ ((size_t)256 << 10)   /* read at most at once */
#define LOAD_FIRST_MAX 1000

struct load_conn {
	int fd;
	SSL *ssl;                           /* NULL: plain */
	char *buffer;                       /* CONN_BUFFER octets, the caller's, so that idle connections can share one */
	size_t at, end;
	uint64_t received;                  /* octets of answers so far */
};

/* Prints "load: " and the message, exits with status 1. */
__attribute__((format(printf, 1, 2), noreturn)) void load_die(const char *format, ...);

double load_now(void);                  /* seconds, monotonic */
double load_cpu(void);                  /* seconds of user and system time of this process */
char *load_buffer(void);                /* CONN_BUFFER octets */

/* Connects to 127.0.0.1:port. lane chooses the source address (127.0.1.x), so that many short connections do not run out
 * of ports. tls: NULL, or the context of load_tls(): the handshake is done when it returns. */
void load_open(struct load_conn *c, unsigned port, unsigned lane, SSL_CTX *tls, char *buffer);
void load_close(struct load_conn *c);
SSL_CTX *load_tls(void);                /* verifies nothing, resumes nothing: every handshake is a whole one */

void load_send(struct load_conn *c, const char *data, size_t n);

/* The next line, without its line end; lives until the next call on c. NULL at the end of the stream. */
const char *load_line(struct load_conn *c, size_t *length_out);
void load_skip(struct load_conn *c, uint64_t octets);

/* An answer: how many untagged lines (IMAP) or lines of a long answer (POP3), and the beginning of the first. */
struct load_answer {
	bool ok;
	uint64_t lines;
	char first[LOAD_FIRST_MAX];
};

/* Sends one command (no tag, no line end) and reads the whole answer. answer_out->ok: the server said OK or +OK. */
void load_imap(struct load_conn *c, const char *command, struct load_answer *answer_out);
void load_pop3(struct load_conn *c, const char *command, struct load_answer *answer_out);

/* Reads the greeting and logs in; proto begins with imap or pop3. */
void load_login(struct load_conn *c, const char *proto, const char *user, const char *password);

#endif
