/* The maildrop: LIST, UIDL, RETR. */
#include "migrate/pop3_client_priv.h"

#include "base/map.h"
#include "base/num.h"
#include "store/store.h"

int pop3c_folders(struct source *s, struct arena *a, struct source_folder **out, size_t *n_out, struct err *e)
{
	(void)s;
	*out = arena_new(a, struct source_folder);
	*n_out = 1;
	if (!*out)
		return err_set(e, ERR_NO_MEMORY, NULL, "folders");
	**out = (struct source_folder){ .wire = STR("INBOX"), .name = STR("INBOX"), .subscribed = true };
	return 0;
}

/* ---- which messages there are ---- */

typedef int line_fn(struct pop3_client *c, uint32_t number, struct str word);

/* The lines of LIST or UIDL. */
static int read_listing(struct pop3_client *c, const char *command, line_fn *fn, struct err *e)
{
	struct str line, text, word;
	uint32_t number;
	size_t lines = 0;
	int r = pop3c_command(c, e, "%s", command);

	while (r == 0) {
		r = pop3c_read_line(c, MIGRATE_POP3_LINE_MAX, &line, e);
		if (r || !pop3_response_line(line, &text))
			break;
		if (++lines > MIGRATE_MESSAGES_MAX || !pop3_response_listing(text, &number, &word))
			return pop3c_nonsense(c, text, e);
		r = fn(c, number, word);
		if (r)
			return r == ERR_INVALID ? pop3c_nonsense(c, text, e) : err_set(e, r, NULL, "messages of the maildrop");
	}
	return r;
}

static int on_list(struct pop3_client *c, uint32_t number, struct str word)
{
	uint64_t size;
	if (!num_parse_u64(word, &size) || (c->n && number <= c->v[c->n - 1].number))
		return ERR_INVALID;
	if ((c->n & (c->n - 1)) == 0) {
		struct pop3_message *more = realloc(c->v, (c->n ? c->n * 2 : 1) * sizeof *more);
		if (!more)
			return ERR_NO_MEMORY;
		c->v = more;
	}
	c->v[c->n++] = (struct pop3_message){ .number = number, .size = size };
	return 0;
}

static struct pop3_message *by_number(struct pop3_client *c, uint32_t number)
{
	size_t low = 0, high = c->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->v[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->n && c->v[low].number == number ? &c->v[low] : NULL;
}

static int on_uidl(struct pop3_client *c, uint32_t number, struct str word)
{
	struct pop3_message *m = by_number(c, number);
	if (m && word.n <= MIGRATE_UIDL_MAX)
		(void)str_copy_c(m->id, sizeof m->id, word);
	return 0;
}

/* RFC 1939 7: identical messages may have the same id, where it is made of their content. A blank stands in none, so a number behind it makes each its own. */
static int number_equal_ids(struct pop3_client *c, struct err *e)
{
	struct map *seen;
	int r = map_create(&seen);
	for (size_t i = 0; r == 0 && i < c->n; i++) {
		struct pop3_message *m = &c->v[i];
		struct str id = str_from_c(m->id);
		uintptr_t times = id.n ? (uintptr_t)map_get(seen, id) + 1 : 0;
		if (times)
			r = map_put(seen, id, (void *)times);
		if (times > 1)
			snprintf(m->id + id.n, sizeof m->id - id.n, " %u", (unsigned)times);
	}
	map_destroy(&seen);
	return r ? err_set(e, r, NULL, "messages of the maildrop") : 0;
}

static int compare_uids(const void *a, const void *b)
{
	uint32_t x = ((const struct pop3_message *)a)->uid, y = ((const struct pop3_message *)b)->uid;
	return (x > y) - (x < y);
}

int pop3c_enter(struct source *s, const struct source_folder *f, struct source_entered *out, struct err *e)
{
	struct pop3_client *c = (struct pop3_client *)s;
	bool all = true;

	(void)f;
	*out = (struct source_entered){ .uidvalidity = 1 };
	c->n = 0;
	int r = read_listing(c, "LIST", on_list, e);
	if (r == 0 && c->n && (c->capabilities & POP3_CAP_UIDL)) {
		r = read_listing(c, "UIDL", on_uidl, e);
		r = r == ERR_CONFLICT ? 0 : r;
	}
	if (r == 0)
		r = number_equal_ids(c, e);
	for (size_t i = 0; i < c->n; i++)
		all &= c->v[i].id[0] != '\0';
	if (!all) {
		out->uidvalidity = 0;                 /* numbers of this session say nothing tomorrow */
		for (size_t i = 0; i < c->n; i++)
			c->v[i].id[0] = '\0';
	}
	out->messages = (uint32_t)c->n;
	return r;
}

int pop3c_scan(struct source *s, uint32_t from, uint64_t changed_since, source_item_fn *fn, void *arg, struct err *e)
{
	struct pop3_client *c = (struct pop3_client *)s;

	(void)from;
	if (changed_since)
		return 0;
	for (size_t i = 0; i < c->n; i++) {
		struct source_item item = { .uid = c->v[i].id[0] ? 0 : c->v[i].number, .id = str_from_c(c->v[i].id), .size = c->v[i].size };
		int r = fn(arg, &item);
		if (r)
			return err_set(e, r, NULL, "messages of the maildrop: %s", err_text(r));
		c->v[i].uid = item.uid;
	}
	if (c->n)
		qsort(c->v, c->n, sizeof *c->v, compare_uids);
	return 0;
}

/* ---- messages ---- */

int pop3c_ask(struct source *s, const uint32_t *uids, size_t n, struct err *e)
{
	struct pop3_client *c = (struct pop3_client *)s;

	if (n == 0 || n > MIGRATE_BATCH || c->n_asked == SOURCE_ASKED_MAX)
		return err_set(e, ERR_BUG, NULL, "asked for nothing, or too much");
	struct pop3_asked *a = &c->asked[c->n_asked++];
	a->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct pop3_message key = { .uid = uids[i] };
		const struct pop3_message *m = c->n ? bsearch(&key, c->v, c->n, sizeof key, compare_uids) : NULL;
		if (!m)
			continue;
		a->numbers[a->n] = m->number;
		a->uids[a->n++] = uids[i];
		if (c->capabilities & POP3_CAP_PIPELINING)
			stream_printf(c->stream, "RETR %u\r\n", m->number);
	}
	stream_flush(c->stream);                      /* what goes wrong shows when the answer is read */
	return 0;
}

/* The lines of a message into c->text. *over_out: larger than a message may be; it was read to its end. */
static int read_message(struct pop3_client *c, bool *over_out, struct err *e)
{
	struct str line, text;
	uint64_t size = 0;

	if (c->text.cap > MIGRATE_SMALL_MAX)
		buf_fini(&c->text);
	if (!c->text.p)
		buf_init(&c->text, STORE_BLOB_MAX);
	buf_reset(&c->text);
	for (;;) {
		int r = pop3c_read_line(c, STORE_BLOB_MAX, &line, e);
		if (r)
			return r;
		if (!pop3_response_line(line, &text))
			break;
		size += text.n + 2;
		if (size > MIGRATE_SKIP_MAX)
			return pop3c_nonsense(c, STR("a message without end"), e);
		if (size <= STORE_BLOB_MAX) {
			buf_add_str(&c->text, text);
			buf_add_lit(&c->text, "\r\n");
		}
	}
	*over_out = size > STORE_BLOB_MAX;
	return !*over_out && c->text.failed ? err_set(e, ERR_NO_MEMORY, NULL, "a message") : 0;
}

int pop3c_take(struct source *s, source_body_fn *fn, void *arg, struct err *e)
{
	struct pop3_client *c = (struct pop3_client *)s;
	struct pop3_asked a;
	int r = 0;

	if (c->n_asked == 0)
		return err_set(e, ERR_BUG, NULL, "nothing was asked for");
	a = c->asked[0];
	c->n_asked--;
	memmove(c->asked, c->asked + 1, c->n_asked * sizeof *c->asked);
	for (size_t i = 0; i < a.n && r == 0; i++) {
		bool over = false;
		if (!(c->capabilities & POP3_CAP_PIPELINING))
			stream_printf(c->stream, "RETR %u\r\n", a.numbers[i]);
		r = pop3c_status(c, NULL, e);
		if (r == 1)
			return pop3c_nonsense(c, STR("+"), e);
		if (r == ERR_CONFLICT) {
			r = fn(arg, a.uids[i], STR_NONE, ERR_NOT_FOUND);
			continue;
		}
		if (r == 0)
			r = read_message(c, &over, e);
		if (r == 0)
			r = fn(arg, a.uids[i], buf_str(&c->text), over ? ERR_TOO_BIG : 0);
		if (r == 0)
			continue;
		c->dead = true;
	}
	return r;
}
