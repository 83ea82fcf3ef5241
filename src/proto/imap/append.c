#include "proto/imap/append.h"

#include "base/clock.h"
#include "codec/imap/append_args.h"
#include "codec/mime/nul.h"
#include "deliver/deliver.h"
#include "proto/imap/limits.h"
#include "proto/imap/place.h"

/* ---- life ---- */

static struct imap_append *create(struct imap_session *s)
{
	struct imap_append *a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->model = services_model(s->services);
	arena_init(&a->arena, IMAP_APPEND_ARENA_MAX);
	return a;
}

void imap_append_discard(struct imap_append **a)
{
	if (!*a)
		return;
	for (size_t i = 0; i < (*a)->count; i++)
		model_drop_blob((*a)->model, (*a)->item[i].blob, (*a)->account);
	spool_destroy(&(*a)->spool);
	arena_fini(&(*a)->arena);
	free((*a)->item);
	free(*a);
	*a = NULL;
}

static bool fail(struct imap_request *r, int code, const struct err *e)
{
	imap_error(r, code, e);
	return false;
}

static bool no_memory(struct imap_request *r) { return fail(r, ERR_NO_MEMORY, NULL); }

/* ---- one message ---- */

/* Does another message of that size fit? False: the reply is set. */
static bool check_room(struct imap_request *r, struct account *account, uint64_t size)
{
	const struct imap_append *a = r->s->append;
	uint64_t max = r->s->config->message_size_max;
	if (size > max) {
		/* RFC 4469 4.2 */
		imap_no(r, "[TOOBIG] At most %llu octets", (unsigned long long)max);
		return false;
	}
	if (a->count == IMAP_APPEND_MESSAGES_MAX || size > IMAP_APPEND_OCTETS_MAX - a->octets) {
		imap_no(r, "[LIMIT] At most %u messages and %llu octets in one command", IMAP_APPEND_MESSAGES_MAX,
				(unsigned long long)IMAP_APPEND_OCTETS_MAX);
		return false;
	}
	struct quota q;
	int rc = account_quota(account, &q);
	if (rc)
		return fail(r, rc, NULL);
	if (!quota_has_room(&q, a->count + 1, a->octets + size, false)) {
		imap_no(r, "[OVERQUOTA] No room for it");
		return false;
	}
	return true;
}

static bool dup_flags(struct imap_append *a, const struct imap_flags *flags)
{
	struct str *keyword = arena_array(&a->arena, flags->keyword_count + 1, sizeof(*keyword));
	if (!keyword)
		return false;
	for (size_t i = 0; i < flags->keyword_count; i++) {
		keyword[i] = arena_dup(&a->arena, flags->keyword[i]);
		if (!keyword[i].p)
			return false;
	}
	a->arriving.flags = flags->system;
	a->arriving.keywords = keyword;
	a->arriving.n_keywords = flags->keyword_count;
	return true;
}

/* The arguments of a message were read; its octets come into the spool, at most max. */
static bool message_begin(struct imap_request *r, const struct imap_append_message *args, uint64_t max)
{
	struct imap_append *a = r->s->append;
	a->arriving = (struct append){ .date = args->has_date ? args->date : clock_now() };
	a->code = 0;
	a->binary = a->has_nul = a->has_binary_nul = false;
	if (!dup_flags(a, &args->flags))
		return no_memory(r);
	int rc = spool_create(r->s->config->spool_dir.p, (size_t)max, &a->spool);
	return !rc || fail(r, rc, NULL);
}

static bool add_item(struct imap_append *a)
{
	if (a->count == a->capacity) {
		size_t capacity = a->capacity ? a->capacity * 2 : 1;
		struct append *grown = reallocarray(a->item, capacity, sizeof(*grown));
		if (!grown)
			return false;
		a->item = grown;
		a->capacity = capacity;
	}
	a->item[a->count++] = a->arriving;
	return true;
}

/* It is stored now, so that the next one finds the spool empty. */
static bool message_store(struct imap_request *r, struct str message)
{
	struct imap_append *a = r->s->append;
	struct err e = { 0 };
	int rc = deliver_prepare(a->model, a->account, &a->arena, message, &a->arriving, &e);
	if (rc)
		return fail(r, a->arena.failed ? ERR_TOO_BIG : rc, a->arena.failed ? NULL : &e);
	if (!add_item(a)) {
		model_drop_blob(a->model, a->arriving.blob, a->account);
		return no_memory(r);
	}
	a->octets += message.n;
	spool_destroy(&a->spool);
	return true;
}

/* RFC 3516 4.4 and 6: what has NUL is stored encoded, since only BINARY could show it otherwise. */
static bool message_store_binary(struct imap_request *r, struct str message)
{
	struct buf encoded = BUF_INIT(2 * (size_t)r->s->config->message_size_max);
	const char *why;
	bool ok = false;
	int rc = mime_nul_encode(message, &encoded, &why);
	if (rc == ERR_UNSUPPORTED)
		imap_no(r, "[UNKNOWN-CTE] NUL where it cannot be encoded: %s", why);
	else if (rc)
		imap_error(r, rc, NULL);
	else if (encoded.n > r->s->config->message_size_max)
		imap_no(r, "[TOOBIG] Encoded it is too big");
	else
		ok = message_store(r, buf_str(&encoded));
	buf_fini(&encoded);
	return ok;
}

static bool message_end(struct imap_request *r)
{
	struct imap_append *a = r->s->append;
	struct str message;
	if (a->has_nul) {
		imap_bad(r, "NUL in the message");        /* RFC 3501 4.3 */
		return false;
	}
	int rc = a->code ? a->code : spool_bytes(a->spool, &message);
	if (rc)
		return fail(r, rc, NULL);
	return a->has_binary_nul ? message_store_binary(r, message) : message_store(r, message);
}

/* ---- the arguments ---- */

enum step { STEP_FAILED, STEP_ON, STEP_GATHER, STEP_LITERAL, STEP_END };

static enum step read_mailbox(struct imap_request *r, const struct imap_announced *announced)
{
	struct imap_append *a = r->s->append;
	struct str name;
	if (announced && imap_peek(&r->args) < 0)
		return STEP_GATHER;                              /* the mailbox name is a literal */
	if (!imap_mailbox(&r->args, &name)) {
		imap_bad_args(r);
		return STEP_FAILED;
	}
	a->mailbox = arena_dup(&a->arena, name);
	a->next = APPEND_MESSAGE;
	return a->mailbox.p || no_memory(r) ? STEP_ON : STEP_FAILED;
}

/* What can be refused is refused before the literal is asked for. */
static bool permit_literal(struct imap_request *r, const struct imap_append_message *args, const struct imap_announced *announced)
{
	struct imap_append *a = r->s->append;
	struct imap_place place;
	if (args->form == IMAP_APPEND_UTF8 && !announced->binary) {
		imap_bad(r, "UTF8 wants a literal8");
		return false;
	}
	if (args->form == IMAP_APPEND_UTF8 && !imap_utf8_accept(r->s)) {
		imap_no(r, "[CANNOT] ENABLE UTF8=ACCEPT first");
		return false;
	}
	if (!announced->size) {
		/* RFC 3502 6.3.11: an error, which also serves to cancel. */
		imap_no(r, "[CANNOT] The message is empty");
		return false;
	}
	if (!imap_append_place(r, &place))
		return false;
	a->account = account_id(place.account);
	return check_room(r, place.account, announced->size);
}

static enum step read_message(struct imap_request *r, const struct imap_announced *announced)
{
	struct imap_append *a = r->s->append;
	struct imap_append_message args;
	if (!imap_sp(&r->args) || !imap_append_message(&r->args, &args)) {
		imap_bad_args(r);
		return STEP_FAILED;
	}
	if (!announced) {
		imap_bad(r, "Expected a literal");
		return STEP_FAILED;
	}
	if (!permit_literal(r, &args, announced) || !message_begin(r, &args, announced->size))
		return STEP_FAILED;
	a->binary = announced->binary;
	a->next = args.form == IMAP_APPEND_UTF8 ? APPEND_UTF8_END : APPEND_MESSAGE_END;
	return STEP_LITERAL;
}

static enum step read_end(struct imap_request *r, const struct imap_announced *announced)
{
	struct imap_append *a = r->s->append;
	if (imap_peek(&r->args) != ' ') {
		if (announced || !imap_end(&r->args)) {
			imap_bad(r, "Expected a space, or the end");
			return STEP_FAILED;
		}
		return message_end(r) ? STEP_END : STEP_FAILED;
	}
	a->next = APPEND_MESSAGE;
	return message_end(r) ? STEP_ON : STEP_FAILED;
}

static enum step step(struct imap_request *r, const struct imap_announced *announced)
{
	struct imap_append *a = r->s->append;
	switch (a->next) {
	case APPEND_MAILBOX:
		return read_mailbox(r, announced);
	case APPEND_MESSAGE:
		return read_message(r, announced);
	case APPEND_UTF8_END:
		a->next = APPEND_MESSAGE_END;
		if (imap_expect(&r->args, ')', "Expected )"))
			return STEP_ON;
		imap_bad_args(r);
		return STEP_FAILED;
	case APPEND_MESSAGE_END:
		return read_end(r, announced);
	}
	return STEP_FAILED;
}

/* Reads from where the last literal ended as far as the next one, or the end (announced == NULL). r->args stands where the arguments
 * begin. */
static enum step read_on(struct imap_request *r, const struct imap_announced *announced)
{
	const char *begin = r->args.p;
	if (!r->s->append)
		r->s->append = create(r->s);
	struct imap_append *a = r->s->append;
	if (!a) {
		no_memory(r);
		return STEP_FAILED;
	}
	enum step result = STEP_ON;
	r->args.p += a->parsed;
	while (result == STEP_ON) {
		result = step(r, announced);
		if (result == STEP_ON || result == STEP_LITERAL)
			a->parsed = (size_t)(r->args.p - begin);
	}
	return result;
}

enum imap_literal imap_append_literal(struct imap_request *r, const struct imap_announced *announced)
{
	switch (read_on(r, announced)) {
	case STEP_GATHER:
		return IMAP_LITERAL_GATHER;
	case STEP_LITERAL:
		return IMAP_LITERAL_TAKE;
	default:
		return IMAP_LITERAL_REFUSE;
	}
}

void imap_append_octets(struct imap_session *s, struct str bytes)
{
	struct imap_append *a = s->append;
	bool *nul = a->binary ? &a->has_binary_nul : &a->has_nul;
	*nul = *nul || str_chr(bytes, '\0') != STR_NPOS;
	if (!a->code)
		a->code = spool_write(a->spool, bytes.p, bytes.n);
}

bool imap_append_end(struct imap_request *r) { return read_on(r, NULL) == STEP_END; }

bool imap_append_place(struct imap_request *r, struct imap_place *out)
{
	struct imap_append *a = r->s->append;
	if (!imap_place_target(r, a->mailbox, out))
		return false;
	for (size_t i = 0; i < a->count; i++)
		imap_place_filter(out, &a->item[i]);
	if (!a->count || account_id(out->account) == a->account)
		return true;
	/* The name led elsewhere when the first messages were stored. */
	imap_no(r, "[INUSE] The mailbox was moved meanwhile");
	return false;
}

struct str imap_append_uids(struct imap_request *r, uint32_t uidvalidity)
{
	const struct imap_append *a = r->s->append;
	uint32_t first = a->item[0].uid_out, last = a->item[a->count - 1].uid_out;
	if (first == last)
		return arena_printf(r->arena, "[APPENDUID %u %u]", uidvalidity, first);
	return arena_printf(r->arena, "[APPENDUID %u %u:%u]", uidvalidity, first, last);
}
