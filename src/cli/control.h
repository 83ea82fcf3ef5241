/* What a running server says of itself: JSON from the local socket in its data directory (app/monitor.h). */
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include "base/err.h"

#include <jansson.h>

/* GET path. The caller decrefs *out. status: of HTTP, 200 or 503 (its body is JSON too). ERR_CLOSED: no server runs there; ERR_DENIED: the socket is
 * another user's; ERR_INVALID: what it says cannot be understood. */
int control_get(const char *dir, const char *path, int *status_out, json_t **out, struct err *e);
/* Members along a path of names, parted by dots: 0, "" when there is none. */
json_int_t control_number(const json_t *j, const char *path);
const char *control_text(const json_t *j, const char *path);

#endif
