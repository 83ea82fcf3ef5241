/* Any bytes as stored values, under a right checksum: what a record says is within its bounds or refused, and what was
 * read is written and read again the same. The first byte chooses the kind. */
#include "model/acl_record.h"
#include "model/annotation_record.h"
#include "model/changelog.h"
#include "model/email_record.h"
#include "model/gone.h"
#include "model/mailbox_record.h"
#include "model/member.h"
#include "model/origin.h"
#include "model/page.h"
#include "model/thread.h"
#include "model/tomb.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void try_mailbox(struct str value)
{
	struct mailbox_record m;
	if (mailbox_record_decode(value, 1, &m))
		return;
	assert(m.name_n <= MAILBOX_NAME_MAX && m.n_keywords <= KEYWORDS_MAX && m.text_n <= MAILBOX_RECORD_TEXT_MAX);
	for (unsigned i = 0; i < m.n_keywords; i++)
		assert(m.keyword[i].at + m.keyword[i].n <= m.text_n);
	mailbox_record_keyword_make(&m, STR("one more"));
	mailbox_record_keywords_free(&m, 0x5500);
	mailbox_record_set_name(&m, STR("another name"));
	assert(str_eq(mailbox_record_name(&m), STR("another name")) && m.text_n <= MAILBOX_RECORD_TEXT_MAX);
}

static void try_page(struct str value)
{
	struct page_edit page;
	struct page *shared;
	int rc = page_decode(value, 1, &page);
	assert(page_from_value(value, 1, NULL, &shared) == rc);
	if (rc)
		return;
	char again[PAGE_VALUE_ROOM];
	size_t n = page_encode(&page, again);
	assert(n <= PAGE_VALUE_MAX);
	struct page_edit same;
	assert(page_decode(str_make(again, n), 1, &same) == 0 && same.count == page.count);
	for (uint32_t i = 0; i < page.count; i++) {
		struct message a = page.m[i], b = same.m[i], c;
		page_message(shared, i, &c);
		assert(a.uid == b.uid && a.size == b.size && a.email == b.email && a.modseq == b.modseq);
		assert(a.date == b.date && a.flags == b.flags && a.saved == b.saved);
		assert(memcmp(&a, &c, sizeof(a)) == 0 && page_uid(shared, i) == a.uid && page_flags(shared, i) == a.flags);
	}
	page_unref(shared);
}

static void try_members(struct str value)
{
	struct member_page page;
	if (member_page_decode(value, &page))
		return;
	char again[MEMBER_VALUE_MAX];
	assert(member_page_encode(page.m, page.count, again) == value.n);
	assert(memcmp(again + RECORD_HEADER, value.p + RECORD_HEADER, value.n - RECORD_HEADER) == 0);
}

static void try_log(struct str value)
{
	struct changelog_reader reader;
	struct changelog_section section;
	if (changelog_open(value, &reader))
		return;
	size_t sections = 0;
	while (changelog_next(&reader, &section) == 1) {
		struct range range;
		uint64_t last = 0;
		sections++;
		assert(sections <= value.n);
		while (changelog_range(&section, &range) == 1) {
			assert(range.lo <= range.hi && range.lo >= last);
			last = range.hi;
		}
	}
}

static void try_annotation(struct str value)
{
	struct annotation_record a;
	if (annotation_record_decode(value, &a) == 0)
		assert(a.name.n && a.name.n + a.value.n < value.n && (!a.gone || !a.value.n));
}

static void try_email(struct str value)
{
	struct email email;
	if (email_record_decode(value, &email) == 0)
		assert(email.summary.n <= value.n);
}

static void try_acl(struct str value)
{
	struct arena arena = ARENA_INIT(0);
	struct acl acl;
	if (acl_decode(value, &arena, &acl) == 0) {
		assert(acl.n <= ACL_ENTRIES_MAX);
		for (size_t i = 0; i < acl.n; i++)
			assert(acl.v[i].identifier.n > 0 && (acl.v[i].rights & ~ACL_ALL) == 0);
	}
	arena_fini(&arena);
}

static void try_threads(struct str value)
{
	struct thread_page page;
	if (thread_page_decode(value, 0, &page))
		return;
	char again[THREAD_VALUE_MAX];
	assert(thread_page_encode(page.v, page.count, again) == value.n);
	assert(memcmp(again + RECORD_HEADER, value.p + RECORD_HEADER, value.n - RECORD_HEADER) == 0);
}

static void try_grave(struct str value)
{
	struct grave_page page;
	if (grave_page_decode(value, &page) || page.count == 0 || !page.v[0].kept)
		return;
	char again[GRAVE_VALUE_MAX];
	assert(grave_page_encode(page.v, page.count, again) == value.n);
	assert(memcmp(again + RECORD_HEADER, value.p + RECORD_HEADER, value.n - RECORD_HEADER) == 0);
}

static void try_origins(struct str value)
{
	struct origin_page page;
	if (origin_page_decode(value, 1, &page))
		return;
	char again[ORIGIN_VALUE_MAX];
	assert(page.count && page.v[0].at >= 1);
	assert(origin_page_encode(&page, again) == value.n);
	assert(memcmp(again + RECORD_HEADER, value.p + RECORD_HEADER, value.n - RECORD_HEADER) == 0);
}

static void try_tomb(struct str value)
{
	struct tomb t;
	if (tomb_decode(value, 1, &t) == 0)
		assert(t.name_n && t.name_n <= MAILBOX_NAME_MAX && t.name_n < value.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const tries[])(struct str value) = {
		try_mailbox,
		try_page,
		try_members,
		try_log,
		try_email,
		try_acl,
		try_annotation,
		try_threads,
		try_grave,
		try_origins,
		try_tomb,
	};
	if (n < 1 + RECORD_HEADER)
		return 0;
	char *copy = malloc(n - 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, n - 1);
	tries[data[0] % (sizeof(tries) / sizeof(tries[0]))](str_make(copy, n - 1));
	record_seal_version(copy, n - 1, copy[0] == 2 ? 2 : 1, (uint8_t)copy[1], (uint8_t)copy[2]);
	tries[data[0] % (sizeof(tries) / sizeof(tries[0]))](str_make(copy, n - 1));
	free(copy);
	return 0;
}
