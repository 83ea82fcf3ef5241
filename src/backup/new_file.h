/* A file that appears whole or not at all: written below tmp/, synced, renamed, its directory synced. One thread, the one that holds the lock. */
#ifndef BACKUP_NEW_FILE_H
#define BACKUP_NEW_FILE_H

#include "base/err.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

#define TMP_FOLDER "tmp"

struct new_file {
	int fd;                                       /* -1: none */
	uint64_t size;                                /* bytes written */
	char name[40];                                /* below the repository's directory */
};

int new_file_open(int dir_fd, struct new_file *f);
/* Appends. ERR_NO_SPACE, ERR_IO; then new_file_drop it. */
int new_file_write(struct new_file *f, const void *p, size_t n);
/* To folder/name ("" is the repository's directory itself); what was there is replaced. Closes. When it fails nothing has changed, except that after
 * a failed sync of the folder the file may be there or not. */
int new_file_keep(int dir_fd, struct new_file *f, const char *folder, const char *name);
void new_file_drop(int dir_fd, struct new_file *f);      /* accepts one that is not open */

/* Removes dir/folder/name, durably when sync is true. 0 also when there was none. */
int file_remove(int dir_fd, const char *folder, const char *name);
/* Moves folder/name to to_folder, which is made when it is not there, under the same name (what was there is replaced); durably. */
int file_move(int dir_fd, const char *folder, const char *name, const char *to_folder);
/* Tells fn each name in a folder ("": the directory itself) that does not begin with a dot, in no order; its value, if not 0, ends it and is returned. */
int folder_list(int dir_fd, const char *folder, int (*fn)(void *arg, const char *name), void *arg);
int folder_sync(int dir_fd, const char *folder);
/* Reads the whole file, under max bytes (else ERR_CORRUPT: we write none so large). ERR_NOT_FOUND, ERR_IO, ERR_NO_MEMORY. */
int file_read(int dir_fd, const char *folder, const char *name, size_t max, struct buf *out);
/* All of n bytes at that offset; ERR_CORRUPT when the file ends before. */
int file_read_at(int fd, void *to, size_t n, uint64_t offset);

#endif
