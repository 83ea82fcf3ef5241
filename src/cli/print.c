#include "cli/print.h"

#include "base/utf8.h"

#define TEXT_MAX 255

/* Controls, C1 too; what ends a line for some, or turns the direction of writing. */
static bool steers(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void print_text(struct str s, int width)
{
	int n = 0;
	for (size_t at = 0; at < s.n && n < TEXT_MAX; n++) {
		size_t from = at;
		uint32_t c = utf8_next(s, &at);
		if (steers(c) || (c == 0xfffd && at - from == 1))
			putchar('?');
		else
			(void)fwrite(s.p + from, 1, at - from, stdout);
	}
	for (; n < width; n++)
		putchar(' ');
}

void print_age(int64_t now, int64_t then, int width)
{
	char text[40] = "-";
	long long s = now > then ? now - then : then - now;
	if (then && s >= 86400)
		snprintf(text, sizeof text, "%lldd%lldh", s / 86400, s % 86400 / 3600);
	else if (then && s >= 3600)
		snprintf(text, sizeof text, "%lldh%lldm", s / 3600, s % 3600 / 60);
	else if (then)
		snprintf(text, sizeof text, s >= 60 ? "%lldm" : "%llds", s >= 60 ? s / 60 : s);
	printf("%-*s", width, text);
}

void print_size(uint64_t bytes, int width)
{
	char text[40];
	double n = (double)bytes;
	const char *unit = "";
	for (const char *u = "kMGT"; n >= 1000 && *u; u++) {
		n /= 1024;
		unit = u;
	}
	snprintf(text, sizeof text, n < 10 && *unit ? "%.1f%.1s" : "%.0f%.1s", n, unit);
	printf("%-*s", width, text);
}
