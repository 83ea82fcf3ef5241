#include "proto/imap/dispatch.h"

#include "proto/common/sasl.h"
#include "proto/imap/count.h"
#include "proto/imap/limits.h"
#include "proto/imap/message_limit.h"
#include "proto/imap/notify.h"
#include "proto/imap/place.h"
#include "proto/imap/sync.h"

#define NAME_MAX_BYTES 32                 /* longer than any name of the table; a test holds it */

/* "UID" takes the next word into the name: the table has "UID FETCH". */
static bool read_name(struct imap_cursor *c, struct str *name_out)
{
	if (!imap_atom(c, name_out))
		return false;
	if (!str_ieq(*name_out, STR("UID")))
		return true;
	struct str second;
	if (!imap_sp(c) || !imap_atom(c, &second))
		return false;
	name_out->n = (size_t)(second.p + second.n - name_out->p);
	return true;
}

/* Parses tag and name. False: r->reply is set; r->tag is empty when there was none to be found. */
static bool read_head(struct imap_request *r)
{
	struct str name;
	if (!imap_tag(&r->args, &r->tag) || (imap_peek(&r->args) != ' ' && imap_peek(&r->args) >= 0)) {
		r->tag = STR_NONE;
		imap_bad(r, "No tag");
		return false;
	}
	if (!imap_sp(&r->args) || !read_name(&r->args, &name)) {
		imap_bad_args(r);
		return false;
	}
	r->row = name.n <= NAME_MAX_BYTES ? imap_command_find(name) : NULL;
	if (!r->row) {
		imap_bad(r, "Unknown command");
		return false;
	}
	return true;
}

/* What the row asks for, before the arguments are looked at. */
static bool permit(struct imap_request *r)
{
	struct imap_session *s = r->s;
	imap_selected_look(s, !(r->row->flags & IMAP_NO_NEWS));
	if (!(r->row->states & s->state)) {
		/* RFC 9051 3: BAD or NO, as the server likes. */
		imap_bad(r, s->state == IMAP_NOT_AUTHENTICATED ? "Log in first"
				 : r->row->states & IMAP_NOT_AUTHENTICATED ? "Already logged in" : "Select a mailbox first");
		return false;
	}
	if (r->row->flags & IMAP_NUMBERS && imap_uidonly(s)) {
		imap_bad(r, "[UIDREQUIRED] Message numbers were given up by ENABLE UIDONLY");
		return false;
	}
	if (r->row->flags & IMAP_SHOWS_PASSWORD && !login_may_show_password(s->conn, s->config)) {
		imap_no(r, "[PRIVACYREQUIRED] Use STARTTLS first");
		return false;
	}
	if (r->row->flags & IMAP_MESSAGES && !s->selected.view) {
		imap_no(r, "[NONEXISTENT] The mailbox was deleted");
		return false;
	}
	/* RFC 4314 5.1.1: refused until the mailbox is closed, once the right to read it is gone. */
	if (r->row->flags & IMAP_MESSAGES && !imap_selected_allows(r, ACL_READ))
		return false;
	if (r->row->flags & IMAP_WRITES && s->selected.read_only) {
		imap_no(r, "[READ-ONLY] The mailbox was opened read-only");
		return false;
	}
	return true;
}

/* False: r->reply is set. */
static bool read_args_begin(struct imap_request *r)
{
	if (r->row->flags & IMAP_NO_ARGS ? imap_end(&r->args) : imap_peek(&r->args) < 0 || imap_sp(&r->args))
		return true;
	imap_bad_args(r);
	return false;
}

static void count_bad(struct imap_session *s, struct str reply)
{
	if (s->state != IMAP_NOT_AUTHENTICATED || !str_starts(reply, STR("BAD")))
		return;
	if (++s->bad >= IMAP_BAD_MAX_BEFORE_LOGIN)
		imap_bye(s, "Too many bad commands");
}

static void tell_news(struct imap_request *r)
{
	struct imap_session *s = r->s;
	if (imap_notify_wanted(s))
		imap_sync(s, imap_notify_at_once(s) || (!(r->row->flags & IMAP_KEEPS_NUMBERS) && !r->numbers_used));
	/* RFC 7162 3.2.4: what has been told of later changes must not make the client believe that it knows of these expunges. */
	if (s->selected.held && imap_qresync(s))
		conn_printf(s->conn, "* OK [HIGHESTMODSEQ %llu] VANISHED is delayed\r\n", (unsigned long long)s->selected.held);
}

static void finish(struct imap_request *r, enum imap_result result)
{
	struct imap_session *s = r->s;
	if (result == IMAP_CONTINUES) {
		if (!s->continued) {
			s->continued = r->row;
			s->continued_tag = str_dup_c(r->tag);
		}
		if (!s->continued_tag)
			imap_bye(s, "[UNAVAILABLE] Out of memory");
		return;
	}
	s->continued = NULL;
	free(s->continued_tag);
	s->continued_tag = NULL;
	if (result == IMAP_SENT)
		return;
	if (s->state == IMAP_SELECTED && r->row && !(r->row->flags & IMAP_NO_NEWS))
		tell_news(r);
	if (s->notify && s->state != IMAP_NOT_AUTHENTICATED)
		imap_notify_after(s);
	imap_message_limit_tell(r);
	imap_send(r);
	count_bad(s, r->reply);
}

static void request_init(struct imap_request *r, struct imap_session *s, struct str command, struct arena *arena)
{
	arena_init(arena, IMAP_ARENA_MAX);
	arena->wipe = s->state == IMAP_NOT_AUTHENTICATED;        /* quoted passwords are unquoted into it */
	*r = (struct imap_request){ .s = s, .conn = s->conn, .arena = arena };
	imap_cursor_init(&r->args, command, arena, imap_utf8(s));
}

static void request_fini(struct imap_request *r)
{
	imap_place_close_all(r);
	arena_fini(r->arena);
}

void imap_dispatch(struct imap_session *s, struct str command)
{
	struct arena arena;
	struct imap_request r;
	request_init(&r, s, command, &arena);
	s->commands++;
	bool ok = read_head(&r);
	imap_count_begin(&r);
	ok = ok && permit(&r) && read_args_begin(&r);
	if (ok && r.row->flags & IMAP_ONE_CHANGE)
		imap_notify_before(s);
	finish(&r, ok ? r.row->run(&r) : IMAP_REPLIED);
	imap_count_end(&r, false);
	request_fini(&r);
}

void imap_dispatch_continued(struct imap_session *s, struct str line)
{
	struct arena arena;
	struct imap_request r;
	request_init(&r, s, STR_NONE, &arena);
	r.row = s->continued;
	r.tag = arena_dup(&arena, str_from_c(s->continued_tag));
	imap_count_begin(&r);
	finish(&r, r.row->line(&r, line));
	imap_count_end(&r, true);
	request_fini(&r);
}

void imap_dispatch_too_long(struct imap_session *s, struct str begin)
{
	struct arena arena;
	struct imap_request r;
	if (s->continued) {
		/* No answer that is ever asked for is so long. "*" cancels (RFC 3501 6.2.2). */
		imap_dispatch_continued(s, STR("*"));
		return;
	}
	request_init(&r, s, begin, &arena);
	if (!imap_tag(&r.args, &r.tag))
		r.tag = STR_NONE;
	imap_bad(&r, "[LIMIT] Command too long");
	finish(&r, IMAP_REPLIED);
	request_fini(&r);
}

enum imap_literal imap_dispatch_literal(struct imap_session *s, struct str text, const struct imap_announced *a, size_t max,
										const struct imap_command **taker_out)
{
	struct arena arena;
	struct imap_request r;
	request_init(&r, s, text, &arena);
	enum imap_literal verdict = IMAP_LITERAL_REFUSE;
	if (read_head(&r) && permit(&r) && read_args_begin(&r)) {
		verdict = r.row->literal ? r.row->literal(&r, a) : IMAP_LITERAL_GATHER;
		if (s->state == IMAP_NOT_AUTHENTICATED && !a->synchronising && a->size > IMAP_LITERAL_MINUS_MAX) {
			imap_bad(&r, "[TOOBIG] Before login a literal over %u octets must wait", IMAP_LITERAL_MINUS_MAX);        /* RFC 7888 5 */
			verdict = IMAP_LITERAL_REFUSE;
		} else if (verdict == IMAP_LITERAL_GATHER && (a->size > max || text.n > max - a->size)) {
			imap_no(&r, "[LIMIT] Literal too big");
			verdict = IMAP_LITERAL_REFUSE;
		}
	}
	*taker_out = r.row;
	if (verdict == IMAP_LITERAL_REFUSE)
		finish(&r, IMAP_REPLIED);
	request_fini(&r);
	return verdict;
}
