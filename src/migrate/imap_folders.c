/* The folders of an IMAP account: LIST, LSUB, NAMESPACE, STATUS, EXAMINE. */
#include "migrate/imap_client_priv.h"

#include "base/map.h"
#include "base/num.h"
#include "migrate/limits.h"
#include "model/model.h"

_Static_assert((int)IMAP_LIST_USE_ALL == (int)MAILBOX_USE_ALL && (int)IMAP_LIST_USE_ARCHIVE == (int)MAILBOX_USE_ARCHIVE && (int)IMAP_LIST_USE_DRAFTS == (int)MAILBOX_USE_DRAFTS &&
			   (int)IMAP_LIST_USE_FLAGGED == (int)MAILBOX_USE_FLAGGED && (int)IMAP_LIST_USE_JUNK == (int)MAILBOX_USE_JUNK && (int)IMAP_LIST_USE_SENT == (int)MAILBOX_USE_SENT &&
			   (int)IMAP_LIST_USE_TRASH == (int)MAILBOX_USE_TRASH && (int)IMAP_LIST_USE_IMPORTANT == (int)MAILBOX_USE_IMPORTANT, "the bits of the codec are those of the model");

struct listing {
	struct arena *arena;
	struct source_folder *v;
	char *separators;
	unsigned *attributes;
	size_t n;
	struct map *by_wire;          /* index + 1 */
	struct imap_namespaces namespaces;
};

static int on_list(struct imap_client *c, void *arg, struct err *e)
{
	struct listing *l = arg;
	struct imap_listed one;

	if (c->r.kind != IMAP_RESPONSE_LIST)
		return 0;
	/* RFC 9051 9: no string holds a NUL */
	if (!imap_response_list(c->r.rest, &c->arena, &one) || str_chr(one.name, '\0') != STR_NPOS)
		return err_set(e, ERR_INVALID, NULL, "the server lists a folder that cannot be read: %.*s", STR_ARG(str_sub(c->r.rest, 0, 80)));
	if (map_get(l->by_wire, one.name))
		return 0;
	if (l->n == MIGRATE_FOLDERS_MAX)
		return err_set(e, ERR_TOO_BIG, NULL, "there are more than %u folders", MIGRATE_FOLDERS_MAX);
	l->separators[l->n] = one.separator;
	l->attributes[l->n] = one.attributes;
	l->v[l->n].wire = arena_dup(l->arena, one.name);
	l->v[l->n].subscribed = one.attributes & IMAP_LIST_IS_SUBSCRIBED;
	if (!l->v[l->n].wire.p || map_put(l->by_wire, one.name, (void *)(uintptr_t)(l->n + 1)))
		return err_set(e, ERR_NO_MEMORY, NULL, "folders");
	l->n++;
	return 0;
}

static int on_lsub(struct imap_client *c, void *arg, struct err *e)
{
	struct listing *l = arg;
	struct imap_listed one;

	(void)e;
	/* RFC 3501 6.3.9: with \Noselect it only stands for what is below. */
	if (c->r.kind == IMAP_RESPONSE_LSUB && imap_response_list(c->r.rest, &c->arena, &one) && !(one.attributes & IMAP_LIST_NOSELECT)) {
		uintptr_t i = (uintptr_t)map_get(l->by_wire, one.name);
		if (i)
			l->v[i - 1].subscribed = true;
	}
	return 0;
}

static int on_namespace(struct imap_client *c, void *arg, struct err *e)
{
	struct listing *l = arg;

	(void)e;
	if (c->r.kind != IMAP_RESPONSE_NAMESPACE)
		return 0;
	if (!imap_response_namespace(c->r.rest, &c->arena, &l->namespaces))
		l->namespaces.n = 0;
	for (size_t i = 0; i < l->namespaces.n; i++)
		l->namespaces.v[i].prefix = arena_dup(l->arena, l->namespaces.v[i].prefix);
	return 0;
}

static int ask_all(struct imap_client *c, struct listing *l, struct err *e)
{
	bool extended = (c->capabilities & IMAP_CAP_LIST_EXTENDED) && (c->capabilities & IMAP_CAP_SPECIAL_USE);
	bool xlist = (c->capabilities & IMAP_CAP_XLIST) && !(c->capabilities & IMAP_CAP_SPECIAL_USE);
	int r;

	imapc_begin(c, extended ? "LIST \"\" \"*\" RETURN (SPECIAL-USE)" : xlist ? "XLIST \"\" \"*\"" : "LIST \"\" \"*\"");
	r = imapc_finish(c, on_list, l, e);
	if (r == ERR_CONFLICT && (extended || xlist)) {
		imapc_begin(c, "LIST \"\" \"*\"");
		r = imapc_finish(c, on_list, l, e);
	}
	if (r == 0) {
		imapc_begin(c, "LSUB \"\" \"*\"");
		r = imapc_finish(c, on_lsub, l, e);
		r = r == ERR_CONFLICT ? 0 : r;        /* RFC 9051 has no LSUB */
	}
	if (r == 0 && (c->capabilities & IMAP_CAP_NAMESPACE)) {
		imapc_begin(c, "NAMESPACE");
		r = imapc_finish(c, on_namespace, l, e);
		r = r == ERR_CONFLICT ? 0 : r;
	}
	return r;
}

/* ---- names ---- */

static bool is_below(struct str wire, struct str prefix) { return prefix.n && wire.n > prefix.n && str_istarts(wire, prefix); }

/* "INBOX." of Courier and Cyrus: by NAMESPACE, or because everything but INBOX lies below it. */
static struct str personal_prefix(const struct listing *l)
{
	for (size_t i = 0; i < l->namespaces.n; i++)
		if (l->namespaces.v[i].kind == 0)
			return l->namespaces.v[i].prefix;
	char separator = '\0';
	for (size_t i = 0; i < l->n; i++) {
		if (str_ieq(l->v[i].wire, STR("INBOX")))
			continue;
		if (!str_istarts(l->v[i].wire, STR("INBOX")) || l->v[i].wire.n < 7 || l->v[i].wire.p[5] != l->separators[i])
			return STR_NONE;
		separator = l->separators[i];
	}
	return separator == '.' ? STR("INBOX.") : separator == '/' ? STR("INBOX/") : STR_NONE;
}

static bool is_foreign(const struct listing *l, struct str wire)
{
	size_t longest = 0;
	bool foreign = false;
	for (size_t i = 0; i < l->namespaces.n; i++) {
		const struct imap_namespace *n = &l->namespaces.v[i];
		struct str prefix = n->prefix, root = prefix;
		root.n -= root.n && n->separator && root.p[root.n - 1] == n->separator;
		if (prefix.n > longest && (is_below(wire, prefix) || str_eq(wire, root))) {
			longest = prefix.n;
			foreign = n->kind != 0;
		}
	}
	return foreign;
}

/* Levels parted by '/', and what is '/' within a level becomes '_'. */
static int make_name(struct listing *l, size_t i, struct str prefix, struct buf *b)
{
	struct source_folder *f = &l->v[i];
	struct str wire = f->wire, level, rest;
	char separator = l->separators[i];

	f->foreign = is_foreign(l, wire);
	f->no_select = l->attributes[i] & IMAP_LIST_NOSELECT;
	f->use = l->attributes[i] & IMAP_LIST_USES;
	if ((l->attributes[i] & IMAP_LIST_INBOX) || str_ieq(wire, STR("INBOX"))) {
		f->name = STR("INBOX");
		return 0;
	}
	if (!f->foreign && is_below(wire, prefix))
		wire = str_from(wire, prefix.n);
	if (separator && str_ends(wire, str_make(&separator, 1)))
		wire.n--;
	buf_reset(b);
	rest = wire;
	for (bool more = true; more;) {
		if (separator) {
			more = str_cut(rest, separator, &level, &rest);
		} else {
			level = rest;
			more = false;
		}
		if (b->n)
			buf_add_char(b, MAILBOX_SEPARATOR);
		size_t from = b->n;
		imap_response_name(level, b);
		for (size_t k = from; k < b->n; k++) {
			if (b->p[k] == MAILBOX_SEPARATOR) {
				b->p[k] = '_';
				f->altered = true;
			}
		}
	}
	f->name = arena_dup(l->arena, buf_str(b));
	return b->failed || !f->name.p ? ERR_NO_MEMORY : 0;
}

/* ---- how many messages ---- */

static int on_status(struct imap_client *c, void *arg, struct err *e)
{
	struct source_folder *f = arg;
	struct str name;

	(void)e;
	if (c->r.kind == IMAP_RESPONSE_MAILBOX_STATUS)
		imap_response_mailbox_status(c->r.rest, &c->arena, &name, &f->messages);
	return 0;
}

/* For the progress bar: all commands ahead, all answers behind, a few at a time. */
static int count(struct imap_client *c, struct source_folder *v, size_t n, struct err *e)
{
	enum { AHEAD = 50 };
	unsigned tags[AHEAD];
	int r = 0;

	for (size_t from = 0; r == 0 && from < n; from += AHEAD) {
		size_t to = n - from < AHEAD ? n : from + AHEAD;
		for (size_t i = from; i < to && r == 0; i++) {
			tags[i - from] = 0;
			if (v[i].no_select || v[i].foreign)
				continue;
			imapc_begin(c, "STATUS");
			tags[i - from] = c->tag;
			struct buf b = BUF_INIT(0);
			bool literal;
			buf_add_char(&b, ' ');
			imap_response_argument(v[i].wire, &b, &literal);
			/* a name that needs a literal is not worth a round trip: an empty one gets its NO */
			stream_write_str(c->stream, literal ? STR(" \"\"") : buf_str(&b));
			stream_write_str(c->stream, STR(" (MESSAGES)\r\n"));
			buf_fini(&b);
		}
		for (size_t i = from; i < to && r == 0; i++)
			if (tags[i - from]) {
				r = imapc_await(c, tags[i - from], false, on_status, &v[i], e);
				r = r == ERR_CONFLICT ? 0 : r;
			}
	}
	return r;
}

int imapc_folders(struct source *s, struct arena *a, struct source_folder **out, size_t *n_out, struct err *e)
{
	struct imap_client *c = (struct imap_client *)s;
	struct listing l = { .arena = a };
	struct buf b = BUF_INIT(64 << 10);

	l.v = arena_array(a, MIGRATE_FOLDERS_MAX, sizeof *l.v);
	l.separators = arena_alloc(a, MIGRATE_FOLDERS_MAX);
	l.attributes = arena_array(a, MIGRATE_FOLDERS_MAX, sizeof *l.attributes);
	int r = l.v && l.separators && l.attributes ? map_create(&l.by_wire) : err_set(e, ERR_NO_MEMORY, NULL, "folders");
	if (r == 0)
		r = ask_all(c, &l, e);
	struct str prefix = r == 0 ? personal_prefix(&l) : STR_NONE;
	for (size_t i = 0; r == 0 && i < l.n; i++)
		r = make_name(&l, i, prefix, &b);
	if (r == 0 && l.n == 0)
		r = err_set(e, ERR_INVALID, NULL, "the server lists no folder, not even INBOX");
	if (r == 0)
		r = count(c, l.v, l.n, e);
	map_destroy(&l.by_wire);
	buf_fini(&b);
	*out = l.v;
	*n_out = l.n;
	return r;
}

/* ---- one of them ---- */

struct examined {
	struct source_entered *out;
	bool counted;
};

static int on_examine(struct imap_client *c, void *arg, struct err *e)
{
	struct examined *examined = arg;
	struct source_entered *x = examined->out;
	uint64_t modseq;

	(void)e;
	if (c->r.kind == IMAP_RESPONSE_EXISTS) {
		x->messages = c->r.number;
		examined->counted = true;
	}
	if (c->r.kind != IMAP_RESPONSE_STATUS)
		return 0;
	if (str_ieq(c->r.code, STR("UIDVALIDITY")))
		num_parse_u32(c->r.code_args, &x->uidvalidity);
	else if (str_ieq(c->r.code, STR("UIDNEXT")))
		num_parse_u32(c->r.code_args, &x->uidnext);
	else if (str_ieq(c->r.code, STR("HIGHESTMODSEQ")) && num_parse_u64(c->r.code_args, &modseq) && (c->capabilities & IMAP_CAP_CONDSTORE))
		x->modseq = modseq;
	return 0;
}

int imapc_enter(struct source *s, const struct source_folder *f, struct source_entered *out, struct err *e)
{
	struct imap_client *c = (struct imap_client *)s;

	struct examined examined = { .out = out };
	*out = (struct source_entered){ 0 };
	imapc_begin(c, "EXAMINE");
	int r = imapc_argument(c, f->wire, e);
	if (r == 0 && (c->capabilities & IMAP_CAP_CONDSTORE))
		stream_write_str(c->stream, STR(" (CONDSTORE)"));
	if (r == 0)
		r = imapc_finish(c, on_examine, &examined, e);
	c->messages = out->messages;
	/* RFC 9051 6.3.2: it must. Without it a folder would seem to be empty. */
	if (r == 0 && !examined.counted)
		r = err_set(e, ERR_CONFLICT, NULL, "the server does not say how many messages there are");
	if (r == 0 && out->messages > MIGRATE_MESSAGES_MAX)
		r = err_set(e, ERR_CONFLICT, NULL, "there are more than %u messages in the folder", MIGRATE_MESSAGES_MAX);
	return r;
}
