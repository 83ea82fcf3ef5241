#include "rt/server_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOCAL_PREFIX STR("unix:")

/* ---- making ---- */

/* "*" is both families in one socket, unless the kernel has no IPv6. */
static int parse_address(const struct listen_spec *spec, struct sockaddr_storage *out, socklen_t *size_out, bool *both_out)
{
	struct str text = str_from_c(spec->address);
	struct net_addr addr;
	memset(out, 0, sizeof(*out));
	*both_out = str_eq(text, STR("*"));
	if (!*both_out && !net_addr_parse(text, 0, &addr))
		return ERR_CONFIG;
	if (!*both_out && net_addr_is_v4(&addr)) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)out;
		v4->sin_family = AF_INET;
		v4->sin_port = htons(spec->port);
		memcpy(&v4->sin_addr, addr.b + 12, 4);
		*size_out = sizeof(*v4);
		return 0;
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(spec->port);
	if (!*both_out)
		memcpy(&v6->sin6_addr, addr.b, sizeof(addr.b));
	*size_out = sizeof(*v6);
	return 0;
}

static int make_socket(struct sockaddr_storage *address, socklen_t *size, bool both)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT && both) {
		in_port_t port = ((struct sockaddr_in6 *)address)->sin6_port;
		memset(address, 0, sizeof(*address));
		address->ss_family = AF_INET;
		((struct sockaddr_in *)address)->sin_port = port;
		*size = sizeof(struct sockaddr_in);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	if (fd < 0)
		return fd;
	int on = 1, only_v6 = !both;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
	/* Accepted sockets inherit both. Answers are gathered before they are sent; peers that vanished are found out. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	return fd;
}

static int bind_failed(struct err *e, int errno_value, const struct listen_spec *spec)
{
	int code = err_from_errno(e, errno_value, "listen on %s port %u", spec->address, spec->port);
	if (errno_value == EADDRINUSE)
		code = err_set(e, ERR_BUSY, NULL, "listen on %s port %u: another program has this port", spec->address, spec->port);
	return code;
}

static int open_socket(const struct listen_spec *spec, int *fd_out, uint16_t *port_out, struct err *e)
{
	struct sockaddr_storage address;
	socklen_t size;
	bool both;
	if (parse_address(spec, &address, &size, &both) < 0)
		return err_set(e, ERR_CONFIG, NULL, "listen on %s: no address", spec->address);
	int fd = make_socket(&address, &size, both);
	if (fd < 0)
		return err_from_errno(e, errno, "listen on %s", spec->address);
	struct net_endpoint bound = { 0 };
	if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, LISTEN_BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
		int r = bind_failed(e, errno, spec);
		close(fd);
		return r;
	}
	net_endpoint_from_sockaddr(&address, &bound);
	if (port_out)
		*port_out = bound.port;
	*fd_out = fd;
	return 0;
}

static int copy_networks(const struct listen_spec *spec, struct listener *l, struct err *e)
{
	if (spec->n_proxy_from == 0)
		return 0;
	l->proxy_from = calloc(spec->n_proxy_from, sizeof(*l->proxy_from));
	if (!l->proxy_from)
		return err_set(e, ERR_NO_MEMORY, NULL, "listener");
	for (; l->proxy_count < spec->n_proxy_from; l->proxy_count++) {
		struct str text = spec->proxy_from[l->proxy_count];
		if (!network_parse(text, &l->proxy_from[l->proxy_count]))
			return err_set(e, ERR_CONFIG, NULL, "%.*s: no network (like 192.0.2.0/24)", STR_ARG(text));
	}
	return 0;
}

int listener_create(const struct listen_spec *spec, unsigned number, struct listener **out, uint16_t *port_out, struct err *e)
{
	struct listener *l = calloc(1, sizeof(*l));
	*out = NULL;
	if (!l)
		return err_set(e, ERR_NO_MEMORY, NULL, "listener");
	l->proto = *spec->proto;
	l->ctx = spec->ctx;
	l->number = number;
	l->tls_first = spec->tls_first;
	l->watches = spec->watches;
	l->fd = -1;
	bool local = str_starts(str_from_c(spec->address), LOCAL_PREFIX);
	int r = copy_networks(spec, l, e);
	if (local && port_out)
		*port_out = 0;
	if (r == 0)
		r = local ? local_socket_listen(spec->address + LOCAL_PREFIX.n, LISTEN_BACKLOG, &l->local, &l->fd, e) : open_socket(spec, &l->fd, port_out, e);
	if (r < 0)
		listener_destroy(&l);
	*out = l;
	return r;
}

void listener_destroy(struct listener **l)
{
	if (!*l)
		return;
	local_socket_remove(&(*l)->local);        /* before it is closed: the next one may come at once */
	if ((*l)->fd >= 0)
		close((*l)->fd);
	free((*l)->proxy_from);
	free(*l);
	*l = NULL;
}

/* ---- accepting ---- */

bool listener_expects_proxy(const struct listener *l, const struct net_addr *peer)
{
	for (size_t i = 0; i < l->proxy_count; i++)
		if (network_has(&l->proxy_from[i], peer))
			return true;
	return false;
}

/* Out of descriptors or memory the connection would stay in the backlog and be reported for ever: takes it and closes it. */
static void refuse_one(struct server *s, struct listener *l, const char *why)
{
	static const struct net_addr unknown;
	pthread_mutex_lock(&s->reserve_lock);
	if (s->reserve_fd >= 0)
		close(s->reserve_fd);
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		close(fd);
	else
		poll(NULL, 0, 10);        /* the reserve is gone too: do not spin */
	s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pthread_mutex_unlock(&s->reserve_lock);
	server_note_refusal(s, &unknown, why);
}

/* Who comes by the file system is of this machine. */
static bool endpoint_from(const struct listener *l, const struct sockaddr_storage *address, struct net_endpoint *out)
{
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };
	if (!l->local.path)
		return net_endpoint_from_sockaddr(address, out);
	*out = (struct net_endpoint){ net_addr_from_v4(loopback), 0 };
	return true;
}

/* False: there are no more at the moment. */
static bool accept_one(struct server *s, struct listener *l)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	struct net_endpoint peer, local;
	int fd = accept4(l->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
		refuse_one(s, l, errno == EMFILE || errno == ENFILE ? "out of file descriptors" : "out of memory");
		return false;
	}
	if (fd < 0)        /* others died on the way: accept(2) */
		return errno != EAGAIN && errno != EINVAL && errno != EBADF;
	bool known = endpoint_from(l, &address, &peer);
	size = sizeof(address);
	known = getsockname(fd, (struct sockaddr *)&address, &size) == 0 && endpoint_from(l, &address, &local) && known;
	if (known && !server_ends(s, l))
		conn_accept(s, l, fd, &peer, &local);
	else
		close(fd);
	return true;
}

void listener_accept(struct server *s, struct listener *l)
{
	for (int i = 0; i < LISTEN_BATCH && accept_one(s, l); i++)
		;
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT, .data.u64 = KEY_LISTENER + l->number };
	if (!server_ends(s, l))
		epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, l->fd, &e);
}

void listener_stop(struct listener *l) { shutdown(l->fd, SHUT_RDWR); }
