/* For the tests of runs and restores: a data directory with one account, a repository, a restored directory. */
#ifndef BACKUP_RUN_FIXTURE_H
#define BACKUP_RUN_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "backup/run.h"
#include "base/clock.h"

#define RUN_ACCOUNT 7u

struct run_fixture {
	char root[64], dir[96], store_dir[128], repository_dir[96], restored[96], copy[96];
	struct store *store, *restored_store;
	struct model *model, *restored_model;
	struct repository *repository;
	struct arena arena;
	unsigned happened;                    /* a test's own */
};
int run_setup(void **state);
int run_teardown(void **state);
#define RUN_TEST(f) cmocka_unit_test_setup_teardown(f, run_setup, run_teardown)

/* All assert success. */
void run_append(struct run_fixture *f, const char *mailbox, const char *text, unsigned n);     /* n messages, each another text */
void run_append_to(struct run_fixture *f, uint64_t account, const char *text, unsigned n);     /* its INBOX */
void run_append_body(struct run_fixture *f, const char *mailbox, struct str body);
void run_append_shared(struct run_fixture *f, const char *text, uint64_t a, uint64_t b, unsigned n);
struct backup_report run_backup(struct run_fixture *f);
void run_restore(struct run_fixture *f, const char *at, bool unchanged);       /* opened, and checked */
void run_drop_restored(struct run_fixture *f);
/* Store and repository are closed and opened, as around a fork. */
void run_close(struct run_fixture *f);
void run_open(struct run_fixture *f);
void run_newest(struct run_fixture *f, char id[SNAPSHOT_ID_MAX]);
/* Mailboxes, UIDs, flags, bodies' checksums. malloc'ed once, until the next but one. */
const char *run_show(struct model *m, uint64_t account);
unsigned run_count(struct model *m, uint64_t account);
unsigned run_blobs(struct store *s);
/* The data directory copied, and put back as it was. */
void run_keep_copy(struct run_fixture *f);
void run_set_back(struct run_fixture *f);

#endif
