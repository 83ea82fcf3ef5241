#include "search/fixture.h"

#include "codec/imap/needle.h"
#include "codec/mime/message.h"
#include "codec/mime/section.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static void open_search(struct fixture *f, unsigned threads, const char *converter)
{
	struct search_config c = { .dir = str_from_c(f->dir), .threads = threads, .converter = str_from_c(converter) };
	assert_int_equal(search_open(f->model, &c, &f->search, NULL), 0);
}

void fixture_begin(struct fixture *f, unsigned threads, const char *converter)
{
	struct store_config store = { .engine = STORE_ENGINE_MEM };
	struct model_config model = { 0 };
	*f = (struct fixture){ .dir = "/tmp/troika-search-XXXXXX", .arena = ARENA_INIT((size_t)1 << 30), .tools = IMAP_SEARCH_TOOLS_INIT };
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(store_open(&store, &f->store, NULL), 0);
	assert_int_equal(model_open(f->store, &model, &f->model, NULL), 0);
	assert_int_equal(account_create(f->model, FIXTURE_ACCOUNT), 0);
	assert_int_equal(account_open(f->model, FIXTURE_ACCOUNT, &f->account), 0);
	open_search(f, threads, converter);
}

void fixture_reopen(struct fixture *f, unsigned threads, const char *converter)
{
	search_close(&f->search);
	open_search(f, threads, converter);
}

void fixture_end(struct fixture *f)
{
	search_close(&f->search);
	account_close(&f->account);
	model_close(&f->model);
	store_close(&f->store);
	imap_search_tools_fini(&f->tools);
	arena_fini(&f->arena);
	free(f->email);
	DIR *d = opendir(f->dir);
	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	assert_non_null(d);
	closedir(d);
	assert_int_equal(rmdir(f->dir), 0);
}

static struct str keep(struct fixture *f, struct buf *b)
{
	struct str s = arena_dup(&f->arena, buf_str(b));
	buf_fini(b);
	return s;
}

static void keep_texts(struct fixture *f, struct str message, struct str record)
{
	struct mime_summary s;
	struct mime_section header;
	struct buf texts[5] = { BUF_INIT(0), BUF_INIT(0), BUF_INIT(0), BUF_INIT(0), BUF_INIT(0) };
	struct str raw;
	assert_int_equal(mime_summary_open(&s, record), 0);
	assert_int_equal(mime_section_find(&s, NULL, 0, MIME_SECTION_HEADER, &header), 0);
	raw = str_sub(message, header.at, header.n);
	imap_search_header(&f->tools, raw, &texts[0]);
	assert_int_equal(imap_search_body(&f->tools, &s, message, &texts[1], &texts[2]), 0);
	for (int i = 3; i < 5; i++) {
		imap_search_envelope_field(&f->tools, &s, i == 3 ? STR("subject") : STR("from"), &texts[i]);
		if (s.defects & MIME_CUT)
			imap_search_header_field(&f->tools, raw, i == 3 ? STR("subject") : STR("from"), &texts[i]);
	}
	f->email = reallocarray(f->email, f->n + 1, sizeof(*f->email));
	assert_non_null(f->email);
	f->email[f->n++] = (struct fixture_email){ keep(f, &texts[0]), keep(f, &texts[1]), keep(f, &texts[2]), keep(f, &texts[3]), keep(f, &texts[4]) };
}

void fixture_add(struct fixture *f, struct str message)
{
	struct arena arena = ARENA_INIT(0);
	struct buf record = BUF_INIT(0);
	struct mime_message m;
	uint64_t account = FIXTURE_ACCOUNT;
	assert_int_equal(mime_message_parse(message, &arena, &m), 0);
	assert_int_equal(mime_summary_encode(&m, message, &record), 0);
	struct append item = { .size = (uint32_t)message.n, .summary = buf_str(&record) };
	assert_int_equal(model_put_blob(f->model, &message, 1, &account, 1, &item.blob), 0);
	assert_int_equal(mailbox_append(f->account, 1, &item, 1, false, NULL), 0);
	keep_texts(f, message, buf_str(&record));
	buf_fini(&record);
	arena_fini(&arena);
}

void fixture_add_text(struct fixture *f, const char *subject, struct str body)
{
	struct buf b = BUF_INIT(0);
	buf_printf(&b, "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: %s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", subject);
	buf_add_str(&b, body);
	fixture_add(f, buf_str(&b));
	buf_fini(&b);
}

void fixture_update(struct fixture *f)
{
	struct err e = { 0 };
	if (search_update(f->search, FIXTURE_ACCOUNT, false, &e))
		fail_msg("%s", e.log);
}

static bool holds(const struct fixture_email *e, enum search_field field, const struct imap_needle *n)
{
	bool header = imap_needle_in_folded(n, e->header), body = imap_needle_in_folded(n, e->body) || imap_needle_in_folded(n, e->source);
	if (field == SEARCH_SUBJECT || field == SEARCH_FROM)
		return imap_needle_in_folded(n, field == SEARCH_SUBJECT ? e->subject : e->from);
	return field == SEARCH_HEADER ? header : field == SEARCH_BODY ? body : header || body;
}

size_t fixture_ask(struct fixture *f, enum search_field field, struct str text, size_t *read_out)
{
	struct arena arena = ARENA_INIT(0);
	struct imap_needle n;
	struct search_answer a;
	size_t found = 0, read = 0;
	assert_int_equal(imap_needle_init(&n, &arena, text), 0);
	search_substring(f->search, FIXTURE_ACCOUNT, field, n.folded, &a);
	for (size_t i = 0; i < f->n; i++) {
		enum search_verdict verdict = search_answer_says(&a, i + 1);
		bool is = holds(&f->email[i], field, &n);
		if (verdict != SEARCH_READ_IT && (verdict == SEARCH_YES) != is)
			fail_msg("'%.*s' in email %zu: the index says %s", STR_ARG(n.folded), i + 1, is ? "no" : "yes");
		found += is;
		read += verdict == SEARCH_READ_IT;
	}
	search_answer_fini(&a);
	arena_fini(&arena);
	if (read_out)
		*read_out = read;
	return found;
}

const char *fixture_path(struct fixture *f)
{
	return arena_printf(&f->arena, "%s/%u.db", f->dir, FIXTURE_ACCOUNT).p;
}
