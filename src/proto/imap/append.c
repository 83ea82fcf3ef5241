#include "proto/imap/append.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "codec/imap/append_args.h"
#include "codec/mime/header.h"
#include "codec/mime/nul.h"
#include "deliver/deliver.h"
#include "proto/imap/catenate.h"
#include "proto/imap/limits.h"
#include "proto/imap/message_limit.h"
#include "proto/imap/place.h"

/* ---- life ---- */

static struct imap_append *create(struct imap_session *s, enum imap_append_next first)
{
	struct imap_append *a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->model = services_model(s->services);
	arena_init(&a->arena, IMAP_APPEND_ARENA_MAX);
	a->next = first;
	a->replaces = first == APPEND_REPLACED;
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
	if (!imap_message_limit_allows(r, a->count + 1, NULL))
		return false;
	if (a->count == IMAP_APPEND_MESSAGES_MAX || a->octets + size > IMAP_APPEND_OCTETS_MAX) {
		imap_no(r, "[LIMIT] At most %u messages and %llu octets in one command", IMAP_APPEND_MESSAGES_MAX,
				(unsigned long long)IMAP_APPEND_OCTETS_MAX);
		return false;
	}
	struct quota q;
	int rc = account_quota(account, &q);
	if (rc)
		return fail(r, rc, NULL);
	if (a->replaces && account_id(account) == account_id(r->s->selected.account)) {
		q.bytes -= a->old_size <= q.bytes ? a->old_size : q.bytes;        /* RFC 8508 3.4 */
		q.messages -= q.messages > 0;
	}
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
	a->has_nul = a->has_binary_nul = false;
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

/* RFC 9755 4: a client that enabled no UTF-8 may not bring 8-bit header fields, if configuration holds it to that. */
static bool may_have_header(struct imap_request *r, struct str message)
{
	if (imap_utf8(r->s) || r->s->config->imap_append_8bit)
		return true;
	struct mime_header_walk walk = mime_header_walk(message);
	struct mime_header_field f;
	while (mime_header_next(&walk, &f)) {
		if (utf8_is_ascii(f.raw))
			continue;
		imap_no(r, "[CANNOT] 8-bit header fields: ENABLE UTF8=ACCEPT first");
		return false;
	}
	return true;
}

/* It is stored now, so that the next one finds the spool empty. */
static bool message_store(struct imap_request *r, struct str message)
{
	struct imap_append *a = r->s->append;
	struct err e = { 0 };
	if (!may_have_header(r, message))
		return false;
	int rc = deliver_prepare(a->model, a->account, &a->arena, message, &a->arriving, &e);
	if (rc)
		return fail(r, a->arena.failed ? arena_error(&a->arena) : rc, a->arena.failed ? NULL : &e);
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

/* RFC 8508 5: seq-number, or a UID of the same form. */
static enum step read_replaced(struct imap_request *r)
{
	struct imap_append *a = r->s->append;
	const struct view *view = r->s->selected.view;
	uint32_t number = 0;
	bool last = imap_take(&r->args, '*'), exact = false;
	if ((!last && !imap_nz_number(&r->args, &number)) || !imap_sp(&r->args)) {
		imap_bad_args(r);
		return STEP_FAILED;
	}
	bool uid = !(r->row->flags & IMAP_NUMBERS);
	uint32_t count = view_count(view), index = last ? count - 1 : uid ? view_find(view, number, &exact) : number - 1;
	if (!uid && index >= count) {
		imap_bad(r, "There is no message of that number");
		return STEP_FAILED;
	}
	if (!imap_selected_allows(r, IMAP_REPLACE_RIGHTS))
		return STEP_FAILED;
	struct message m = index < count ? view_at(view, index) : (struct message){ .flags = MESSAGE_GHOST };
	if (m.flags & MESSAGE_GHOST || (uid && !last && !exact)) {
		imap_no(r, uid ? "[NONEXISTENT] There is no message of that UID" : "[EXPUNGEISSUED] The message no longer exists");
		return STEP_FAILED;
	}
	a->old_uid = m.uid;
	a->old_size = m.size;
	a->next = APPEND_MAILBOX;
	return STEP_ON;
}

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

/* The place is asked for, and the account noted whose tag the bodies get. */
static bool permit(struct imap_request *r, uint64_t size)
{
	struct imap_place place;
	if (!imap_append_place(r, &place))
		return false;
	r->s->append->account = account_id(place.account);
	return check_room(r, place.account, size);
}

/* What can be refused is refused before the literal is asked for. */
static bool permit_literal(struct imap_request *r, bool utf8, const struct imap_announced *announced)
{
	struct imap_append *a = r->s->append;
	if (!announced) {
		imap_bad(r, "Expected a literal");
		return false;
	}
	if (utf8 && !announced->binary) {
		imap_bad(r, "UTF8 wants a literal8");
		return false;
	}
	if (utf8 && !imap_utf8_accept(r->s)) {
		imap_no(r, "[CANNOT] ENABLE UTF8=ACCEPT first");
		return false;
	}
	if (!announced->size && !a->catenates) {
		/* RFC 3502 6.3.11: an error, which also serves to cancel. */
		imap_no(r, "[CANNOT] The message is empty");
		return false;
	}
	uint64_t before = a->spool ? spool_size(a->spool) : 0;
	a->binary = announced->binary;
	return permit(r, announced->size > UINT64_MAX - before ? UINT64_MAX : before + announced->size);
}

static enum step read_message(struct imap_request *r, const struct imap_announced *announced)
{
	struct imap_append *a = r->s->append;
	struct imap_append_message args;
	if (!imap_sp(&r->args) || !imap_append_message(&r->args, &args)) {
		imap_bad_args(r);
		return STEP_FAILED;
	}
	a->catenates = args.form == IMAP_APPEND_CATENATE;
	if (a->catenates) {
		a->next = APPEND_PART;
		return permit(r, 0) && message_begin(r, &args, r->s->config->message_size_max) ? STEP_ON : STEP_FAILED;
	}
	bool utf8 = args.form == IMAP_APPEND_UTF8;
	if (!permit_literal(r, utf8, announced) || !message_begin(r, &args, announced->size))
		return STEP_FAILED;
	a->next = utf8 ? APPEND_UTF8_END : APPEND_MESSAGE_END;
	return STEP_LITERAL;
}

/* RFC 4469 3: the octets are copied as they are. */
static bool copy_url(struct imap_request *r, struct str url)
{
	struct imap_append *a = r->s->append;
	struct url_part part;
	bool ok = imap_catenate_open(r, url, &part);
	if (ok) {
		struct str octets = url_part_octets(&part);
		ok = !part.scratch.failed ? permit(r, spool_size(a->spool) + octets.n) : no_memory(r);
		if (ok && !a->code)
			a->code = spool_write(a->spool, octets.p, octets.n);
		if (ok && !a->code && !url_part_intact(&part))
			a->code = ERR_IO;
	}
	url_part_close(&part);
	return ok;
}

static enum step read_part(struct imap_request *r, const struct imap_announced *announced)
{
	struct imap_append *a = r->s->append;
	enum imap_append_part kind;
	struct str url;
	if (!imap_append_part(&r->args, &kind, &url)) {
		imap_bad_args(r);
		return STEP_FAILED;
	}
	if (kind == IMAP_PART_URL) {
		if (!url.p && announced)
			return STEP_GATHER;
		a->next = APPEND_PART_END;
		if (url.p)
			return copy_url(r, url) ? STEP_ON : STEP_FAILED;
		imap_bad(r, "The URL is missing");
		return STEP_FAILED;
	}
	if (!permit_literal(r, kind == IMAP_PART_UTF8, announced))
		return STEP_FAILED;
	a->next = kind == IMAP_PART_UTF8 ? APPEND_UTF8_END : APPEND_PART_END;
	return STEP_LITERAL;
}

static enum step read_part_end(struct imap_request *r)
{
	struct imap_append *a = r->s->append;
	if (imap_take(&r->args, ' ')) {
		a->next = APPEND_PART;
		return STEP_ON;
	}
	a->next = APPEND_MESSAGE_END;
	if (!imap_expect(&r->args, ')', "Expected another part or )")) {
		imap_bad_args(r);
		return STEP_FAILED;
	}
	if (!spool_size(a->spool) && !a->code) {
		imap_no(r, "[CANNOT] The message is empty");
		return STEP_FAILED;
	}
	return STEP_ON;
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
	if (a->replaces) {
		imap_bad(r, "REPLACE takes one message");        /* RFC 8508 4.7 */
		return STEP_FAILED;
	}
	a->next = APPEND_MESSAGE;
	return message_end(r) ? STEP_ON : STEP_FAILED;
}

static enum step step(struct imap_request *r, const struct imap_announced *announced)
{
	struct imap_append *a = r->s->append;
	switch (a->next) {
	case APPEND_REPLACED:
		return read_replaced(r);
	case APPEND_MAILBOX:
		return read_mailbox(r, announced);
	case APPEND_MESSAGE:
		return read_message(r, announced);
	case APPEND_PART:
		return read_part(r, announced);
	case APPEND_PART_END:
		return read_part_end(r);
	case APPEND_UTF8_END:
		a->next = a->catenates ? APPEND_PART_END : APPEND_MESSAGE_END;
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
static enum step read_on(struct imap_request *r, enum imap_append_next first, const struct imap_announced *announced)
{
	const char *begin = r->args.p;
	if (!r->s->append)
		r->s->append = create(r->s, first);
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

static enum imap_literal verdict(enum step result)
{
	return result == STEP_GATHER ? IMAP_LITERAL_GATHER : result == STEP_LITERAL ? IMAP_LITERAL_TAKE : IMAP_LITERAL_REFUSE;
}

enum imap_literal imap_append_literal(struct imap_request *r, const struct imap_announced *announced)
{
	return verdict(read_on(r, APPEND_MAILBOX, announced));
}

enum imap_literal imap_replace_literal(struct imap_request *r, const struct imap_announced *announced)
{
	return verdict(read_on(r, APPEND_REPLACED, announced));
}

void imap_append_octets(struct imap_session *s, struct str bytes)
{
	struct imap_append *a = s->append;
	bool *nul = a->binary ? &a->has_binary_nul : &a->has_nul;
	*nul = *nul || str_chr(bytes, '\0') != STR_NPOS;
	if (!a->code)
		a->code = spool_write(a->spool, bytes.p, bytes.n);
}

bool imap_append_end(struct imap_request *r) { return read_on(r, APPEND_MAILBOX, NULL) == STEP_END; }
bool imap_replace_end(struct imap_request *r) { return read_on(r, APPEND_REPLACED, NULL) == STEP_END; }

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
