/* APPEND. The literal goes to a spool as it arrives; all that can be refused is refused before it is asked for. */
#include "base/clock.h"
#include "deliver/deliver.h"
#include "proto/imap/append.h"
#include "proto/imap/commands.h"
#include "proto/imap/place.h"
#include "rt/spool.h"

struct imap_append {
	struct spool *spool;
	int code;                     /* the first error; later octets are dropped */
	bool has_nul;
};

struct append_args {
	struct str mailbox;
	struct imap_flags flags;
	int64_t date;
	bool utf8;                    /* "UTF8 (" of RFC 6855 4 stands before the literal */
};

void imap_append_discard(struct imap_append **a)
{
	if (!*a)
		return;
	spool_destroy(&(*a)->spool);
	free(*a);
	*a = NULL;
}

/* mailbox SP [flag-list SP] [date-time SP] ["UTF8 ("]: all before the message. */
static bool read_args(struct imap_cursor *c, struct append_args *out)
{
	*out = (struct append_args){ .date = clock_now() };
	if (!imap_mailbox(c, &out->mailbox) || !imap_sp(c))
		return false;
	if (imap_peek(c) == '(' && (!imap_flag_list(c, &out->flags) || !imap_sp(c)))
		return false;
	if (imap_peek(c) == '"' && (!imap_date_time(c, &out->date) || !imap_sp(c)))
		return false;
	out->utf8 = imap_take_word(c, "UTF8");
	return !out->utf8 || (imap_sp(c) && imap_expect(c, '(', "Expected ("));
}

/* May a message of that size go into that mailbox? False: the reply is set. */
static bool check_room(struct imap_request *r, struct account *account, uint64_t size)
{
	struct imap_session *s = r->s;
	if (size > s->config->message_size_max) {
		/* RFC 4469 5 */
		imap_no(r, "[TOOBIG] At most %llu octets", (unsigned long long)s->config->message_size_max);
		return false;
	}
	struct quota q;
	int rc = account_quota(account, &q);
	if (rc) {
		imap_error(r, rc, NULL);
		return false;
	}
	bool bytes_fit = !q.bytes_max || (size <= q.bytes_max && q.bytes <= q.bytes_max - size);
	if (!bytes_fit || (q.messages_max && q.messages >= q.messages_max)) {
		imap_no(r, "[OVERQUOTA] No room for it");
		return false;
	}
	return true;
}

static bool begin(struct imap_request *r, uint64_t size)
{
	struct imap_session *s = r->s;
	struct imap_append *a = calloc(1, sizeof(*a));
	int rc = a ? spool_create(s->config->spool_dir.p, (size_t)size, &a->spool) : ERR_NO_MEMORY;
	if (rc) {
		imap_append_discard(&a);
		imap_error(r, rc, NULL);
		return false;
	}
	s->append = a;
	return true;
}

enum imap_literal imap_literal_append(struct imap_request *r, const struct imap_announced *announced)
{
	struct append_args args;
	struct imap_place place;
	if (imap_peek(&r->args) < 0)
		return IMAP_LITERAL_GATHER;              /* the mailbox name is a literal */
	if (!read_args(&r->args, &args) || !imap_end(&r->args) || r->s->append) {
		imap_bad_args(r);
		return IMAP_LITERAL_REFUSE;
	}
	if (args.utf8 != announced->binary) {
		imap_bad(r, "literal8 stands with UTF8, and only there");        /* RFC 6855 4 */
		return IMAP_LITERAL_REFUSE;
	}
	if (args.utf8 && !imap_utf8(r->s)) {
		imap_no(r, "[CANNOT] ENABLE UTF8=ACCEPT first");
		return IMAP_LITERAL_REFUSE;
	}
	if (!announced->size) {
		imap_no(r, "[CANNOT] The message is empty");
		return IMAP_LITERAL_REFUSE;
	}
	if (!imap_place_target(r, args.mailbox, &place) || !check_room(r, place.account, announced->size) || !begin(r, announced->size))
		return IMAP_LITERAL_REFUSE;
	return IMAP_LITERAL_TAKE;
}

void imap_octets_append(struct imap_session *s, struct str bytes)
{
	struct imap_append *a = s->append;
	a->has_nul = a->has_nul || str_chr(bytes, '\0') != STR_NPOS;
	if (!a->code)
		a->code = spool_write(a->spool, bytes.p, bytes.n);
}

static enum imap_result store(struct imap_request *r, const struct append_args *args, struct str message)
{
	struct imap_session *s = r->s;
	struct imap_place place;
	if (!imap_place_target(r, args->mailbox, &place))
		return IMAP_REPLIED;
	struct err e = { 0 };
	struct append item = {
		.date = args->date,
		.flags = args->flags.system,
		.keywords = args->flags.keyword,
		.n_keywords = args->flags.keyword_count,
	};
	uint32_t uidvalidity;
	int rc = deliver_prepare(services_model(s->services), account_id(place.account), r->arena, message, &item, &e);
	if (!rc)
		rc = mailbox_append(place.account, place.mailbox.id, &item, 1, false, &uidvalidity);
	if (rc == ERR_NOT_FOUND)
		return imap_no(r, "[TRYCREATE] No such mailbox");
	if (rc)
		return imap_error(r, rc, &e);
	return imap_ok(r, "[APPENDUID %u %u] APPEND completed", uidvalidity, item.uid_out);      /* RFC 4315 3 */
}

/* r->args is the command without its literal, so ")" follows "UTF8 (" at once. */
enum imap_result imap_cmd_append(struct imap_request *r)
{
	struct imap_append *a = r->s->append;
	struct append_args args;
	struct str message;
	if (!read_args(&r->args, &args) || (args.utf8 && !imap_expect(&r->args, ')', "Expected )")) || !imap_end(&r->args))
		return imap_bad_args(r);
	if (!a)
		return imap_bad(r, "Expected a literal");
	if (a->has_nul)
		return imap_bad(r, "NUL in the message");        /* RFC 3501 4.3 */
	int rc = a->code ? a->code : spool_bytes(a->spool, &message);
	return rc ? imap_error(r, rc, NULL) : store(r, &args, message);
}
