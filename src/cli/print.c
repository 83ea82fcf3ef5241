#include "cli/print.h"

#define TEXT_MAX 255

void print_text(struct str s, int width)
{
	int n = 0;
	for (size_t i = 0; i < s.n && n < TEXT_MAX; i++, n++)
		putchar((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i]);
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
