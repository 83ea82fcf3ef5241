/* Character classes of ASCII, whatever the locale says. Any thread. Bytes over 127 belong to no class. */
#ifndef BASE_ASCII_H
#define BASE_ASCII_H

#include <stdbool.h>

static inline bool ascii_is_digit(int c) { return c >= '0' && c <= '9'; }
static inline bool ascii_is_upper(int c) { return c >= 'A' && c <= 'Z'; }
static inline bool ascii_is_lower(int c) { return c >= 'a' && c <= 'z'; }
static inline bool ascii_is_alpha(int c) { return ascii_is_upper(c) || ascii_is_lower(c); }
static inline bool ascii_is_alnum(int c) { return ascii_is_alpha(c) || ascii_is_digit(c); }
static inline bool ascii_is_blank(int c) { return c == ' ' || c == '\t'; }                 /* WSP of RFC 5234 */
static inline bool ascii_is_space(int c) { return ascii_is_blank(c) || (c >= '\n' && c <= '\r'); }
static inline bool ascii_is_print(int c) { return c >= 0x20 && c <= 0x7e; }                /* VCHAR and SP */
static inline bool ascii_is_cntrl(int c) { return (c >= 0 && c < 0x20) || c == 0x7f; }
static inline int ascii_lower(int c) { return ascii_is_upper(c) ? c + 32 : c; }
static inline int ascii_upper(int c) { return ascii_is_lower(c) ? c - 32 : c; }

/* 0..15, or -1 when c is no hexadecimal digit. */
static inline int ascii_hex_value(int c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
