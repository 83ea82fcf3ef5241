#include "base/ascii.h"
#include "base/num.h"
#include "cli/mailsource.h"
#include "codec/imap/mutf7.h"
#include "model/model.h"

uint64_t maildir_flags(struct str file_name)
{
	static const struct { char letter; uint64_t flag; } known[] = {
		{ 'S', MESSAGE_SEEN }, { 'R', MESSAGE_ANSWERED }, { 'F', MESSAGE_FLAGGED }, { 'D', MESSAGE_DRAFT }, { 'T', MESSAGE_DELETED } };
	size_t info = str_find(file_name, STR(":2,"));
	uint64_t flags = 0;

	if (info == STR_NPOS)
		return 0;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (str_chr(str_from(file_name, info + 3), known[i].letter) != STR_NPOS)
			flags |= known[i].flag;
	return flags;
}

uint32_t maildir_keyword_letters(struct str file_name)
{
	size_t info = str_find(file_name, STR(":2,"));
	uint32_t letters = 0;

	for (size_t i = info == STR_NPOS ? file_name.n : info + 3; i < file_name.n; i++)
		if (file_name.p[i] >= 'a' && file_name.p[i] <= 'z')
			letters |= 1u << (file_name.p[i] - 'a');
	return letters;
}

void maildir_keyword_names(struct str text, struct str names[MAILDIR_KEYWORDS])
{
	struct str line, number, name;
	uint32_t i;

	memset(names, 0, MAILDIR_KEYWORDS * sizeof *names);
	for (bool more = true; more;) {
		more = str_cut(text, '\n', &line, &text);
		if (!str_cut(str_trim(line), ' ', &number, &name) || !num_parse_u32(number, &i) || i >= MAILDIR_KEYWORDS || name.n > KEYWORD_LENGTH_MAX)
			continue;
		bool atom = name.n > 0;
		for (size_t k = 0; k < name.n; k++)
			atom = atom && ascii_is_print((unsigned char)name.p[k]) && !strchr("(){%*\"\\] ", name.p[k]);
		if (atom)
			names[i] = name;
	}
}

/* One level: modified UTF-7, in which other servers write a dot of the name as "&AC4-". */
static bool add_level(struct str level, struct buf *out)
{
	static const struct str dot = STR_INIT("&AC4-");
	size_t at;

	while ((at = str_find(level, dot)) != STR_NPOS) {
		if (imap_mutf7_decode(str_sub(level, 0, at), out))
			return false;
		buf_add_char(out, '.');
		level = str_from(level, at + dot.n);
	}
	return imap_mutf7_decode(level, out) == 0;
}

bool maildir_folder_name(struct str dir_name, struct buf *out)
{
	struct str level, rest;

	if (dir_name.n < 2 || dir_name.p[0] != '.' || dir_name.p[1] == '.')
		return false;
	rest = str_from(dir_name, 1);
	for (bool more = true; more;) {
		more = str_cut(rest, '.', &level, &rest);
		if (level.n == 0)
			return false;
		if (out->n)
			buf_add_char(out, MAILBOX_SEPARATOR);
		if (!add_level(level, out))
			return false;
	}
	return !out->failed;
}
