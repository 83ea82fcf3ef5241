/* Any bytes as one command: tag, name, arguments. What was read is read again, so that ASan sees every slice; the result
 * must be either a value or a text for BAD. */
#include "base/arena.h"
#include "codec/imap/append_args.h"
#include "codec/imap/cursor.h"
#include "codec/imap/fetch_att.h"
#include "codec/imap/id.h"
#include "codec/imap/list_args.h"
#include "codec/imap/notify_args.h"
#include "codec/imap/metadata_args.h"
#include "codec/imap/quota_args.h"
#include "codec/imap/rights.h"
#include "codec/imap/search_key.h"
#include "codec/imap/select_args.h"
#include "codec/imap/search_return.h"
#include "codec/imap/seqset.h"
#include "codec/imap/sort_args.h"
#include "codec/imap/status_att.h"
#include "codec/imap/store_args.h"
#include "codec/imap/url_args.h"

#include <stdint.h>
#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned touched;

static void touch(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		touched += (unsigned char)s.p[i];
}

static bool seqset(struct imap_cursor *c)
{
	struct imap_seqset s;
	struct rangeset set = RANGESET_INIT;
	if (!imap_seqset(c, &s))
		return false;
	(void)imap_seqset_uids(&s, 1000, &set);
	for (size_t i = 1; i < set.n; i++)
		MUST(set.v[i].lo > set.v[i - 1].hi);
	rangeset_clear(&set);
	if (imap_seqset_numbers(&s, 1000, &set) == 0)
		MUST(set.n == 0 || set.v[set.n - 1].hi <= 1000);
	rangeset_fini(&set);
	return true;
}

static bool fetch(struct imap_cursor *c)
{
	struct imap_fetch f;
	if (!seqset(c) || !imap_sp(c) || !imap_fetch_args(c, &f))
		return false;
	MUST(f.items || f.section_count);
	for (size_t i = 0; i < f.section_count; i++) {
		touch(f.section[i].label);
		MUST(f.section[i].label.n > 0);
		MUST(!f.section[i].partial || f.section[i].count > 0);
		for (size_t k = 0; k < f.section[i].field_count; k++)
			touch(f.section[i].field[k]);
	}
	return true;
}

static bool store(struct imap_cursor *c)
{
	struct imap_store s;
	if (!seqset(c) || !imap_sp(c) || !imap_store_args(c, &s))
		return false;
	for (size_t i = 0; i < s.flags.keyword_count; i++) {
		touch(s.flags.keyword[i]);
		MUST(s.flags.keyword[i].n > 0);
	}
	return true;
}

static bool append(struct imap_cursor *c)
{
	struct str name;
	struct imap_append_message m;
	if (!imap_mailbox(c, &name) || !imap_sp(c))
		return false;
	touch(name);
	if (!imap_append_message(c, &m))
		return false;
	for (size_t i = 0; i < m.flags.keyword_count; i++)
		touch(m.flags.keyword[i]);
	MUST(!m.has_date || (m.date > -70000000000 && m.date < 260000000000));
	enum imap_append_part part = IMAP_PART_TEXT;
	struct str url = STR_NONE;
	while (m.form == IMAP_APPEND_CATENATE && (!url.p || imap_sp(c))) {
		if (!imap_append_part(c, &part, &url))
			return false;
		if (!url.p || imap_peek(c) < 0)
			break;
		touch(url);
	}
	return !c->error;
}

static bool list_of(struct imap_cursor *c, bool (*read)(struct imap_cursor *, struct imap_list *))
{
	struct imap_list l;
	if (!read(c, &l))
		return false;
	touch(l.reference);
	MUST(l.extended || l.pattern_count == 1);
	for (size_t i = 0; i < l.pattern_count; i++) {
		touch(l.pattern[i]);
		MUST(!l.extended || l.pattern[i].n);
		(void)imap_list_match(l.pattern[i], l.reference, '/');
	}
	MUST(!(l.select & IMAP_LIST_RECURSIVE) || l.select & IMAP_LIST_BASE);
	MUST(!(l.returns & IMAP_LIST_RETURN_STATUS) || l.status);
	MUST(!(l.returns & IMAP_LIST_RETURN_METADATA) || l.entry_count);
	for (size_t i = 0; i < l.entry_count; i++)
		touch(l.entry[i]);
	(void)imap_list_match_any(&l, STR("INBOX/a/bb/ccc/dddd"), '/');
	return true;
}

static bool list(struct imap_cursor *c) { return list_of(c, imap_list_args); }
static bool lsub(struct imap_cursor *c) { return list_of(c, imap_lsub_args); }

static bool status(struct imap_cursor *c)
{
	struct str name;
	uint32_t items;
	return imap_mailbox(c, &name) && imap_sp(c) && imap_status_args(c, &items);
}

static bool id(struct imap_cursor *c)
{
	struct imap_id_pair *v;
	size_t n;
	if (!imap_id_args(c, &v, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		touch(v[i].name);
		touch(v[i].value);
	}
	return true;
}

static void touch_entry(struct str name)
{
	touch(name);
	MUST(name.n > 6 && name.p[0] == '/' && name.p[name.n - 1] != '/');
	MUST(imap_metadata_matches(name, IMAP_DEPTH_0, name));
}

static bool get_metadata(struct imap_cursor *c)
{
	struct imap_get_metadata get;
	if (!imap_get_metadata_args(c, &get))
		return false;
	touch(get.mailbox);
	MUST(get.count);
	for (size_t i = 0; i < get.count; i++)
		touch_entry(get.entry[i]);
	return true;
}

static bool set_metadata(struct imap_cursor *c)
{
	struct imap_set_metadata set;
	if (!imap_set_metadata_args(c, &set))
		return false;
	touch(set.mailbox);
	MUST(set.count);
	for (size_t i = 0; i < set.count; i++) {
		touch_entry(set.v[i].name);
		touch(set.v[i].value);
	}
	return true;
}

static bool set_quota(struct imap_cursor *c)
{
	struct imap_set_quota set;
	if (!imap_set_quota_args(c, &set))
		return false;
	touch(set.root);
	touch(set.unknown);
	for (unsigned i = 0; i < IMAP_QUOTA_RESOURCES; i++)
		MUST(set.limit[i] <= INT64_MAX && (set.has[i] || !set.limit[i]));
	return true;
}

static bool setacl(struct imap_cursor *c)
{
	struct str name, identifier;
	enum imap_rights_op op;
	uint32_t rights;
	if (!imap_mailbox(c, &name) || !imap_sp(c) || !imap_astring(c, &identifier) || !imap_sp(c) || !imap_mod_rights(c, &op, &rights))
		return false;
	touch(identifier);
	MUST((rights & ~IMAP_RIGHTS_ALL) == 0);
	return true;
}

static bool search(struct imap_cursor *c)
{
	struct imap_search_return r;
	struct imap_search s;
	size_t at, count;
	if (!imap_search_return(c, &r))
		return false;
	if (r.options & IMAP_RETURN_PARTIAL) {
		imap_partial_of(&r.partial, 1000, &at, &count);
		MUST(at + count <= 1000);
	}
	return imap_search_args(c, &s) == 0;
}

static bool select_box(struct imap_cursor *c)
{
	struct str name;
	struct imap_select s;
	if (!imap_mailbox(c, &name) || !imap_select_args(c, &s))
		return false;
	struct imap_sample_walk walk = { .q = &s.qresync };
	struct imap_sample run;
	uint64_t number = 0, uid = 0;
	while (imap_sample_next(&walk, &run)) {
		MUST(run.count > 0 && run.number > number && run.uid > uid);
		number = (uint64_t)run.number + run.count - 1;
		uid = (uint64_t)run.uid + run.count - 1;
		MUST(number <= UINT32_MAX && uid <= UINT32_MAX);
	}
	return true;
}

static bool notify(struct imap_cursor *c)
{
	struct imap_notify_args n;
	if (imap_notify_args(c, &n))
		return false;
	MUST(n.none || n.group_count);
	for (size_t i = 0; i < n.group_count; i++) {
		const struct imap_notify_group *g = &n.group[i];
		MUST(!(g->events & IMAP_NOTIFY_NEW) == !(g->events & IMAP_NOTIFY_EXPUNGE));
		MUST((g->filter >= IMAP_NOTIFY_SUBTREE) == (g->name_count > 0));
		for (size_t k = 0; k < g->name_count; k++)
			touch(g->name[k]);
		for (size_t k = 0; k < g->fetch.section_count; k++)
			touch(g->fetch.section[k].label);
	}
	return true;
}

static bool sort(struct imap_cursor *c)
{
	struct imap_sort s;
	struct imap_search keys;
	if (!imap_sort_args(c, &s) || !imap_sp(c))
		return false;
	MUST(s.n > 0 && s.n <= IMAP_SORT_CRITERIA_MAX);
	return imap_search_criteria(c, &keys) == 0;
}

static bool urlfetch(struct imap_cursor *c)
{
	struct imap_urlfetch *v;
	size_t n;
	if (!imap_urlfetch_args(c, &v, &n))
		return false;
	for (size_t i = 0; i < n; i++)
		touch(v[i].url);
	return true;
}

static bool genurlauth(struct imap_cursor *c)
{
	struct imap_genurlauth *v;
	size_t n;
	if (!imap_genurlauth_args(c, &v, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		touch(v[i].url);
		touch(v[i].mechanism);
	}
	return true;
}

static bool resetkey(struct imap_cursor *c)
{
	struct str mailbox;
	bool internal;
	if (!imap_resetkey_args(c, &mailbox, &internal))
		return false;
	touch(mailbox);
	return true;
}

static bool words(struct imap_cursor *c)
{
	struct str s;
	bool binary;
	while (imap_peek(c) == ' ') {
		imap_sp(c);
		if (imap_peek(c) == '~' ? !imap_string8(c, &s, &binary) : !imap_astring(c, &s))
			return false;
		touch(s);
	}
	return imap_end(c);
}

static void run(struct str command, bool utf8)
{
	static const struct { const char *name; bool (*read)(struct imap_cursor *c); } readers[] = {
		{ "APPEND", append },
		{ "FETCH", fetch },
		{ "GENURLAUTH", genurlauth },
		{ "GETMETADATA", get_metadata },
		{ "ID", id },
		{ "LIST", list },
		{ "LSUB", lsub },
		{ "RESETKEY", resetkey },
		{ "SEARCH", search },
		{ "URLFETCH", urlfetch },
		{ "SELECT", select_box }, { "NOTIFY", notify },
		{ "SETACL", setacl },
		{ "SETMETADATA", set_metadata },
		{ "SETQUOTA", set_quota },
		{ "SORT", sort },
		{ "STATUS", status },
		{ "STORE", store },
	};
	struct arena a = ARENA_INIT((size_t)4 << 20);
	struct imap_cursor c;
	struct str tag;
	imap_cursor_init(&c, command, &a, utf8);
	bool ok = imap_tag(&c, &tag) && imap_sp(&c);
	size_t i = 0;
	while (ok && i < sizeof(readers) / sizeof(readers[0]) && !imap_take_word(&c, readers[i].name))
		i++;
	if (ok && i < sizeof(readers) / sizeof(readers[0]))
		ok = imap_sp(&c) && readers[i].read(&c);
	else if (ok)
		ok = imap_atom(&c, &tag) && words(&c);
	/* Unknown charsets and events are the failures without a text. */
	MUST(ok == (c.error == NULL) || (!ok && i < sizeof(readers) / sizeof(readers[0]) && (readers[i].read == search || readers[i].read == sort || readers[i].read == notify)));
	MUST(c.p <= c.end);
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run(str_make(data, size), false);
	run(str_make(data, size), true);
	return 0;
}
