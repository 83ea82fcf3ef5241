#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "directory/directory_fixture.h"

#include <dirent.h>
#include <unistd.h>

static void remove_dir(const char *path)
{
	DIR *d = opendir(path);
	for (struct dirent *entry; d && (entry = readdir(d)) != NULL;) {
		char inner[512];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR)
			remove_dir(inner);
		else
			unlink(inner);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const enum store_engine *engine = *state;
	struct err e = { 0 };
	f->engine = engine ? *engine : STORE_ENGINE_MEM;
	*state = f;
	memcpy(f->dir, "/tmp/troika-directory-XXXXXX", 29);
	if (!mkdtemp(f->dir))
		return -1;
	struct store_config c = { .engine = f->engine, .dir = f->dir, .create = true, .no_sync = true };
	if (store_open(&c, &f->store, &e) != 0 || directory_open(f->store, NULL, &f->d, &e) != 0) {
		print_error("%s\n", e.log);
		return -1;
	}
	arena_init(&f->arena, 0);
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	arena_fini(&f->arena);
	directory_close(&f->d);
	store_close(&f->store);
	remove_dir(f->dir);
	free(f);
	return 0;
}

void fixture_reopen(struct fixture *f, const struct directory_config *c)
{
	directory_close(&f->d);
	assert_int_equal(directory_open(f->store, c, &f->d, NULL), 0);
}

void fixture_users(struct fixture *f, const char *const *names)
{
	for (; *names; names++) {
		struct err e = { 0 };
		uint64_t account;
		char password[300];
		snprintf(password, sizeof(password), "password of %s", *names);
		assert_int_equal(directory_account_id_new(f->d, &account), 0);
		if (directory_user_add(f->d, str_from_c(*names), str_from_c(password), account, &e) != 0)
			fail_msg("%s", e.log);
	}
}
