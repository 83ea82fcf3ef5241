/* Prints what codec/mime makes of messages, for tests/mime_peer.py and for people: mime_dump [FILE...]
 *
 * One JSON object a line. It is read back from the stored summary, so that the comparison covers both. Strings are
 * bytes: one character U+0000 to U+00FF each. Without files, messages come on standard input, each after its length in
 * four bytes (little-endian). */
#include "base/bytes.h"
#include "codec/mime/param.h"
#include "codec/mime/summary.h"
#include "codec/mime/words.h"

static void print_bytes(struct str s)
{
	putchar('"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 32 || c > 126 || c == '"' || c == '\\')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_text(const char *name, struct mime_text t)
{
	printf("\"%s\":", name);
	if (t.class == MIME_TEXT_NIL)
		printf("null");
	else
		print_bytes(mime_text_str(t));
}

static void print_decoded(const char *name, struct str raw)
{
	struct buf out = BUF_INIT(0);
	mime_words_decode(raw, &out);
	printf("\"%s\":", name);
	print_bytes(buf_str(&out));
	buf_fini(&out);
}

static void print_addresses(const char *name, struct str list)
{
	struct mime_envelope_address a;
	const char *separator = "";
	printf(",\"%s\":[", name);
	while (mime_envelope_address(&list, &a)) {
		printf("%s{", separator);
		print_text("name", a.name);
		putchar(',');
		print_text("route", a.route);
		putchar(',');
		print_text("local", a.local);
		putchar(',');
		print_text("domain", a.domain);
		putchar('}');
		separator = ",";
	}
	putchar(']');
}

static void print_envelope(const struct mime_envelope *e)
{
	putchar('{');
	print_text("date", e->date);
	putchar(',');
	print_text("subject", e->subject);
	putchar(',');
	print_decoded("subject_utf8", mime_text_str(e->subject));
	putchar(',');
	print_text("in_reply_to", e->in_reply_to);
	putchar(',');
	print_text("message_id", e->message_id);
	print_addresses("from", e->from);
	print_addresses("sender", e->sender);
	print_addresses("reply_to", e->reply_to);
	print_addresses("to", e->to);
	print_addresses("cc", e->cc);
	print_addresses("bcc", e->bcc);
	putchar('}');
}

static void print_params(const char *name, struct str params)
{
	struct mime_text attribute, value;
	const char *separator = "";
	printf(",\"%s\":[", name);
	while (mime_summary_param(&params, &attribute, &value)) {
		struct mime_param p = { mime_text_str(attribute), mime_text_str(value),
			                    str_ends(mime_text_str(attribute), STR("*")) };
		struct buf utf8 = BUF_INIT(0);
		mime_param_decode(&p, &utf8);
		printf("%s[", separator);
		print_bytes(p.name);
		putchar(',');
		print_bytes(p.value);
		putchar(',');
		print_bytes(buf_str(&utf8));
		putchar(']');
		buf_fini(&utf8);
		separator = ",";
	}
	putchar(']');
}

static void print_part(const struct mime_summary_part *p)
{
	struct mime_text language;
	struct str languages = p->languages;
	const char *separator = "";
	printf("{\"depth\":%u,\"kind\":%u,\"children\":%u,\"header\":[%u,%u],\"body\":[%u,%u],\"lines\":%u,", p->depth,
	       p->kind, p->children, p->header_at, p->header_n, p->body_at, p->body_n, p->lines);
	print_text("type", p->type);
	putchar(',');
	print_text("subtype", p->subtype);
	putchar(',');
	print_text("encoding", p->encoding);
	putchar(',');
	print_text("id", p->id);
	putchar(',');
	print_text("description", p->description);
	putchar(',');
	print_text("md5", p->md5);
	putchar(',');
	print_text("location", p->location);
	putchar(',');
	print_text("disposition", p->disposition);
	print_params("params", p->params);
	print_params("disposition_params", p->disposition_params);
	printf(",\"languages\":[");
	for (; mime_summary_text(&languages, &language); separator = ",") {
		printf("%s", separator);
		print_bytes(mime_text_str(language));
	}
	putchar(']');
	struct mime_envelope e;
	if (p->kind == MIME_EMBEDDED && mime_summary_envelope_read(p->envelope, &e) == 0) {
		printf(",\"envelope\":");
		print_envelope(&e);
	}
	putchar('}');
}

static int print_summary(const struct mime_summary *s)
{
	struct mime_envelope e;
	int error = mime_summary_envelope(s, &e);
	if (error)
		return error;
	struct buf defects = BUF_INIT(0);
	mime_defects_format(s->defects, &defects);
	printf("{\"size\":%u,\"defects\":\"%.*s\",", s->size, STR_ARG(buf_str(&defects)));
	buf_fini(&defects);
	if (s->has_date)
		printf("\"sent\":%lld,\"zone\":%d,", (long long)s->sent, s->zone_minutes);
	printf("\"preview\":");
	print_bytes(s->preview);
	printf(",\"references\":[");
	struct str rest = s->references, id;
	for (const char *separator = ""; mime_summary_reference(&rest, &id); separator = ",") {
		printf("%s", separator);
		print_bytes(id);
	}
	printf("],\"envelope\":");
	print_envelope(&e);
	printf(",\"parts\":[");
	struct mime_summary_walk w;
	struct mime_summary_part part;
	mime_summary_walk(s, &w);
	while (!(error = mime_summary_next(&w, &part))) {
		if (part.index)
			putchar(',');
		print_part(&part);
	}
	puts("]}");
	return error == ERR_NOT_FOUND ? 0 : error;
}

static int dump(struct str message)
{
	struct arena arena = ARENA_INIT(0);
	struct buf record = BUF_INIT(0);
	struct mime_message m;
	struct mime_summary s;
	int error = mime_message_parse(message, &arena, &m);
	if (!error)
		error = mime_summary_encode(&m, message, &record);
	if (!error)
		error = mime_summary_open(&s, buf_str(&record));
	if (!error)
		error = print_summary(&s);
	if (error)
		printf("{\"error\":\"%s\"}\n", err_text(error));
	buf_fini(&record);
	arena_fini(&arena);
	return error;
}

static bool read_message(FILE *file, size_t n, struct buf *out)
{
	char *to = buf_reserve(out, n);
	if (!to)
		return false;
	out->n = fread(to, 1, n, file);
	return true;
}

static int dump_file(const char *path)
{
	struct buf message = BUF_INIT(MIME_MESSAGE_MAX);
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return ERR_NOT_FOUND;
	}
	int error = ERR_TOO_BIG;
	if (fseek(file, 0, SEEK_END) == 0) {
		size_t n = (size_t)ftell(file);
		if (fseek(file, 0, SEEK_SET) == 0 && read_message(file, n, &message))
			error = dump(buf_str(&message));
	}
	(void)fclose(file);
	buf_fini(&message);
	return error;
}

int main(int argc, char **argv)
{
	int failed = 0;
	for (int i = 1; i < argc; i++)
		failed |= dump_file(argv[i]) != 0;
	unsigned char length[4];
	struct buf message = BUF_INIT(MIME_MESSAGE_MAX);
	while (argc == 1 && fread(length, sizeof(length), 1, stdin) == 1) {
		buf_reset(&message);
		if (!read_message(stdin, load_le32(length), &message) || message.n != load_le32(length))
			return 2;
		failed |= dump(buf_str(&message)) != 0;
	}
	buf_fini(&message);
	return failed;
}
