/* The directory of a store: DIR/FORMAT, DIR/index/, DIR/blobs/, DIR/bell. */
#ifndef STORE_ENGINE_LMDB_DIR_H
#define STORE_ENGINE_LMDB_DIR_H

#include "store/store.h"

#define DIR_PATH_MAX 4096

/* "DIR/name" into path_out. 0 or ERR_INVALID. */
int dir_path(const char *dir, const char *name, char path_out[DIR_PATH_MAX], struct err *e);
/* Verifies the format, or begins a store where there is none and c->create says so: then *fresh_out, and the caller writes FORMAT when all else is durable.
 * *blobs_fd_out is DIR/blobs, opened; *level_out the store's level. */
int dir_prepare(const struct store_config *c, int *blobs_fd_out, unsigned *level_out, bool *fresh_out, struct err *e);
/* What DIR/FORMAT says now. */
int dir_read_format(const char *dir, unsigned *level_out);
/* Replaces DIR/FORMAT by one of this level, durably. */
int dir_write_format(const char *dir, unsigned level, struct err *e);
/* Makes the names in a directory durable. */
int dir_sync(const char *path, struct err *e);

#endif
