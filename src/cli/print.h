/* What is shown to people on standard output. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "base/str.h"

#include <stdint.h>

/* Foreign text: what would steer the terminal becomes '?', what is long is cut; padded with blanks to the width. */
void print_text(struct str s, int width);
/* "4d3h", "2h13m", "7m", "12s" between two times, padded to the width; "-" when then is 0. */
void print_age(int64_t now, int64_t then, int width);
/* "4.1k", "12M", padded to the width. */
void print_size(uint64_t bytes, int width);

#endif
