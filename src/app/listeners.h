/* What the server listens on by its configuration, and what of that the world may be told. Pure; any thread. */
#ifndef APP_LISTENERS_H
#define APP_LISTENERS_H

#include "app/config.h"

/* The listeners configured, or the standard ones: without lmtp, and with http and https only where certificates or policies need them. Lives as long as
 * c. */
const struct app_listen *app_listeners(const struct app_config *c, unsigned *n_out);
/* The port at which clients elsewhere reach a protocol: the standard one if it is among them. 0: none. What listens on loopback alone is for the machine
 * itself, or, where connections come through a proxy, for that: then the standard port is taken to be the proxy's. */
uint16_t app_offered_port(const struct app_config *c, enum app_proto p);

#endif
