/* The PROXY header, versions 1 and 2, that a load balancer sends before everything else (haproxy's proxy-protocol.txt, whose
 * sections are cited). A pure parser of foreign bytes. Any thread. */
#ifndef RT_PROXY_H
#define RT_PROXY_H

#include "base/str.h"
#include "rt/limits.h"
#include "rt/net.h"

#include <stdbool.h>

struct proxy_header {
	size_t size;                   /* bytes of the header; what follows is the client's */
	bool has_addresses;            /* false: LOCAL, UNKNOWN or a family we do not use; the real ones hold */
	struct net_endpoint from;      /* the client */
	struct net_endpoint to;        /* what it connected to */
};

/* 1: done; 0: not all there yet (never at PROXY_HEADER_MAX bytes or more); ERR_INVALID: no header, or a broken one. */
int proxy_parse(struct str bytes, struct proxy_header *out);

#endif
