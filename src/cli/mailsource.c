#include "cli/mailsource.h"

#include "model/model.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define KEYWORD_FILE_MAX 8192            /* bytes of a folder's dovecot-keywords */

struct keyword_file {
	struct keyword_file *next;
	struct buf text;
	struct str names[MAILDIR_KEYWORDS];
};

struct mailsource {
	/* mbox */
	struct str map;
	size_t at;
	int64_t file_date;
	/* Maildir: the folders still to be visited, then "cur" and "new" of each */
	char *root;
	char **folders;
	size_t n_folders, folder;
	int sub;                     /* 0: cur, 1: new */
	DIR *dir;
	uint64_t done;
	struct keyword_file *keywords;   /* of all folders so far; the first one is the current folder's */
};

static int open_mbox(const char *path, struct mailsource *s, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st)) {
		int r = err_from_errno(e, errno, "cannot read %s", path);
		if (fd >= 0)
			close(fd);
		return r;
	}
	s->file_date = st.st_mtime;
	void *p = st.st_size ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	close(fd);
	if (p == MAP_FAILED)
		return err_from_errno(e, errno, "cannot read %s", path);
	s->map = str_make(p, (size_t)st.st_size);
	if (s->map.n && !str_starts(s->map, STR("From ")))
		return err_set(e, ERR_INVALID, NULL, "%s is no mbox: it does not begin with 'From '", path);
	return 0;
}

static int add_folder(struct mailsource *s, const char *name)
{
	char **more = realloc(s->folders, (s->n_folders + 1) * sizeof *more);

	if (!more)
		return ERR_NO_MEMORY;
	s->folders = more;
	s->folders[s->n_folders] = str_dup_c(str_from_c(name));
	return s->folders[s->n_folders++] ? 0 : ERR_NO_MEMORY;
}

static bool is_maildir(const char *root, const char *folder)
{
	char path[PATH_SIZE];
	int n = snprintf(path, sizeof path, "%s/%s/cur", root, folder);

	return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}

static int open_maildir(const char *path, struct mailsource *s, struct err *e)
{
	struct dirent *d;

	if (!is_maildir(path, "."))
		return err_set(e, ERR_INVALID, NULL, "%s is no Maildir: it has no cur", path);
	s->root = str_dup_c(str_from_c(path));
	int r = s->root ? add_folder(s, ".") : ERR_NO_MEMORY;
	DIR *top = opendir(path);
	if (!top)
		return err_from_errno(e, errno, "cannot read %s", path);
	while (r == 0 && (d = readdir(top)))
		if (d->d_name[0] == '.' && strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 && is_maildir(path, d->d_name))
			r = add_folder(s, d->d_name);
	closedir(top);
	return r;
}

int mailsource_open(const char *path, struct mailsource **out, struct err *e)
{
	struct mailsource *s = calloc(1, sizeof *s);
	struct stat st;

	*out = s;
	if (!s)
		return ERR_NO_MEMORY;
	int r = stat(path, &st) ? err_from_errno(e, errno, "cannot read %s", path) : S_ISDIR(st.st_mode) ? open_maildir(path, s, e) : open_mbox(path, s, e);
	if (r)
		mailsource_close(out);
	return r;
}

void mailsource_close(struct mailsource **sp)
{
	struct mailsource *s = *sp;

	if (!s)
		return;
	if (s->map.n)
		munmap((void *)(uintptr_t)s->map.p, s->map.n);
	for (size_t i = 0; i < s->n_folders; i++)
		free(s->folders[i]);
	free(s->folders);
	free(s->root);
	if (s->dir)
		closedir(s->dir);
	for (struct keyword_file *k; (k = s->keywords);) {
		s->keywords = k->next;
		buf_fini(&k->text);
		free(k);
	}
	free(s);
	*sp = NULL;
}

void mailsource_progress(const struct mailsource *s, uint64_t *done_out, uint64_t *all_out)
{
	*done_out = s->root ? s->done : s->at;
	*all_out = s->map.n;
}

static int next_in_mbox(struct mailsource *s, struct mailsource_message *out)
{
	struct str rest = str_from(s->map, s->at), line;

	if (rest.n == 0)
		return 0;
	str_cut(rest, '\n', &line, &rest);
	out->date = mbox_from_date(line, s->file_date);
	size_t end = str_starts(rest, STR("From ")) ? 0 : str_find(rest, STR("\nFrom "));
	struct str message = end == STR_NPOS ? rest : str_sub(rest, 0, end ? end + 1 : 0);
	s->at = (size_t)(message.p - s->map.p) + message.n;
	/* the empty line before the next From_ line belongs to the format, not to the message */
	if (str_ends(message, STR("\n\n")))
		message.n--;
	else if (str_ends(message, STR("\n\r\n")))
		message.n -= 2;
	mbox_unquote(message, &out->raw);
	out->flags = mbox_status_flags(message);
	return out->raw.failed ? ERR_NO_MEMORY : 1;
}

/* Whose Maildir it is may have put there what he likes: a link to what he may not read, a pipe that nobody writes to. */
static int read_file(const char *path, struct mailsource_message *out, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), r = 1;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st)) {
		r = err_from_errno(e, errno, "cannot read %s", path);
	} else if (!S_ISREG(st.st_mode)) {
		r = err_set(e, ERR_INVALID, NULL, "%s is no file", path);
	} else if ((uint64_t)st.st_size > STORE_BLOB_MAX) {
		r = err_set(e, ERR_TOO_BIG, NULL, "%s is larger than a message may be", path);
	} else {
		char *place = buf_reserve(&out->raw, (size_t)st.st_size + 1);
		while (place && (n = read(fd, place + out->raw.n, (size_t)st.st_size + 1 - out->raw.n)) > 0 && out->raw.n + (size_t)n <= (size_t)st.st_size)
			out->raw.n += (size_t)n;
		out->date = st.st_mtime;
		if (!place)
			r = ERR_NO_MEMORY;
		else if (n < 0)
			r = err_from_errno(e, errno, "cannot read %s", path);
	}
	if (fd >= 0)
		close(fd);
	return r == 1 || r == ERR_NO_MEMORY ? r : MAILSOURCE_PASSED_OVER;
}

/* A folder without such a file, or with one that cannot be read, has no keywords. */
static int read_keywords(struct mailsource *s, const char *folder)
{
	char path[PATH_SIZE];
	struct keyword_file *k = calloc(1, sizeof *k);

	if (!k)
		return ERR_NO_MEMORY;
	buf_init(&k->text, KEYWORD_FILE_MAX);
	k->next = s->keywords;
	s->keywords = k;
	int n = snprintf(path, sizeof path, "%s/%s/dovecot-keywords", s->root, folder);
	int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	char *place = fd >= 0 ? buf_reserve(&k->text, KEYWORD_FILE_MAX) : NULL;
	ssize_t got = place ? read(fd, place, KEYWORD_FILE_MAX) : 0;
	k->text.n = got > 0 ? (size_t)got : 0;
	if (fd >= 0)
		close(fd);
	maildir_keyword_names(buf_str(&k->text), k->names);
	return 0;
}

static void take_keywords(const struct mailsource *s, struct str file_name, struct mailsource_message *out)
{
	uint32_t letters = maildir_keyword_letters(file_name);

	for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++)
		if ((letters >> i & 1) && s->keywords->names[i].n)
			out->keywords[out->n_keywords++] = s->keywords->names[i];
}

static int sub_path(const struct mailsource *s, const char *file, char path[static PATH_SIZE])
{
	int n = snprintf(path, PATH_SIZE, "%s/%s/%s%s%s", s->root, s->folders[s->folder], s->sub ? "new" : "cur", *file ? "/" : "", file);
	return n > 0 && n < PATH_SIZE ? 0 : ERR_TOO_BIG;
}

/* cur or new of the current folder, which need not have both. */
static int open_sub(struct mailsource *s, struct err *e)
{
	char path[PATH_SIZE];

	if (s->sub == 0 && read_keywords(s, s->folders[s->folder]))
		return ERR_NO_MEMORY;
	int r = sub_path(s, "", path);
	s->dir = r ? NULL : opendir(path);
	if (r)
		err_set(e, r, NULL, "the path is too long: %.200s", path);
	else if (!s->dir && errno != ENOENT)
		r = err_from_errno(e, errno, "cannot read %s", path);
	return r ? MAILSOURCE_PASSED_OVER : 0;
}

static void close_sub(struct mailsource *s)
{
	if (s->dir)
		closedir(s->dir);
	s->dir = NULL;
	s->folder += s->sub == 1;
	s->sub = !s->sub;
}

static int take_file(struct mailsource *s, const char *file, struct mailsource_message *out, struct err *e)
{
	const char *folder = s->folders[s->folder];
	char path[PATH_SIZE];

	if (sub_path(s, file, path)) {
		err_set(e, ERR_TOO_BIG, NULL, "the path is too long: %.200s", path);
		return MAILSOURCE_PASSED_OVER;
	}
	struct buf name = BUF_INIT(sizeof out->mailbox - 1);
	bool named = strcmp(folder, ".") == 0 || maildir_folder_name(str_from_c(folder), &name);
	if (!named || !str_copy_c(out->mailbox, sizeof out->mailbox, buf_str(&name)))
		(void)str_copy_c(out->mailbox, sizeof out->mailbox, str_from_c(folder + 1));
	buf_fini(&name);
	out->flags = maildir_flags(str_from_c(file));
	take_keywords(s, str_from_c(file), out);
	int r = read_file(path, out, e);
	s->done += out->raw.n;
	return r;
}

/* The next file of the current folder, or the first of the next one. */
static int next_in_maildir(struct mailsource *s, struct mailsource_message *out, struct err *e)
{
	struct dirent *d;

	while (s->folder < s->n_folders) {
		int r = s->dir ? 0 : open_sub(s, e);
		while (s->dir && (d = readdir(s->dir)))
			if (d->d_name[0] != '.')
				return take_file(s, d->d_name, out, e);
		close_sub(s);
		if (r)
			return r;
	}
	return 0;
}

int mailsource_next(struct mailsource *s, struct mailsource_message *out, struct err *e)
{
	out->flags = 0;
	out->mailbox[0] = 0;
	out->n_keywords = 0;
	buf_init(&out->raw, STORE_BLOB_MAX * 2);
	int r = s->root ? next_in_maildir(s, out, e) : next_in_mbox(s, out);
	if (r != 1)
		buf_fini(&out->raw);
	return r;
}
