/* One screen of `troika top`, as text: what two looks at the server tell. Pure. */
#ifndef CLI_TOP_SCREEN_H
#define CLI_TOP_SCREEN_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

enum top_order { TOP_BY_ACTIVITY, TOP_BY_BYTES, TOP_BY_AGE, TOP_BY_USER, TOP_BY_PROTO };

struct top_look { const json_t *status, *sessions; };      /* of /status and /sessions */
struct top_view {
	unsigned width, height;          /* columns and lines; a height of 0: as many as there are */
	enum top_order order;
};
/* Lines, each ended by LF, none longer than width, at most height of them. before: an earlier look, for what happens in a second; its members may be NULL. */
void top_draw(const struct top_look *now, const struct top_look *before, const struct top_view *v, struct buf *out);

/* Foreign text: what would steer a terminal becomes '?'; with a width it is cut and padded to it. */
void top_add_text(struct buf *out, const char *text, unsigned width);
/* "3d4h", "2h13m", "7m", "12s", "0.4s"; padded to the width. */
void top_add_time(struct buf *out, uint64_t ms, unsigned width);
/* "0", "950", "4.1k", "12M"; before it blanks up to the width. */
void top_add_size(struct buf *out, uint64_t n, unsigned width);

#endif
