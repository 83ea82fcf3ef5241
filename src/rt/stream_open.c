#include "rt/stream_priv.h"

#include "rt/limits.h"
#include "rt/tls_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

struct address {
	struct sockaddr_storage s;
	socklen_t n;
};

static struct address internet_address(const struct net_addr *a, uint16_t port)
{
	struct address out = { .n = sizeof(struct sockaddr_in) };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&out.s;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out.s;
	if (net_addr_is_v4(a)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, a->b + 12, 4);
		return out;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, a->b, sizeof(a->b));
	out.n = sizeof(*v6);
	return out;
}

static bool target_address(const struct stream_target *t, struct address *out)
{
	struct sockaddr_un *local = (struct sockaddr_un *)&out->s;
	if (!t->path) {
		*out = internet_address(&t->peer.addr, t->peer.port);
		return true;
	}
	*out = (struct address){ .n = sizeof(*local) };
	local->sun_family = AF_UNIX;
	return str_copy_c(local->sun_path, sizeof(local->sun_path), str_from_c(t->path));
}

static void target_name(const struct stream_target *t, char *out, size_t size)
{
	char ip[NET_TEXT_MAX];
	net_addr_format(&t->peer.addr, ip);
	if (t->path)
		snprintf(out, size, "%s", t->path);
	else
		snprintf(out, size, net_addr_is_v4(&t->peer.addr) ? "%s:%u" : "[%s]:%u", ip, t->peer.port);
}

/* 0 or an errno value. */
static int bind_source(const struct stream *s, const struct net_addr *source)
{
	struct address from = internet_address(source, 0);
	int on = 1;
	/* The port is chosen at connect, when it need be free for this peer only. */
	setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(s->fd, (struct sockaddr *)&from.s, from.n) == 0 ? 0 : errno;
}

/* 0 or an errno value. */
static int connect_to(const struct stream *s, const struct address *to)
{
	int failed = 0;
	socklen_t n = sizeof(failed);
	if (connect(s->fd, (const struct sockaddr *)&to->s, to->n) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	int r = stream_wait(s, POLLOUT);
	if (r < 0)
		return r == ERR_TIMEOUT ? ETIMEDOUT : r == ERR_CLOSED ? ECANCELED : errno;
	return getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &failed, &n) == 0 ? failed : errno;
}

static int open_socket(struct stream *s, const struct stream_target *t, const struct address *to, struct err *e)
{
	char name[128];
	int on = 1;
	target_name(t, name, sizeof(name));
	s->fd = socket(to->s.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return err_set(e, ERR_IO, NULL, "socket for %s: %s", name, strerrordesc_np(errno));
	if (!t->path)
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	int failed = t->source && !t->path ? bind_source(s, t->source) : 0;
	if (failed)
		return err_set(e, ERR_IO, NULL, "source address for %s: %s", name, strerrordesc_np(failed));
	failed = connect_to(s, to);
	if (failed)
		return err_set(e, failed == ETIMEDOUT ? ERR_TIMEOUT : failed == ECANCELED ? ERR_CLOSED : ERR_IO, NULL, "connect to %s: %s", name, strerrordesc_np(failed));
	return 0;
}

static struct stream *new_stream(int fd, const _Atomic bool *cancel, struct err *e)
{
	struct stream *s = calloc(1, sizeof(*s));
	if (!s) {
		err_set(e, ERR_NO_MEMORY, NULL, "connection");
		return NULL;
	}
	buf_init(&s->out, STREAM_OUT + STREAM_PRINTF_MAX);
	s->fd = fd;
	s->cancel = cancel;
	s->timeout_ms = STREAM_TIMEOUT_MS;
	return s;
}

int stream_adopt(int fd, const _Atomic bool *cancel, struct stream **out, struct err *e)
{
	*out = new_stream(fd, cancel, e);
	if (*out)
		return 0;
	close(fd);
	return ERR_NO_MEMORY;
}

int stream_connect(const struct stream_target *t, struct stream **out, struct err *e)
{
	struct address to;
	*out = NULL;
	if (!target_address(t, &to))
		return err_set(e, ERR_INVALID, NULL, "path of a local socket is too long: %s", t->path);
	struct stream *s = new_stream(-1, t->cancel, e);
	if (!s)
		return ERR_NO_MEMORY;
	s->timeout_ms = t->timeout_ms ? t->timeout_ms : STREAM_CONNECT_MS;
	int r = open_socket(s, t, &to, e);
	s->timeout_ms = STREAM_TIMEOUT_MS;
	if (r < 0)
		stream_close(&s);
	*out = s;
	return r;
}

void stream_close(struct stream **s)
{
	struct stream *gone = *s;
	*s = NULL;
	if (!gone)
		return;
	if (gone->tls)
		tls_conn_end(gone->tls);
	tls_conn_destroy(&gone->tls);
	if (gone->fd >= 0)
		close(gone->fd);
	buf_fini(&gone->in);
	buf_fini(&gone->ahead);
	buf_fini(&gone->out);
	free(gone);
}

/* ---- TLS ---- */

static int shake_hands(struct stream *s, struct tls_conn *t, struct tls_client_result *out)
{
	while (!stream_is_late(s)) {
		enum tls_io io = tls_conn_handshake(t);
		if (io != TLS_WANT_READ && io != TLS_WANT_WRITE)
			return tls_stream_outcome(t, io, out);
		int r = stream_wait(s, io == TLS_WANT_READ ? POLLIN : POLLOUT);
		if (r < 0)
			return r;
	}
	return ERR_TIMEOUT;
}

int stream_start_tls(struct stream *s, const struct tls_client_policy *p, struct tls_client_result *out, struct err *e)
{
	struct tls_conn *t = NULL;
	*out = (struct tls_client_result){ .failure = "validation-failure" };
	int r = stream_flush(s);
	/* RFC 3207 6: what came in plain would be taken as said under TLS. */
	if (r == 0 && (s->tls || stream_has_pending(s))) {
		snprintf(out->detail, sizeof(out->detail), "%s", s->tls ? "TLS within TLS" : "the peer sent bytes before the handshake");
		r = ERR_INVALID;
	}
	if (r == 0)
		r = tls_stream_create(s->fd, p, &t, out);
	if (r == 0)
		r = shake_hands(s, t, out);
	if (r == 0) {
		s->tls = t;
		return 0;
	}
	tls_conn_destroy(&t);
	if (out->detail[0] == '\0')
		snprintf(out->detail, sizeof(out->detail), "%s within the handshake", err_text(r));
	return err_set(e, r, NULL, "TLS: %s: %s", out->failure, out->detail);
}

bool stream_has_tls(const struct stream *s) { return s->tls != NULL; }

struct net_endpoint stream_local(const struct stream *s)
{
	struct sockaddr_storage address = { 0 };
	struct net_endpoint local = { 0 };
	socklen_t n = sizeof(address);
	if (getsockname(s->fd, (struct sockaddr *)&address, &n) == 0)
		net_endpoint_from_sockaddr(&address, &local);
	return local;
}
