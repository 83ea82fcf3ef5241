/* Listening sockets in the file system: unix(7). Any thread. */
#ifndef RT_LOCAL_SOCKET_H
#define RT_LOCAL_SOCKET_H

#include "base/err.h"

#include <sys/types.h>
#include <time.h>

struct local_socket {
	char *path;
	dev_t dev;        /* of the file that was made */
	ino_t ino;
	struct timespec made;        /* its ctime: the number is soon used again */
};

/* Binds and listens; only the owner may connect (mode 0600). A socket of that name that nobody listens on any more, as a kill leaves it, is replaced.
 * ERR_BUSY: somebody listens there. ERR_EXISTS: something else has the name. The path may be longer than sun_path is. */
int local_socket_listen(const char *path, int backlog, struct local_socket *out, int *fd_out, struct err *e);
/* Removes the file, unless it is another's by now; *l is empty then. */
void local_socket_remove(struct local_socket *l);
/* Connects: a blocking descriptor, or -1 with errno. */
int local_socket_connect(const char *path);

#endif
