#include "backup/run_fixture.h"

#include "backup/pace.h"
#include "backup/past.h"
#include "backup/restore.h"
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void command(const char *format, const char *a, const char *b)
{
	char line[400];
	snprintf(line, sizeof(line), "%s '%s' '%s'", format, a, b);
	assert_int_equal(system(line), 0);
}

static void open_house(struct run_fixture *f, bool create)
{
	struct err e = { 0 };
	struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = f->store_dir, .create = create, .no_sync = true, .map_size = (uint64_t)1 << 30,
							  .segment_size = 1 << 20 };
	assert_int_equal(store_open(&c, &f->store, &e), 0);
	assert_int_equal(model_open(f->store, NULL, &f->model, &e), 0);
}

static void close_house(struct run_fixture *f)
{
	model_close(&f->model);
	store_close(&f->store);
}

static void open_repository(struct run_fixture *f, bool create)
{
	struct err e = { 0 };
	struct repository_config c = { .dir = f->repository_dir, .create = create, .write = true };
	if (repository_open(&c, &f->repository, &e))
		fail_msg("repository_open: %s", e.log);
}

void run_close(struct run_fixture *f)
{
	repository_close(&f->repository);
	close_house(f);
}

void run_open(struct run_fixture *f)
{
	open_house(f, false);
	open_repository(f, false);
}

static int last_id(void *arg, const char *id)
{
	str_copy_c(arg, SNAPSHOT_ID_MAX, str_from_c(id));
	return 0;
}

void run_newest(struct run_fixture *f, char id[SNAPSHOT_ID_MAX])
{
	id[0] = 0;
	assert_int_equal(repository_snapshots(f->repository, last_id, id), 0);
}

int run_setup(void **state)
{
	struct run_fixture *f = calloc(1, sizeof(*f));
	snprintf(f->root, sizeof(f->root), "/tmp/troika-backup-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	snprintf(f->dir, sizeof(f->dir), "%s/d", f->root);
	snprintf(f->store_dir, sizeof(f->store_dir), "%s/store", f->dir);
	snprintf(f->repository_dir, sizeof(f->repository_dir), "%s/r", f->root);
	snprintf(f->restored, sizeof(f->restored), "%s/n", f->root);
	snprintf(f->copy, sizeof(f->copy), "%s/c", f->root);
	assert_int_equal(mkdir(f->dir, 0700) || mkdir(f->store_dir, 0700), 0);
	arena_init(&f->arena, 0);
	open_house(f, true);
	assert_int_equal(account_create(f->model, RUN_ACCOUNT), 0);
	open_repository(f, true);
	*state = f;
	return 0;
}

int run_teardown(void **state)
{
	struct run_fixture *f = *state;
	repository_close(&f->repository);
	close_house(f);
	arena_fini(&f->arena);
	command("rm -rf", f->root, "/nonexistent/x");
	free(f);
	return 0;
}

static void append(struct run_fixture *f, uint64_t account, const char *mailbox, store_blob_id blob, size_t n)
{
	struct account *a;
	struct arena arena = ARENA_INIT(0);
	struct mailbox box;
	uint32_t uidvalidity;
	assert_int_equal(account_open(f->model, account, &a), 0);
	assert_int_equal(mailbox_find(a, &arena, str_from_c(mailbox), &box), 0);
	struct append item = { .blob = blob, .size = (uint32_t)n, .summary = STR("summary"), .date = 1000, .flags = MESSAGE_SEEN };
	assert_int_equal(mailbox_append(a, box.id, &item, 1, true, &uidvalidity), 0);
	account_close(&a);
	arena_fini(&arena);
}

void run_append_body(struct run_fixture *f, const char *mailbox, struct str body)
{
	uint64_t account = RUN_ACCOUNT;
	store_blob_id blob;
	assert_int_equal(model_put_blob(f->model, &body, 1, &account, 1, &blob), 0);
	append(f, account, mailbox, blob, body.n);
}

void run_append(struct run_fixture *f, const char *mailbox, const char *text, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char body[200];
		snprintf(body, sizeof(body), "%s %u: some text that makes it a little longer\r\n", text, i);
		run_append_body(f, mailbox, str_from_c(body));
	}
}

void run_append_to(struct run_fixture *f, uint64_t account, const char *text, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		store_blob_id blob;
		struct str body = str_from_c(text);
		assert_int_equal(model_put_blob(f->model, &body, 1, &account, 1, &blob), 0);
		append(f, account, "INBOX", blob, body.n);
	}
}

void run_append_shared(struct run_fixture *f, const char *text, uint64_t a, uint64_t b, unsigned n)
{
	const uint64_t both[2] = { a, b };
	for (unsigned i = 0; i < n; i++) {
		char body[200];
		store_blob_id blob;
		snprintf(body, sizeof(body), "%s %u\r\n", text, i);
		struct str s = str_from_c(body);
		assert_int_equal(model_put_blob(f->model, &s, 1, both, 2, &blob), 0);
		append(f, a, "INBOX", blob, s.n);
		append(f, b, "INBOX", blob, s.n);
	}
}

struct backup_report run_backup(struct run_fixture *f)
{
	struct backup_report report;
	struct err e = { 0 };
	struct backup_run b = { .dir = f->dir, .store = f->store, .model = f->model, .repository = f->repository, .rate = PACE_FULL };
	if (backup_run(&b, &report, &e))
		fail_msg("backup_run: %s", e.log);
	return report;
}

static void print_fault(void *arg, const char *line)
{
	(void)arg;
	print_message("%s\n", line);
}

void run_restore(struct run_fixture *f, const char *id, bool unchanged)
{
	struct past past;
	struct err e = { 0 };
	struct restore_report report;
	uint64_t faults = 1, model_faults = 1;
	char store_dir[128];
	if (past_open(f->repository, id, STR_NONE, &past, &e))
		fail_msg("past_open: %s", e.log);
	if (restore_whole(&(struct restore){ .to = f->restored, .past = &past, .unchanged = unchanged }, &report, &e))
		fail_msg("restore_whole: %s", e.log);
	assert_int_equal(report.lost, 0);
	past_close(&past);
	snprintf(store_dir, sizeof(store_dir), "%s/store", f->restored);
	assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_LMDB, .dir = store_dir }, &f->restored_store, &e), 0);
	assert_int_equal(model_open(f->restored_store, NULL, &f->restored_model, &e), 0);
	assert_int_equal(store_check(f->restored_store, false, print_fault, NULL, &faults), 0);
	assert_int_equal(model_check(f->restored_model, 0, false, print_fault, NULL, &model_faults), 0);
	assert_int_equal(faults + model_faults, 0);
}

void run_drop_restored(struct run_fixture *f)
{
	model_close(&f->restored_model);
	store_close(&f->restored_store);
	command("rm -rf", f->restored, "/nonexistent/x");
}

static void show_mailbox(struct account *a, const struct mailbox *box, struct buf *b, unsigned *count)
{
	struct view *v;
	const struct message *m;
	assert_int_equal(view_open(a, box->id, &v), 0);
	buf_printf(b, "%.*s next %u\n", STR_ARG(box->name), box->uidnext);
	for (struct view_iter it = view_iter_at(v, 0); (m = view_iter_next(&it)); ++*count) {
		struct store_blob_view body;
		assert_int_equal(email_map(a, m->email, &body), 0);
		buf_printf(b, "%u %llx %zu %x\n", m->uid, (unsigned long long)m->flags, body.bytes.n, hash_crc32c(0, body.bytes.p, body.bytes.n));
		email_unmap(a, &body);
	}
	view_unref(&v);
}

static const char *show(struct model *m, uint64_t account, unsigned *count)
{
	static char *texts[2];
	static unsigned turn;
	struct account *a;
	struct arena arena = ARENA_INIT(0);
	struct mailbox *list;
	size_t n;
	struct buf b = BUF_INIT(0);
	*count = 0;
	assert_int_equal(account_open(m, account, &a), 0);
	assert_int_equal(mailbox_list(a, &arena, &list, &n), 0);
	for (size_t i = 0; i < n; i++)
		show_mailbox(a, &list[i], &b, count);
	account_close(&a);
	arena_fini(&arena);
	turn = !turn;
	free(texts[turn]);
	texts[turn] = str_dup_c(buf_str(&b));
	buf_fini(&b);
	return texts[turn];
}

const char *run_show(struct model *m, uint64_t account)
{
	unsigned n;
	return show(m, account, &n);
}

unsigned run_count(struct model *m, uint64_t account)
{
	unsigned n;
	show(m, account, &n);
	return n;
}

static int count_blob(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	store_blob_id *last = arg;
	(void)size;
	(void)tag;
	last[1] += last[0] != id;
	last[0] = id;
	return 0;
}

unsigned run_blobs(struct store *s)
{
	store_blob_id last[2] = { 0, 0 };
	assert_int_equal(store_blob_visit(s, 0, count_blob, last), 0);
	return (unsigned)last[1];
}

void run_keep_copy(struct run_fixture *f)
{
	close_house(f);
	command("cp -a", f->dir, f->copy);
	open_house(f, false);
}

void run_set_back(struct run_fixture *f)
{
	close_house(f);
	command("rm -rf", f->dir, "/nonexistent/x");
	command("mv", f->copy, f->dir);
	open_house(f, false);
}
