#include "base/buf.h"

#include "base/bytes.h"
#include "base/num.h"

#define BUF_FIRST_CAP ((size_t)128)

void buf_init(struct buf *b, size_t max) { *b = (struct buf)BUF_INIT(max); }

static void give_back(struct buf *b)
{
	if (b->wipe && b->p)
		explicit_bzero(b->p, b->cap);
	free(b->p);
}

static void empty(struct buf *b)
{
	*b = (struct buf){ .max = b->max, .wipe = b->wipe };
}

void buf_fini(struct buf *b)
{
	give_back(b);
	empty(b);
}

void buf_reset(struct buf *b)
{
	if (b->wipe && b->p)
		explicit_bzero(b->p, b->cap);
	b->n = 0;
	b->failed = b->starved = false;
}

/* realloc would leave a copy behind. */
static char *grow(struct buf *b, size_t size)
{
	if (!b->wipe)
		return realloc(b->p, size);
	char *grown = malloc(size);
	if (grown && b->p)
		memcpy(grown, b->p, b->n);
	if (grown)
		give_back(b);
	return grown;
}

char *buf_reserve(struct buf *b, size_t more)
{
	if (b->failed)
		return NULL;
	if (b->p && more <= b->cap - b->n)
		return b->p + b->n;
	size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
	if (more > max - b->n) {
		b->failed = true;
		return NULL;
	}
	size_t need = b->n + more;
	size_t cap = b->cap > max / 2 ? max : b->cap * 2;
	if (cap < BUF_FIRST_CAP)
		cap = BUF_FIRST_CAP < max ? BUF_FIRST_CAP : max;
	if (cap < need)
		cap = need;
	/* One byte beyond cap, so that the terminator of vsnprintf never counts against the ceiling. */
	char *grown = cap < SIZE_MAX ? grow(b, cap + 1) : NULL;
	if (!grown) {
		b->failed = b->starved = true;
		return NULL;
	}
	b->p = grown;
	b->cap = cap;
	return b->p + b->n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	char *to = buf_reserve(b, n);
	if (!to)
		return;
	memcpy(to, p, n);
	b->n += n;
}

void buf_add_char(struct buf *b, char c)
{
	char *to = buf_reserve(b, 1);
	if (!to)
		return;
	*to = c;
	b->n++;
}

void buf_add_str(struct buf *b, struct str s) { buf_add(b, s.p, s.n); }
void buf_add_c(struct buf *b, const char *c) { buf_add_str(b, str_from_c(c)); }

void buf_add_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	buf_add(b, digits, num_format_u64(digits, v));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	buf_vprintf(b, format, ap);
	va_end(ap);
}

void buf_vprintf(struct buf *b, const char *format, va_list ap)
{
	char *to = buf_reserve(b, 0);
	if (!to)
		return;
	va_list again;
	va_copy(again, ap);
	size_t room = b->cap - b->n;
	int printed = vsnprintf(to, room + 1, format, ap);
	if (printed < 0) {
		b->failed = true;
	} else if ((size_t)printed <= room) {
		b->n += (size_t)printed;
	} else if ((to = buf_reserve(b, (size_t)printed))) {
		vsnprintf(to, (size_t)printed + 1, format, again);
		b->n += (size_t)printed;
	}
	va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n > b->n)
		n = b->n;
	if (n == 0)
		return;
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
	if (b->wipe)
		explicit_bzero(b->p + b->n, n);
}

void buf_take(struct buf *b, char **p_out, size_t *n_out)
{
	*p_out = b->p;
	*n_out = b->n;
	empty(b);
}

void buf_add_u8(struct buf *b, uint8_t v) { buf_add(b, &v, 1); }

void buf_add_le32(struct buf *b, uint32_t v)
{
	uint8_t bytes[4];
	store_le32(bytes, v);
	buf_add(b, bytes, sizeof(bytes));
}

void buf_add_le64(struct buf *b, uint64_t v)
{
	uint8_t bytes[8];
	store_le64(bytes, v);
	buf_add(b, bytes, sizeof(bytes));
}

void buf_add_varint(struct buf *b, uint64_t v)
{
	uint8_t bytes[10];
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (uint8_t)(v | 0x80);
	bytes[n++] = (uint8_t)v;
	buf_add(b, bytes, n);
}
