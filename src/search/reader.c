#include "search/reader.h"

#include "codec/imap/needle.h"
#include "codec/mime/param.h"
#include "codec/mime/section.h"
#include "codec/mime/transfer.h"
#include "search/convert.h"
#include "search/limits.h"

#define KEPT_OCTETS ((size_t)4 << 20)             /* larger buffers are given back after an email */
#define WORD_MAX 256                              /* of type and name that the converter is told */

void reader_init(struct reader *r, struct store *store, struct str converter, const _Atomic bool *stop)
{
	*r = (struct reader){ .tools = IMAP_SEARCH_TOOLS_INIT, .converter = converter, .stop = stop, .store = store };
	buf_init(&r->header, EMAIL_TEXT_MAX);
	buf_init(&r->body, EMAIL_TEXT_MAX);
	buf_init(&r->source, EMAIL_TEXT_MAX);
}

static void give_back(struct buf *b)
{
	if (b->cap > KEPT_OCTETS)
		buf_fini(b);
	else
		buf_reset(b);
}

static void reset(struct reader *r)
{
	give_back(&r->header);
	give_back(&r->body);
	give_back(&r->source);
	give_back(&r->octets);
	give_back(&r->tools.octets);
	give_back(&r->tools.text);
	give_back(&r->tools.shown);
	buf_reset(&r->attached);
	buf_reset(&r->others);
	for (int i = 0; i < STEM_BODY; i++)
		buf_reset(&r->column[i]);
}

void reader_fini(struct reader *r)
{
	imap_search_tools_fini(&r->tools);
	buf_fini(&r->header);
	buf_fini(&r->body);
	buf_fini(&r->source);
	buf_fini(&r->octets);
	buf_fini(&r->attached);
	buf_fini(&r->others);
	for (int i = 0; i < STEM_BODY; i++)
		buf_fini(&r->column[i]);
}

/* ---- attachments ---- */

static void file_name(const struct mime_summary_part *p, struct buf *out)
{
	struct str rest[2] = { p->disposition_params, p->params };
	struct mime_text name, value;
	for (int i = 0; i < 2 && out->n == 0; i++) {
		while (out->n == 0 && mime_summary_param(&rest[i], &name, &value)) {
			struct str n = mime_text_str(name);
			bool extended = n.n && n.p[n.n - 1] == '*';
			if (str_ieq(str_sub(n, 0, n.n - extended), i ? STR("name") : STR("filename")))
				mime_param_decode(&(struct mime_param){ n, mime_text_str(value), extended }, out);
		}
	}
}

/* What goes into an argument of the program: cut, and without what might be taken for an option. */
static void make_word(char word[WORD_MAX], struct str text)
{
	while (text.n && text.p[0] == '-')
		text = str_from(text, 1);
	str_copy_c(word, WORD_MAX, text);
}

static int convert_part(struct reader *r, const struct mime_summary_part *p, struct str octets, struct str name, struct buf *text)
{
	char program[1024], type[WORD_MAX], file[WORD_MAX];
	struct buf full = BUF_INIT(WORD_MAX);
	buf_printf(&full, "%.*s/%.*s", STR_ARG(mime_text_str(p->type)), STR_ARG(mime_text_str(p->subtype)));
	make_word(type, buf_str(&full));
	buf_fini(&full);
	make_word(file, name);
	buf_reset(&r->octets);
	mime_transfer_decode(mime_encoding_from_name(mime_text_str(p->encoding)), octets, &r->octets);
	if (r->octets.failed || r->octets.n > CONVERT_INPUT_MAX || !str_copy_c(program, sizeof program, r->converter))
		return 0;
	int err = convert_run(program, type, file, buf_str(&r->octets), r->stop, text);
	/* Without its text it is indexed all the same. */
	return err == ERR_CLOSED ? err : 0;
}

static int add_attachments(struct reader *r, const struct mime_summary *s, struct str message)
{
	struct mime_summary_walk walk;
	struct mime_summary_part p;
	struct buf name = BUF_INIT(0), text = BUF_INIT(CONVERT_OUTPUT_MAX * 2);
	unsigned n = 0;
	int err = 0;
	mime_summary_walk(s, &walk);
	while (!err && n < CONVERT_PARTS_MAX && mime_summary_next(&walk, &p) == 0) {
		buf_reset(&name);
		buf_reset(&text);
		if (p.kind != MIME_LEAF)
			continue;
		file_name(&p, &name);
		if (!convert_wants(mime_text_str(p.type), mime_text_str(p.subtype), buf_str(&name)))
			continue;
		n++;
		err = convert_part(r, &p, str_sub(message, p.body_at, p.body_n), buf_str(&name), &text);
		if (text.n) {
			imap_fold(buf_str(&text), &r->attached);
			buf_add_char(&r->attached, '\0');
		}
	}
	buf_fini(&name);
	buf_fini(&text);
	return err;
}

/* ---- */

/* As IMAP's SEARCH looks at a field: in the summary, and in the header too when the summary had to leave something out. */
static void add_field(struct reader *r, const struct mime_summary *s, struct str header, const char *name, struct buf *out)
{
	imap_search_envelope_field(&r->tools, s, str_from_c(name), out);
	if (s->defects & MIME_CUT)
		imap_search_header_field(&r->tools, header, str_from_c(name), out);
}

static int read_message(struct reader *r, const struct mime_summary *s, struct str message)
{
	static const char *const fields[STEM_BODY] = { "subject", "from", "to", "cc", "bcc" };
	static const char *const others[] = { "sender", "reply-to", "date", "message-id", "in-reply-to" };
	struct mime_section section;
	struct str header = STR_NONE;
	if (mime_section_find(s, NULL, 0, MIME_SECTION_HEADER, &section) == 0)
		header = str_sub(message, section.at, section.n);
	imap_search_header(&r->tools, header, &r->header);
	int err = imap_search_body(&r->tools, s, message, &r->body, &r->source);
	if (err)
		return err;
	for (int i = 0; i < STEM_BODY; i++)
		add_field(r, s, header, fields[i], &r->column[i]);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		add_field(r, s, header, others[i], &r->others);
	if (r->converter.n)
		err = add_attachments(r, s, message);
	if (!err && (r->header.failed || r->body.failed || r->source.failed))
		err = ERR_TOO_BIG;      /* or no memory, for as much: likewise not to be tried again and again */
	return err;
}

int reader_read(struct reader *r, struct account *a, const struct email *email)
{
	struct mime_summary summary;
	struct store_blob_view blob;
	reset(r);
	int err = mime_summary_open(&summary, email->summary);
	if (!err)
		err = email_map_blob(a, email->blob, &blob);
	if (err)
		return err;
	err = read_message(r, &summary, blob.bytes);
	/* Pages that the disk did not give would be zeros: that must not be what the index knows. */
	if (!err && !store_blob_intact(r->store, &blob))
		err = ERR_IO;
	email_unmap(a, &blob);
	return err;
}
