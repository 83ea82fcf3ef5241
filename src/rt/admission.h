/* How many connections one address and one user may have at a time. Any thread. Lock: admission.lock, a leaf. */
#ifndef RT_ADMISSION_H
#define RT_ADMISSION_H

#include "base/err.h"
#include "base/map.h"
#include "base/str.h"
#include "rt/net.h"

#include <pthread.h>

struct admission {
	pthread_mutex_t lock;
	struct map *by_addr;
	struct map *by_user;
	unsigned per_addr;
	unsigned per_user;
};

int admission_init(struct admission *a, unsigned per_addr, unsigned per_user);     /* 0 or ERR_NO_MEMORY */
void admission_fini(struct admission *a);
/* 0, ERR_BUSY (too many already) or ERR_NO_MEMORY. Each 0 is undone by one leave. Addresses count by net_addr_peer_key. */
int admission_enter_addr(struct admission *a, const struct net_addr *addr);
void admission_leave_addr(struct admission *a, const struct net_addr *addr);
int admission_enter_user(struct admission *a, struct str user);
void admission_leave_user(struct admission *a, struct str user);
/* What the log says of an error of admission_enter_addr. */
static inline const char *admission_refusal(int code) { return code == ERR_NO_MEMORY ? "out of memory" : "too many from this address"; }

#endif
