/* How fast codec/mime is on real mail: mime_bench FILE.mbox
 *
 * Prints the rates of the structural pass, of making the stored summary, and of answering ENVELOPE and BODYSTRUCTURE
 * from it; then of the decoders on made-up attachments. Each is the best of several rounds, on one core. */
#include "codec/imap/format.h"
#include "codec/mime/message.h"
#include "codec/mime/summary.h"
#include "codec/mime/transfer.h"

#include "base/clock.h"

#define ROUNDS 20
#define MESSAGES_MAX 100000
#define BULK_SIZE ((size_t)32 << 20)

struct corpus {
	struct buf bytes;
	size_t end[MESSAGES_MAX];
	struct buf record;
	size_t record_end[MESSAGES_MAX];
	size_t count;
};

static struct str message_at(const struct corpus *c, size_t i)
{
	size_t start = i ? c->end[i - 1] : 0;
	return str_make(c->bytes.p + start, c->end[i] - start);
}

static struct str record_at(const struct corpus *c, size_t i)
{
	size_t start = i ? c->record_end[i - 1] : 0;
	return str_make(c->record.p + start, c->record_end[i] - start);
}

static bool read_corpus(const char *path, struct corpus *c)
{
	FILE *file = fopen(path, "rb");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	if (!file)
		return false;
	while ((n = getline(&line, &cap, file)) > 0) {
		struct str s = str_make(line, (size_t)n);
		if (str_starts(s, STR("From "))) {
			if (c->bytes.n && c->count < MESSAGES_MAX - 1)
				c->end[c->count++] = c->bytes.n;
			continue;
		}
		buf_add_str(&c->bytes, str_trim(s).n ? str_sub(s, 0, (size_t)n - 1) : STR(""));
		buf_add_lit(&c->bytes, "\r\n");
	}
	if (c->bytes.n)
		c->end[c->count++] = c->bytes.n;
	free(line);
	fclose(file);
	return !c->bytes.failed && c->count > 0;
}

static size_t parse_all(struct corpus *c)
{
	struct arena arena = ARENA_INIT(0);
	size_t parts = 0;
	for (size_t i = 0; i < c->count; i++) {
		struct mime_message m;
		arena_reset(&arena);
		if (mime_message_parse(message_at(c, i), &arena, &m) == 0)
			parts += m.part_count;
	}
	arena_fini(&arena);
	return parts;
}

static size_t summarise_all(struct corpus *c)
{
	struct arena arena = ARENA_INIT(0);
	buf_reset(&c->record);
	for (size_t i = 0; i < c->count; i++) {
		struct mime_message m;
		arena_reset(&arena);
		if (mime_message_parse(message_at(c, i), &arena, &m) == 0)
			mime_summary_encode(&m, message_at(c, i), &c->record);
		c->record_end[i] = c->record.n;
	}
	arena_fini(&arena);
	return c->record.n;
}

static size_t format_all(struct corpus *c)
{
	struct buf out = BUF_INIT(0);
	size_t bytes = 0;
	for (size_t i = 0; i < c->count; i++) {
		struct mime_summary s;
		buf_reset(&out);
		if (mime_summary_open(&s, record_at(c, i)) == 0) {
			imap_format_summary_envelope(&out, &s, false);
			imap_format_body(&out, &s, true, false);
		}
		bytes += out.n;
	}
	buf_fini(&out);
	return bytes;
}

/* The best time of a round in seconds, and what the work returned. */
static double best(size_t (*work)(struct corpus *), struct corpus *c, size_t *result_out)
{
	uint64_t least = UINT64_MAX;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = clock_mono_us();
		*result_out = work(c);
		uint64_t took = clock_mono_us() - start;
		least = took < least ? took : least;
	}
	return (double)(least ? least : 1) / 1e6;
}

static void bench_bulk(const char *name, const char *header, const char *line, enum mime_encoding encoding)
{
	struct buf message = BUF_INIT(0), out = BUF_INIT(0);
	struct arena arena = ARENA_INIT(0);
	struct mime_message m;
	buf_add_c(&message, header);
	size_t body = message.n;
	while (message.n < BULK_SIZE)
		buf_add_c(&message, line);
	uint64_t start = clock_mono_us();
	mime_message_parse(buf_str(&message), &arena, &m);
	uint64_t parsed = clock_mono_us();
	if (!buf_reserve(&out, BULK_SIZE))
		return;
	memset(out.p, 0, out.cap);
	uint64_t reserved = clock_mono_us();
	mime_transfer_decode(encoding, str_from(buf_str(&message), body), &out);
	uint64_t decoded = clock_mono_us();
	printf("%-18s structure %6.0f MB/s, decoding %6.0f MB/s\n", name, (double)message.n / (double)(parsed - start),
	       (double)message.n / (double)(decoded - reserved));
	arena_fini(&arena);
	buf_fini(&message);
	buf_fini(&out);
}

#define MIXED                                                                                                          \
	"Content-Type: multipart/mixed; boundary=\"=_0123456789\"\r\n\r\n--=_0123456789\r\nContent-Transfer-Encoding: "

int main(int argc, char **argv)
{
	static struct corpus c = { .bytes = BUF_INIT(0), .record = BUF_INIT(0) };
	if (argc != 2 || !read_corpus(argv[1], &c)) {
		fprintf(stderr, "usage: mime_bench FILE.mbox\n");
		return 1;
	}
	size_t result;
	double megabytes = (double)c.bytes.n / 1e6, count = (double)c.count;
	printf("%zu messages, %.1f MB, %.0f bytes each\n", c.count, megabytes, (double)c.bytes.n / count);
	double took = best(parse_all, &c, &result);
	printf("structure          %6.0f MB/s, %5.2f us a message, %zu parts\n", megabytes / took, took * 1e6 / count,
	       result);
	took = best(summarise_all, &c, &result);
	printf("and summary        %6.0f MB/s, %5.2f us a message, %.0f bytes a summary\n", megabytes / took,
	       took * 1e6 / count, (double)result / count);
	took = best(format_all, &c, &result);
	printf("ENVELOPE and BODYSTRUCTURE: %.2f us a message, %.0f bytes\n", took * 1e6 / count, (double)result / count);
	bench_bulk("base64", MIXED "base64\r\n\r\n",
	           "SGVsbG8sIHRoaXMgaXMgYSBsaW5lIG9mIGJhc2U2NCB0aGF0IGlzIDc2IGNoYXJhY3RlcnMgbG9u\r\n", MIME_BASE64);
	bench_bulk("quoted-printable", MIXED "quoted-printable\r\n\r\n",
	           "This is a line of quoted-printable text with =C3=A9 in it, and so it goes on=\r\n",
	           MIME_QUOTED_PRINTABLE);
	buf_fini(&c.bytes);
	buf_fini(&c.record);
	return 0;
}
