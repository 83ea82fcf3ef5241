#include "cli/mailsink.h"

#include "base/clock.h"
#include "base/hash.h"
#include "codec/imap/mutf7.h"
#include "model/model.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define FOLDER_MAX 220                   /* bytes of a folder's name, so that with what goes around it no file's name has more than NAME_MAX, 255 */

struct mailsink {
	enum mailsink_kind kind;
	char root[PATH_SIZE];
	char folder[PATH_SIZE];          /* of the current mailbox */
	bool shortened;
	FILE *file;                      /* mbox: of the current mailbox */
	struct buf text;
	char letters[64];                /* Maildir: of keywords, by bit; 0: none */
};

static int join(char out[static PATH_SIZE], const char *a, struct str b, const char *tail, struct err *e)
{
	int n = snprintf(out, PATH_SIZE, "%s/%.*s%s", a, STR_ARG(b), tail);

	return n > 0 && n < PATH_SIZE ? 0 : err_set(e, ERR_TOO_BIG, NULL, "the path is too long: %s/%.*s", a, STR_ARG(b));
}

static int make_maildir(const char *path, struct err *e)
{
	static const char *const subs[] = { "", "cur", "new", "tmp" };
	char sub[PATH_SIZE];

	for (size_t i = 0; i < sizeof subs / sizeof *subs; i++) {
		int r = join(sub, path, str_from_c(subs[i]), "", e);
		if (r)
			return r;
		if (mkdir(sub, 0700) && errno != EEXIST)
			return err_from_errno(e, errno, "cannot make %s", sub);
	}
	return 0;
}

int mailsink_create(const char *path, enum mailsink_kind kind, struct mailsink **out, struct err *e)
{
	struct mailsink *s = calloc(1, sizeof *s);
	int r = 0;

	*out = s;
	if (!s)
		return ERR_NO_MEMORY;
	s->kind = kind;
	buf_init(&s->text, STORE_BLOB_MAX * 2);
	if (!str_copy_c(s->root, sizeof s->root, str_from_c(path)))
		r = err_set(e, ERR_TOO_BIG, NULL, "the path is too long");
	else if (mkdir(path, 0700))
		r = err_from_errno(e, errno, "cannot make %s (it must not exist yet)", path);
	else if (kind == MAILSINK_MAILDIR)
		r = make_maildir(path, e);
	if (r)
		mailsink_close(out, NULL);
	return r;
}

static int close_file(struct mailsink *s, struct err *e)
{
	FILE *f = s->file;

	s->file = NULL;
	return f && fclose(f) ? err_from_errno(e, errno, "cannot finish a file in %s", s->root) : 0;
}

/* "Archive/2026" -> "Archive.2026", with '.' and '/' safe inside a level. */
static void encode_name(struct str name, struct buf *out)
{
	struct buf seven = BUF_INIT(8192);

	imap_mutf7_encode(name, &seven);
	for (size_t i = 0; i < seven.n; i++) {
		if (seven.p[i] == '.')
			buf_add_lit(out, "&AC4-");
		else
			buf_add_char(out, seven.p[i] == MAILBOX_SEPARATOR ? '.' : seven.p[i]);
	}
	buf_fini(&seven);
}

/* The same, cut to what a file's name may have. False: nothing was cut. */
static bool folder_name(struct str name, struct buf *out)
{
	static const uint8_t key[HASH_SIPHASH_KEY] = "names of export";
	struct str shown = name;

	encode_name(name, out);
	while (out->n > FOLDER_MAX && shown.n) {
		do
			shown.n--;
		while (shown.n && ((unsigned char)shown.p[shown.n] & 0xc0) == 0x80);      /* whole characters */
		buf_reset(out);
		encode_name(shown, out);
	}
	if (shown.n == name.n)
		return false;
	buf_printf(out, "~%016llx", (unsigned long long)hash_siphash_keyed(key, name));
	return true;
}

int mailsink_mailbox(struct mailsink *s, struct str name, struct err *e)
{
	struct buf folder = BUF_INIT(8192);
	bool inbox = str_eq(name, STR("INBOX"));
	int r = close_file(s, e);

	s->shortened = folder_name(name, &folder);
	memset(s->letters, 0, sizeof s->letters);
	if (r == 0 && s->kind == MAILSINK_MBOX) {
		r = join(s->folder, s->root, buf_str(&folder), ".mbox", e);
		s->file = r ? NULL : fopen(s->folder, "wxe");
		if (r == 0 && !s->file)
			r = err_from_errno(e, errno, "cannot make %s", s->folder);
	} else if (r == 0 && inbox) {
		r = str_copy_c(s->folder, sizeof s->folder, str_from_c(s->root)) ? 0 : ERR_TOO_BIG;
	} else if (r == 0) {
		char root[PATH_SIZE + 2];
		snprintf(root, sizeof root, "%s/.", s->root);
		int n = snprintf(s->folder, sizeof s->folder, "%s%.*s", root, STR_ARG(buf_str(&folder)));
		r = n > 0 && (size_t)n < sizeof s->folder ? make_maildir(s->folder, e) : err_set(e, ERR_TOO_BIG, NULL, "the path is too long");
	}
	buf_fini(&folder);
	return r;
}

bool mailsink_is_shortened(const struct mailsink *s) { return s->shortened; }
const char *mailsink_path(const struct mailsink *s) { return s->folder; }

int mailsink_keywords(struct mailsink *s, const struct str *names, unsigned n, struct err *e)
{
	char path[PATH_SIZE];
	unsigned used = 0;

	if (s->kind != MAILSINK_MAILDIR)
		return 0;
	buf_reset(&s->text);
	for (unsigned i = 0; i < n && i < sizeof s->letters && used < 26; i++) {
		if (names[i].n == 0)
			continue;
		s->letters[i] = (char)('a' + used);
		buf_printf(&s->text, "%u %.*s\n", used++, STR_ARG(names[i]));
	}
	if (used == 0)
		return 0;
	int r = join(path, s->folder, STR("dovecot-keywords"), "", e);
	if (r)
		return r;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, s->text.p, s->text.n) != (ssize_t)s->text.n)
		r = err_from_errno(e, errno, "cannot write %s", path);
	if (fd >= 0 && close(fd) && r == 0)
		r = err_from_errno(e, errno, "cannot write %s", path);
	return r;
}

static void add_lf_lines(struct str message, bool quote, struct buf *out)
{
	while (message.n) {
		size_t lf = str_chr(message, '\n');
		struct str line = lf == STR_NPOS ? message : str_sub(message, 0, lf + 1);
		message = str_from(message, line.n);
		size_t marks = 0;
		while (marks < line.n && line.p[marks] == '>')
			marks++;
		if (quote && str_starts(str_from(line, marks), STR("From ")))
			buf_add_char(out, '>');
		bool crlf = str_ends(line, STR("\r\n"));
		buf_add_str(out, crlf ? str_sub(line, 0, line.n - 2) : line);
		if (crlf)
			buf_add_char(out, '\n');
	}
}

void mbox_format(struct str message, int64_t date, struct buf *out)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct civil c = civil_from_unix(date);

	buf_printf(out, "From MAILER-DAEMON %s %s %2d %02d:%02d:%02d %04d\n", days[c.weekday], months[c.month - 1], c.day, c.hour, c.minute,
			   c.second, c.year);
	add_lf_lines(message, true, out);
	if (out->n && out->p[out->n - 1] != '\n')
		buf_add_char(out, '\n');
	buf_add_char(out, '\n');
}

static int write_maildir_file(struct mailsink *s, const char *name, int64_t date, struct err *e)
{
	char tmp[PATH_SIZE], cur[PATH_SIZE], tail[PATH_SIZE];
	struct timespec times[2] = { { .tv_sec = date }, { .tv_sec = date } };

	snprintf(tail, sizeof tail, "tmp/%s", name);
	int r = join(tmp, s->folder, str_from_c(tail), "", e);
	snprintf(tail, sizeof tail, "cur/%s", name);
	if (r == 0)
		r = join(cur, s->folder, str_from_c(tail), "", e);
	if (r)
		return r;
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, s->text.p, s->text.n) != (ssize_t)s->text.n || futimens(fd, times))
		r = err_from_errno(e, errno, "cannot write %s", tmp);
	if (fd >= 0 && close(fd) && r == 0)
		r = err_from_errno(e, errno, "cannot write %s", tmp);
	if (r == 0 && rename(tmp, cur))
		r = err_from_errno(e, errno, "cannot rename %s", tmp);
	return r;
}

int mailsink_message(struct mailsink *s, struct str message, uint64_t flags, int64_t date, uint32_t uid, struct err *e)
{
	static const struct { uint64_t flag; char letter; } letters[] = {       /* in ASCII order, as the format asks */
		{ MESSAGE_DRAFT, 'D' }, { MESSAGE_FLAGGED, 'F' }, { MESSAGE_ANSWERED, 'R' }, { MESSAGE_SEEN, 'S' }, { MESSAGE_DELETED, 'T' } };
	char name[128];
	int n;

	buf_reset(&s->text);
	if (s->kind == MAILSINK_MBOX) {
		mbox_format(message, date, &s->text);
		if (!s->text.failed && fwrite(s->text.p, 1, s->text.n, s->file) != s->text.n)
			return err_from_errno(e, errno, "cannot write %s", s->folder);
		return s->text.failed ? ERR_NO_MEMORY : 0;
	}
	add_lf_lines(message, false, &s->text);
	n = snprintf(name, sizeof name, "%lld.U%u.troika:2,", (long long)date, uid);
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (flags & letters[i].flag)
			name[n++] = letters[i].letter;
	for (int c = 'a'; c <= 'z'; c++)
		for (unsigned i = 0; i < sizeof s->letters && MESSAGE_KEYWORD_SHIFT + i < 64; i++)
			if (s->letters[i] == c && (flags >> (MESSAGE_KEYWORD_SHIFT + i) & 1))
				name[n++] = (char)c;
	name[n] = 0;
	return s->text.failed ? ERR_NO_MEMORY : write_maildir_file(s, name, date, e);
}

int mailsink_close(struct mailsink **sp, struct err *e)
{
	struct mailsink *s = *sp;

	if (!s)
		return 0;
	int r = close_file(s, e);
	buf_fini(&s->text);
	free(s);
	*sp = NULL;
	return r;
}
