#include "proto/common/url_part.h"

#define READ_ATTEMPTS 3              /* how often a read that the store calls stale is begun again */

static int find_email(struct account *account, uint32_t mailbox, const struct imap_url *url, uint64_t *email_out)
{
	struct view *view;
	bool exact = false;
	int rc = view_open(account, mailbox, &view);
	if (rc)
		return rc;
	uint32_t index = view_find(view, url->uid, &exact);
	/* RFC 5092 5: with another UIDVALIDITY the UID means another message, or none. */
	if (!exact || (url->uidvalidity && url->uidvalidity != view_uidvalidity(view)))
		rc = ERR_NOT_FOUND;
	else
		*email_out = view_at(view, index).email;
	view_unref(&view);
	return rc;
}

/* The record is copied, since it may not be held while octets go to a socket. */
static int read_email(struct url_part *p, uint64_t id, struct arena *a, store_blob_id *blob_out)
{
	struct email_reader *reader = NULL;
	struct email email;
	int rc = ERR_RETRY;
	for (unsigned i = 0; rc == ERR_RETRY && i < READ_ATTEMPTS; i++) {
		rc = email_reader_begin(p->account, &reader);
		if (!rc)
			rc = email_reader_get(reader, id, &email);
		if (!rc) {
			p->summary = arena_dup(a, email.summary);
			*blob_out = email.blob;
			rc = p->summary.p ? 0 : ERR_NO_MEMORY;
		}
		email_reader_end(&reader);
	}
	return rc;
}

static int read_section(struct url_part *p, const struct imap_url *url, struct arena *a)
{
	struct imap_cursor c;
	imap_cursor_init(&c, url->section, a, true);
	if (!imap_section_text(&c, &p->section))
		return a->failed ? ERR_NO_MEMORY : ERR_INVALID;
	p->section.partial = url->partial;
	p->section.offset = url->offset;
	p->section.count = url->count ? url->count : INT64_MAX;        /* RFC 5092 11: the length may be left out */
	return 0;
}

int url_part_open(struct account *account, uint32_t mailbox, const struct imap_url *url, struct arena *a, struct url_part *out)
{
	uint64_t email = 0;
	store_blob_id blob = 0;
	struct mime_summary summary;
	*out = (struct url_part){ .account = account, .scratch = BUF_INIT(0) };
	int rc = read_section(out, url, a);
	if (!rc)
		rc = find_email(account, mailbox, url, &email);
	if (!rc)
		rc = read_email(out, email, a, &blob);
	if (!rc)
		rc = mime_summary_open(&summary, out->summary);
	if (!rc)
		rc = imap_section_locate(&out->section, &summary, &out->located);
	if (!rc)
		rc = email_map_blob(account, blob, &out->blob);
	if (!rc)
		out->message = out->blob.bytes;
	return rc;
}

bool url_part_intact(const struct url_part *p) { return !p->message.p || email_intact(p->account, &p->blob); }

void url_part_close(struct url_part *p)
{
	if (p->message.p)
		email_unmap(p->account, &p->blob);
	buf_fini(&p->scratch);
	p->message = STR_NONE;
}

static uint32_t defects(const struct url_part *p)
{
	struct mime_summary s;
	return mime_summary_open(&s, p->summary) ? 0 : s.defects;
}

struct str url_part_octets(struct url_part *p)
{
	return imap_section_octets(&p->section, &p->located, p->message, defects(p) & MIME_HAS_NUL, &p->scratch);
}

bool url_part_decoded(struct url_part *p, struct str *out)
{
	struct mime_summary s;
	struct imap_section decoded = p->section;
	struct imap_located at;
	decoded.as = IMAP_AS_DECODED;
	if (mime_summary_open(&s, p->summary) || imap_section_locate(&decoded, &s, &at) || at.nil)
		return false;
	*out = imap_section_decoded(&decoded, &at, p->message, &p->scratch);
	return true;
}
