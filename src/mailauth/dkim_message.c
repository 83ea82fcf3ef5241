#include "mailauth/dkim_message.h"

#include "base/ascii.h"
#include "mailauth/limits.h"

static const struct str CRLF = STR_INIT("\r\n");

/* ---- fields ---- */

/* The next line with its end, or all that is left. */
static struct str take_line(struct str *rest)
{
	size_t at = str_find(*rest, CRLF);
	struct str line = at == STR_NPOS ? *rest : str_sub(*rest, 0, at + CRLF.n);
	*rest = str_from(*rest, line.n);
	return line;
}

/* RFC 5322 2.2.3: a field goes on as long as lines begin with a blank. */
static struct str take_field(struct str *rest)
{
	struct str raw = take_line(rest);
	while (rest->n > 0 && ascii_is_blank(rest->p[0]))
		raw.n += take_line(rest).n;
	return raw;
}

static bool read_field(struct str raw, struct dkim_field *out)
{
	struct str line = str_ends(raw, CRLF) ? str_sub(raw, 0, raw.n - CRLF.n) : raw;
	if (!str_cut(line, ':', &out->name, &out->value))
		return false;
	out->raw = raw;
	out->name = str_trim(out->name);
	return out->name.n > 0 && !ascii_is_blank(raw.p[0]);
}

static size_t count_fields(struct str header)
{
	size_t n = 0;
	while (header.n > 0 && n <= DKIM_FIELDS_MAX && !str_starts(header, CRLF)) {
		take_field(&header);
		n++;
	}
	return n;
}

static int by_name(const void *a, const void *b)
{
	const struct dkim_field *x = *(const struct dkim_field *const *)a, *y = *(const struct dkim_field *const *)b;
	int order = str_icmp(x->name, y->name);
	return order ? order : (x < y) - (x > y);
}

int dkim_message_read(struct arena *a, struct str message, struct dkim_message *out)
{
	size_t most = count_fields(message);
	*out = (struct dkim_message){ .cut = most > DKIM_FIELDS_MAX };
	out->fields = arena_array(a, most + 1, sizeof(*out->fields));
	out->by_name = arena_array(a, most + 1, sizeof(struct dkim_field *));
	if (!out->fields || !out->by_name)
		return ERR_NO_MEMORY;
	while (message.n > 0 && !str_starts(message, CRLF)) {
		struct dkim_field f;
		if (read_field(take_field(&message), &f) && out->n_fields < DKIM_FIELDS_MAX)
			out->fields[out->n_fields++] = f;
	}
	out->body = str_from(message, CRLF.n);
	for (size_t i = 0; i < out->n_fields; i++)
		out->by_name[i] = &out->fields[i];
	qsort(out->by_name, out->n_fields, sizeof(struct dkim_field *), by_name);
	return 0;
}

size_t dkim_message_find(const struct dkim_message *m, struct str name)
{
	size_t low = 0, high = m->n_fields;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (str_icmp(m->by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct dkim_field *at_place(const struct dkim_message *m, size_t place, struct str name)
{
	return place < m->n_fields && str_ieq(m->by_name[place]->name, name) ? m->by_name[place] : NULL;
}

size_t dkim_message_count(const struct dkim_message *m, struct str name)
{
	size_t first = dkim_message_find(m, name), n = 0;
	while (at_place(m, first + n, name))
		n++;
	return n;
}

int dkim_picker_begin(struct arena *a, const struct dkim_message *m, struct dkim_picker *out)
{
	*out = (struct dkim_picker){ m, arena_array(a, m->n_fields + 1, sizeof(*out->taken)) };
	return out->taken ? 0 : ERR_NO_MEMORY;
}

const struct dkim_field *dkim_picker_next(struct dkim_picker *p, struct str name)
{
	size_t first = dkim_message_find(p->message, name);
	const struct dkim_field *f = at_place(p->message, first + p->taken[first], name);
	if (f)
		p->taken[first]++;
	return f;
}

/* ---- body ---- */

struct hashing {
	enum dkim_canon how;
	struct dkim_body_hash *hashes;
	struct crypto_sha256 *states;
	size_t n;
	uint64_t done;
};

static void hash_piece(void *ctx, const char *p, size_t n)
{
	struct hashing *h = ctx;
	for (size_t i = 0; i < h->n; i++) {
		if (h->hashes[i].how != h->how || h->hashes[i].limit <= h->done)
			continue;
		uint64_t left = h->hashes[i].limit - h->done;
		crypto_sha256_add(&h->states[i], p, left < n ? (size_t)left : n);
	}
	h->done += n;
}

static void hash_as(struct hashing *h, enum dkim_canon how, struct str body)
{
	bool wanted = false;
	for (size_t i = 0; i < h->n; i++)
		wanted = wanted || h->hashes[i].how == how;
	if (!wanted)
		return;
	h->how = how;
	h->done = 0;
	dkim_canon_body(how, body, hash_piece, h);
	for (size_t i = 0; i < h->n; i++)
		if (h->hashes[i].how == how)
			h->hashes[i].length = h->done;
}

int dkim_message_hash_body(const struct dkim_message *m, struct dkim_body_hash *hashes, size_t n)
{
	struct crypto_sha256 states[DKIM_BODY_HASHES_MAX] = { 0 };
	struct hashing h = { .hashes = hashes, .states = states, .n = n };
	int code = n > DKIM_BODY_HASHES_MAX ? ERR_BUG : 0;
	for (size_t i = 0; i < n && code == 0; i++)
		code = crypto_sha256_begin(&states[i]);
	if (code == 0) {
		hash_as(&h, DKIM_SIMPLE, m->body);
		hash_as(&h, DKIM_RELAXED, m->body);
	}
	for (size_t i = 0; i < n && i < DKIM_BODY_HASHES_MAX; i++) {
		int ended = crypto_sha256_end(&states[i], code == 0 ? hashes[i].digest : NULL);
		code = code ? code : ended;
	}
	return code;
}
