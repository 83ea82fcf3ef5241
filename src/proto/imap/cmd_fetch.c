/* FETCH and UID FETCH: RFC 3501 6.4.5 and 6.4.8; CHANGEDSINCE and MODSEQ: RFC 7162 3.1.4; BINARY: RFC 3516. */
#include "proto/imap/message_commands.h"

#include "codec/imap/fetch_att.h"
#include "codec/imap/format.h"
#include "codec/imap/section.h"
#include "proto/imap/email_batch.h"
#include "proto/imap/fetch_items.h"
#include "proto/imap/limits.h"
#include "proto/imap/message_limit.h"
#include "proto/imap/message_set.h"
#include "proto/imap/place.h"
#include "proto/imap/resync.h"
#include "proto/imap/sync.h"

/* So many octets are formatted before they are sent. */
#define BATCH_OCTETS ((size_t)64 << 10)
/* Pieces from this size on go to the socket out of the map; smaller ones are copied, to be sent together. */
#define LARGE_OCTETS ((size_t)32 << 10)

#define SUMMARY_ITEMS (IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY | IMAP_FETCH_BODYSTRUCTURE | IMAP_FETCH_PREVIEW)
#define EMAIL_ITEMS (SUMMARY_ITEMS | IMAP_FETCH_THREADID)

struct fetch {
	struct imap_request *r;
	struct imap_session *s;
	struct imap_fetch args;
	bool uid;
	struct imap_seqset set;              /* what the client named, */
	struct rangeset numbers;             /* the messages these are */
	struct rangeset changed;             /* UIDs whose new flags are to be told along */
	struct imap_items items;
	struct buf *out;
	struct buf scratch;
	struct imap_located *located;        /* one for each section */
	struct imap_email_batch emails;      /* ended before anything is sent */
	bool streamed;                       /* a part of the present message was sent */
	bool missing;                        /* a message was expunged meanwhile */
	bool unknown_encoding;               /* BINARY of a part that cannot be decoded was asked */
	int err;                             /* of the first message that could not be read */
};

static bool is_wanted(const struct fetch *f, const struct message *m)
{
	return !f->args.has_changed_since || m->modseq > f->args.changed_since;
}

/* ---- before: \Seen and news ---- */

/* The messages that become \Seen by being read: RFC 3501 6.4.5. */
static int find_unseen(struct fetch *f, struct rangeset *uids_out)
{
	struct imap_message_walk walk;
	const struct message *m;
	int err = 0;
	imap_message_walk_init(&walk, f->s->selected.view, &f->numbers);
	while (!err && (m = imap_message_walk_next(&walk)))
		if (!(m->flags & (MESSAGE_SEEN | MESSAGE_GHOST)) && is_wanted(f, m))
			err = rangeset_add(uids_out, m->uid, m->uid);
	return err;
}

/* That they cannot be marked (the disk is full) is no reason not to show them. */
static void mark_seen(struct fetch *f, const struct rangeset *unseen)
{
	static const struct flags_change seen = { .op = FLAGS_ADD, .flags = MESSAGE_SEEN };
	int err = mailbox_flags(f->s->selected.account, f->s->selected.mailbox, unseen, &seen, NULL, NULL, NULL);
	if (err)
		conn_log(f->r->conn, LOG_WARN, "imap.seen", LOG_LIST(LOG_C("error", err_text(err))));
}

/* RFC 7162 3.2.6: before any FETCH response, so before the news. */
static int tell_earlier(struct fetch *f)
{
	struct rangeset known = RANGESET_INIT;
	/* RFC 5182 2.1: what is expunged is taken out of "$", so there is nothing to tell. */
	if (f->set.saved)
		return 0;
	int err = imap_seqset_uids(&f->set, imap_largest_uid(f->s->selected.view), &known);
	if (!err)
		err = imap_tell_earlier(f->s, &known, f->args.changed_since, 0);
	rangeset_fini(&known);
	return err;
}

/* After this the view is fresh; flags that the responses are going to tell anyway are not told twice. */
static int prepare(struct fetch *f)
{
	struct imap_session *s = f->s;
	struct rangeset own = RANGESET_INIT;
	int err = 0;
	/* RFC 4314 section 4: without the right to set \Seen it is not set, and nothing is said of it. */
	if (f->args.sets_seen && !s->selected.read_only && s->selected.rights & ACL_SEEN)
		err = find_unseen(f, &own);
	if (!err && own.n)
		mark_seen(f, &own);
	if (!err && f->args.items & IMAP_FETCH_FLAGS && !f->args.has_changed_since)
		err = imap_numbers_to_uids(s->selected.view, &f->numbers, &own);
	if (!err)
		err = imap_sync_except(s, &own, &f->changed, NULL);
	rangeset_fini(&own);
	return err;
}

/* ---- one message ---- */

static void add_section_label(struct fetch *f, char *separator, const struct imap_section *section)
{
	buf_add_char(f->out, *separator);
	*separator = ' ';
	buf_add_str(f->out, section->label);
	buf_add_char(f->out, ' ');
}

static void write_octets(struct fetch *f, const struct store_blob_view *blob, struct str octets, bool literal8)
{
	buf_printf(f->out, "%s{%zu}\r\n", literal8 ? "~" : "", octets.n);        /* RFC 3516 4.3 */
	if (octets.n < LARGE_OCTETS) {
		buf_add_str(f->out, octets);
		return;
	}
	imap_email_batch_end(&f->emails);
	/* The last octet waits until it is known that the others were right. */
	char last = octets.p[octets.n - 1];
	f->streamed = true;
	conn_write_large(f->r->conn, octets.p, octets.n - 1);
	if (!email_intact(f->s->selected.account, blob))
		imap_break_off(f->s);
	buf_add_char(f->out, last);
}

/* Only what was located and mapped comes here, so nothing can fail but the socket (and memory). */
static void write_sections(struct fetch *f, char *separator, const struct store_blob_view *blob, bool has_nul)
{
	struct str message = blob->bytes;
	for (size_t i = 0; i < f->args.section_count; i++) {
		const struct imap_section *section = &f->args.section[i];
		add_section_label(f, separator, section);
		if (f->located[i].nil) {
			buf_add_c(f->out, section->as == IMAP_AS_SIZE ? "0" : "NIL");
			continue;
		}
		if (section->as == IMAP_AS_SIZE) {
			buf_add_u64(f->out, imap_section_decoded_size(&f->located[i], message, &f->scratch));
			continue;
		}
		bool decoded = section->as == IMAP_AS_DECODED;
		struct str octets = decoded ? imap_section_decoded(section, &f->located[i], message, &f->scratch)
									: imap_section_octets(section, &f->located[i], message, has_nul, &f->scratch);
		write_octets(f, blob, octets, decoded && str_chr(octets, '\0') != STR_NPOS);
	}
	/* There is no way back to a NO: what was begun is not ended. */
	if (f->scratch.failed)
		imap_bye(f->s, "[UNAVAILABLE] Out of memory");
}

/* What needs the email: 0, or an error and nothing was sent of the message. */
static int write_email(struct fetch *f, char *separator, const struct message *m)
{
	struct email email;
	struct mime_summary summary;
	struct store_blob_view blob;
	int err = imap_email_get(&f->emails, m->email, &email);
	if (!err)
		imap_items_email(&f->items, f->out, separator, f->args.items, &email);
	if (err || !(f->args.items & SUMMARY_ITEMS || f->args.section_count))
		return err;
	err = mime_summary_open(&summary, email.summary);
	if (!err)
		err = imap_items_summary(&f->items, f->out, separator, f->args.items, &summary);
	if (!err)
		err = imap_sections_locate(&f->args, &summary, f->located);
	f->unknown_encoding |= err == ERR_UNSUPPORTED;
	if (err || !f->args.section_count)
		return err;
	bool has_nul = summary.defects & MIME_HAS_NUL;
	err = email_map_blob(f->s->selected.account, email.blob, &blob);
	if (err)
		return err;
	write_sections(f, separator, &blob, has_nul);
	/* Where pages are gone there are zeros. What was not sent yet is taken back; else there is no way but to break off. */
	if (!email_intact(f->s->selected.account, &blob)) {
		err = ERR_CORRUPT;
		if (f->streamed)
			imap_break_off(f->s);
	}
	email_unmap(f->s->selected.account, &blob);
	return err;
}

static void write_message(struct fetch *f, uint32_t number, const struct message *m)
{
	size_t begin = f->out->n;
	char separator;
	f->streamed = false;
	uint32_t items = f->args.items;
	if (f->changed.n && rangeset_has(&f->changed, m->uid))
		items |= IMAP_FETCH_FLAGS;
	imap_items_begin(&f->items, f->out, number, m, &separator);
	imap_items_view(&f->items, f->out, &separator, items, m);
	if (items & EMAIL_ITEMS || f->args.section_count) {
		int err = write_email(f, &separator, m);
		if (err) {
			if (!f->streamed)
				f->out->n = begin;
			f->missing |= err == ERR_NOT_FOUND;
			if (!f->err && err != ERR_NOT_FOUND)
				f->err = err;
			return;
		}
	}
	imap_items_end(f->out);
}

/* ---- all of them ---- */

/* RFC 9394 3.3: which of the messages named are meant, before CHANGEDSINCE is asked. */
static int cut_to_partial(struct fetch *f)
{
	size_t skip, left;
	struct rangeset cut = RANGESET_INIT;
	int err = 0;
	imap_partial_of(&f->args.partial, (size_t)rangeset_count(&f->numbers), &skip, &left);
	for (size_t i = 0; i < f->numbers.n && left && !err; i++) {
		struct range r = f->numbers.v[i];
		size_t n = (size_t)(r.hi - r.lo) + 1;
		if (skip >= n) {
			skip -= n;
			continue;
		}
		n = n - skip < left ? n - skip : left;
		err = rangeset_add(&cut, r.lo + (uint32_t)skip, r.lo + (uint32_t)(skip + n - 1));
		skip = 0;
		left -= n;
	}
	rangeset_fini(&f->numbers);
	f->numbers = cut;
	return err;
}

static int write_all(struct fetch *f)
{
	struct imap_message_walk walk;
	const struct message *m;
	int err = 0;
	imap_message_walk_init(&walk, f->s->selected.view, &f->numbers);
	if (f->r->limited_uid)
		imap_message_walk_down(&walk);
	while (!err && (m = imap_message_walk_next(&walk))) {
		if (!is_wanted(f, m))
			continue;
		write_message(f, walk.number, m);
		if (f->out->n < BATCH_OCTETS)
			continue;
		imap_email_batch_end(&f->emails);
		err = conn_out_check(f->r->conn);
	}
	imap_email_batch_end(&f->emails);
	return err;
}

/* RFC 9738 3.1: a PARTIAL is refused over the limit, all else is cut to it. False: the reply is set. */
static bool limit(struct fetch *f)
{
	uint32_t most = f->s->config->imap_message_limit;
	size_t skip, count;
	if (!f->args.has_partial) {
		imap_message_limit_cut(f->r, &f->numbers);
		return true;
	}
	imap_partial_of(&f->args.partial, (size_t)rangeset_count(&f->numbers), &skip, &count);
	if (!most || count <= most)
		return true;
	imap_no(f->r, "[MESSAGELIMIT %u] Too many messages for one command", most);
	return false;
}

static enum imap_result run(struct fetch *f)
{
	struct imap_request *r = f->r;
	if (f->args.items & IMAP_FETCH_MODSEQ)
		imap_enable_condstore(r);
	/* RFC 7162 3.1: MODSEQ in all FETCH responses from then on; RFC 3501 6.4.8: UID in all of a UID command. */
	if (imap_condstore(f->s))
		f->args.items |= IMAP_FETCH_MODSEQ;
	if (f->uid && !imap_uidonly(f->s))
		f->args.items |= IMAP_FETCH_UID;
	if (f->args.vanished) {
		int err = tell_earlier(f);
		if (err)
			return imap_error(r, err, NULL);
	}
	f->located = arena_array(r->arena, f->args.section_count ? f->args.section_count : 1, sizeof(*f->located));
	int err = f->located ? 0 : ERR_NO_MEMORY;
	if (!err && f->args.has_partial)
		err = cut_to_partial(f);
	if (!err)
		err = prepare(f);
	if (err)
		return imap_error(r, err, NULL);
	if (f->s->selected.view) {
		imap_items_init(&f->items, f->s);
		write_all(f);
	}
	if (f->unknown_encoding)
		return imap_no(r, "[UNKNOWN-CTE] The content-transfer-encoding of a part is unknown");        /* RFC 3516 4.3 */
	if (f->err)
		return imap_error(r, f->err, NULL);
	/* RFC 2180 4.1.2. A UID that is not there is no error. */
	if (f->missing && !f->uid)
		return imap_no(r, "[EXPUNGEISSUED] Some of the messages no longer exist");
	return imap_ok(r, "%s completed", r->row->name);
}

static enum imap_result fetch(struct imap_request *r, bool uid)
{
	struct fetch f = { .r = r, .s = r->s, .uid = uid, .out = conn_out(r->conn), .scratch = BUF_INIT(0), .emails = { .account = r->s->selected.account } };
	enum imap_result result = IMAP_REPLIED;
	if (!imap_seqset(&r->args, &f.set) || !imap_sp(&r->args) || !imap_fetch_args(&r->args, &f.args))
		result = imap_bad_args(r);
	else if (f.args.has_partial && !uid)
		result = imap_bad(r, "PARTIAL is for UID FETCH");
	else if (f.args.vanished && !(uid && imap_qresync(f.s)))
		result = imap_bad(r, "VANISHED is for UID FETCH after ENABLE QRESYNC");
	else if (imap_resolve_messages(r, &f.set, uid, &f.numbers) && limit(&f))
		result = run(&f);
	buf_fini(&f.scratch);
	rangeset_fini(&f.numbers);
	rangeset_fini(&f.changed);
	return result;
}

int imap_fetch_unasked(struct imap_session *s, const struct imap_fetch *wanted, const struct rangeset *numbers)
{
	struct arena arena;
	arena_init(&arena, IMAP_ARENA_MAX);
	struct imap_request r = { .s = s, .conn = s->conn, .arena = &arena };
	struct fetch f = { .r = &r, .s = s, .args = *wanted, .out = conn_out(s->conn), .scratch = BUF_INIT(0), .emails = { .account = s->selected.account } };
	f.args.items |= imap_items_unasked(s);
	f.located = arena_array(&arena, f.args.section_count ? f.args.section_count : 1, sizeof(*f.located));
	int err = f.located ? rangeset_copy(&f.numbers, numbers) : ERR_NO_MEMORY;
	if (!err) {
		imap_items_init(&f.items, s);
		write_all(&f);
	}
	buf_fini(&f.scratch);
	rangeset_fini(&f.numbers);
	arena_fini(&arena);
	return err;
}

enum imap_result imap_cmd_fetch(struct imap_request *r) { return fetch(r, false); }
enum imap_result imap_cmd_uid_fetch(struct imap_request *r) { return fetch(r, true); }
