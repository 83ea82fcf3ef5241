#include "fuzz_lines.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
/* libFuzzer's own; not there with tools/fuzz_driver.c, which mixes both itself. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));

struct lines {
	uint8_t *p;
	size_t n, max;
	uint64_t random;
};

static uint64_t draw(struct lines *l, uint64_t below)
{
	uint64_t z = l->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return below ? (z ^ z >> 31) % below : 0;
}

/* Where some line begins; at least 1, at most n. */
static size_t draw_line(struct lines *l)
{
	size_t at = 1 + draw(l, l->n);
	while (at > 1 && l->p[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const struct lines *l, size_t at)
{
	const uint8_t *lf = at < l->n ? memchr(l->p + at, '\n', l->n - at) : NULL;
	return lf ? (size_t)(lf - l->p) + 1 : l->n;
}

static void splice(struct lines *l, size_t at, size_t gone, const void *p, size_t n)
{
	if (l->n - gone + n > l->max)
		return;
	memmove(l->p + at + n, l->p + at + gone, l->n - at - gone);
	memcpy(l->p + at, p, n);
	l->n += n - gone;
}

static void put_command(struct lines *l)
{
	size_t count = 0;
	while (fuzz_lines_commands[count])
		count++;
	const char *command = fuzz_lines_commands[draw(l, count)];
	size_t at = draw_line(l);
	/* often instead of what stood there */
	splice(l, at, draw(l, 2) ? line_end(l, at) - at : 0, command, strlen(command));
}

/* A line once more, somewhere else. */
static void copy_line(struct lines *l)
{
	uint8_t line[1024];
	size_t from = draw_line(l), n = line_end(l, from) - from;
	if (n > sizeof line)
		n = sizeof line;
	memcpy(line, l->p + from, n);
	for (uint64_t times = draw(l, 32) ? 1 : draw(l, 64); times; times--)
		splice(l, draw_line(l), 0, line, n);
}

static void drop_line(struct lines *l)
{
	size_t at = draw_line(l);
	splice(l, at, line_end(l, at) - at, "", 0);
}

static void change_number(struct lines *l)
{
	static const uint64_t edges[] = { 0, 1, 2, 3, 127, 255, 256, 4095, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, UINT64_MAX };
	size_t at = 1 + draw(l, l->n);
	while (at < l->n && (l->p[at] < '0' || l->p[at] > '9'))
		at++;
	size_t end = at;
	while (end < l->n && l->p[end] >= '0' && l->p[end] <= '9')
		end++;
	if (end == at)
		return;
	char text[24];
	int n = snprintf(text, sizeof text, "%llu", (unsigned long long)(draw(l, 2) ? draw(l, 40) : edges[draw(l, sizeof edges / sizeof edges[0])]));
	splice(l, at, end - at, text, (size_t)n);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct lines l = { .p = data, .n = size, .max = max, .random = seed };
	if (size == 0 || (LLVMFuzzerMutate && draw(&l, 3) == 0))
		return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, size, max) : size;
	for (uint64_t times = 1 + draw(&l, 3); times; times--) {
		switch (draw(&l, 8)) {
		case 0:
		case 1:
		case 2: put_command(&l); break;
		case 3:
		case 4: copy_line(&l); break;
		case 5: drop_line(&l); break;
		case 6: change_number(&l); break;
		default: l.p[0] = (uint8_t)draw(&l, 256); break;
		}
	}
	return l.n;
}
