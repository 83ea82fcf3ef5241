/* Functions that must not compile. Force-included into every file of Troika (see meson.build).
 * Each has a checked replacement: str.h, buf.h, num.h, date handling in codec/, clock.h. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* The real declarations must come first: poisoning a name would break its own header. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ctype.h defines these as macros over the current locale: use base/ascii.h */
#undef isalpha
#undef isdigit
#undef isalnum
#undef isspace
#undef isupper
#undef islower
#undef isprint
#undef ispunct
#undef isxdigit
#undef iscntrl
#undef isgraph
#undef tolower
#undef toupper
#undef alloca
#pragma GCC poison isalpha isdigit isalnum isspace isupper islower isprint ispunct isxdigit iscntrl isgraph tolower toupper
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets strncpy strncat
#pragma GCC poison gmtime localtime ctime asctime atoi atol atoll alloca

#endif
