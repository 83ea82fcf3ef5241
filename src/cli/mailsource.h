/* Foreign mail on disk, message by message: an mbox file (mboxo and mboxrd) or a Maildir with its folders (Maildir++). One thread. */
#ifndef CLI_MAILSOURCE_H
#define CLI_MAILSOURCE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct mailsource;

#define MAILDIR_KEYWORDS 26          /* letters a to z of a file name */

struct mailsource_message {
	struct buf raw;              /* as in the file, without the mbox's From_ line and quoting; the caller's to fini */
	char mailbox[1024];          /* UTF-8 name of the folder; empty: the top */
	uint64_t flags;              /* model.h message_flag bits */
	struct str keywords[MAILDIR_KEYWORDS];
	size_t n_keywords;           /* names live as long as the source */
	int64_t date;                /* unix seconds, for the internal date */
};

/* A directory is a Maildir, a file is an mbox. */
int mailsource_open(const char *path, struct mailsource **out, struct err *e);
/* 1 and a message (out->raw initialised by the callee), 0 at the end, or an error. MAILSOURCE_PASSED_OVER: something is no message, or cannot be read, as e says;
 * what follows can be had. */
#define MAILSOURCE_PASSED_OVER 2
int mailsource_next(struct mailsource *s, struct mailsource_message *out, struct err *e);
/* Bytes read so far and in all (0: unknown), for progress. */
void mailsource_progress(const struct mailsource *s, uint64_t *done_out, uint64_t *all_out);
void mailsource_close(struct mailsource **s);

/* The From_ line's date: "From who Thu Aug 22 12:36:23 2002". fallback when there is none. */
int64_t mbox_from_date(struct str line, int64_t fallback);
/* Appends one message of an mbox without its quoting: ">From " loses one '>' (mboxrd). */
void mbox_unquote(struct str quoted, struct buf *out);
/* Status: and X-Status: of a header section, as elm and mutt write them. */
uint64_t mbox_status_flags(struct str message);
/* ":2,FRS" at the end of a Maildir file name. */
uint64_t maildir_flags(struct str file_name);
/* The letters behind ":2,": bit i is 'a' + i. What they mean stands in the folder's dovecot-keywords: lines "0 $Forwarded". */
uint32_t maildir_keyword_letters(struct str file_name);
/* Fills names by letter from the text of such a file; unknown ones are empty. Slices of it. */
void maildir_keyword_names(struct str text, struct str names[MAILDIR_KEYWORDS]);
/* ".Archive.2026" -> "Archive/2026"; false when it is no folder's name. */
bool maildir_folder_name(struct str dir_name, struct buf *out);

#endif
