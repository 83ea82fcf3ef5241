#include "app/house.h"

#include "app/house_inside.h"
#include "rt/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

bool house_path(const char *dir, const char *name, char *out, size_t size)
{
	int n = snprintf(out, size, "%s/%s", dir, name);

	return n > 0 && (size_t)n < size;
}

int house_sync_names(const char *dir, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed = fd < 0 || fsync(fd) < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return failed ? err_from_errno(e, failed, "cannot sync the directory %s", dir) : 0;
}

int house_make_dir(const char *dir, const char *name, struct err *e)
{
	char path[HOUSE_PATH_MAX];

	if (!house_path(dir, name, path, sizeof path))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", dir);
	if (mkdir(path, 0700) && errno != EEXIST)
		return err_from_errno(e, errno, "cannot make the directory %s", path);
	return 0;
}

int house_open_rooms(const char *dir, const struct app_config *config, bool create, struct house *out, struct err *e)
{
	static const struct directory_config no_options = { 0 };
	static const struct model_config model_options = { 0 };
	char path[HOUSE_PATH_MAX];

	*out = (struct house){ .dir = dir };
	if (!house_path(dir, "store", path, sizeof path))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", dir);
	struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = path, .create = create };
	int r = store_open(&c, &out->store, e);
	if (r == 0)
		r = model_open(out->store, &model_options, &out->model, e);
	if (r == 0 && config)
		model_set_quota_grace(out->model, config->quota_grace_percent);
	if (r == 0) {
		struct model_keep keep = app_keep(config);
		model_set_keep(out->model, &keep);
	}
	if (r == 0)
		r = directory_open(out->store, config ? &config->directory : &no_options, &out->directory, e);
	if (r)
		house_close(out);
	return r;
}

int house_open(const char *dir, const struct app_config *config, struct house *out, struct err *e)
{
	char path[HOUSE_PATH_MAX];

	*out = (struct house){ .dir = dir };
	if (house_path(dir, HOUSE_UNFINISHED, path, sizeof path) && access(path, F_OK) == 0)
		return err_set(e, ERR_NOT_FOUND, NULL, "%s is not finished: troika init was cut short; run it again, it begins anew", dir);
	if (house_path(dir, "store", path, sizeof path) && access(path, F_OK))
		return err_set(e, ERR_NOT_FOUND, NULL, "%s holds no Troika (%s); make one with: troika init -d %s --domain example.org", dir,
					   errno == EACCES ? "no permission to look inside" : "no store in it", dir);
	return house_open_rooms(dir, config, false, out, e);
}

int house_open_queue(struct house *h, struct err *e)
{
	return queue_open(h->store, NULL, &h->queue, e);
}

static void search_failed(void *arg, uint64_t account, const struct err *e)
{
	(void)arg;
	log_event(LOG_WARN, "search.failed", LOG_LIST(LOG_U("account", account), LOG_C("error", e->log)));
}

int house_open_search(struct house *h, const struct app_config *config, unsigned threads, struct err *e)
{
	char path[HOUSE_PATH_MAX];
	int r = house_make_dir(h->dir, "search", e);

	if (r == 0 && !house_path(h->dir, "search", path, sizeof path))
		r = err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", h->dir);
	if (r)
		return r;
	struct search_config c = { .dir = str_from_c(path), .threads = threads, .converter = config ? config->search.converter : STR_NONE,
							   .failed = search_failed };
	return search_open(h->model, &c, &h->search, e);
}

void house_close(struct house *h)
{
	search_close(&h->search);
	queue_close(&h->queue);
	directory_close(&h->directory);
	model_close(&h->model);
	store_close(&h->store);
}

int house_open_account(struct house *h, const char *user, struct account **out, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user u;
	int r = directory_user_find(h->directory, &arena, str_from_c(user), &u);

	if (r == ERR_NOT_FOUND)
		err_set(e, r, NULL, "there is no user %s; see: troika user list", user);
	if (r == 0)
		r = account_open(h->model, u.account, out);
	arena_fini(&arena);
	return r;
}

/* All capabilities away but what the text keeps. Of this thread alone: the kernel knows no other way. */
static int keep_rights(const char *text, struct err *e)
{
	cap_t caps = cap_from_text(text);
	int r = caps && cap_set_proc(caps) == 0 ? 0 : err_from_errno(e, errno, "cannot give up capabilities");

	cap_free(caps);
	return r;
}

/* Threads that are made before it is used do not have it in effect, and cannot take it up once the sandbox is closed. */
int house_use_bind_right(struct err *e)
{
	cap_flag_value_t has = CAP_CLEAR;
	cap_t caps = geteuid() == 0 ? NULL : cap_get_proc();

	if (caps)
		cap_get_flag(caps, CAP_NET_BIND_SERVICE, CAP_PERMITTED, &has);
	cap_free(caps);
	return has == CAP_SET ? keep_rights("cap_net_bind_service=ep", e) : 0;
}

int house_drop_bind_right(struct err *e)
{
	return geteuid() == 0 ? 0 : keep_rights("=", e);
}

static int become(uid_t uid, gid_t gid, const char *name, struct err *e)
{
	if (prctl(PR_SET_KEEPCAPS, 1) || (name ? initgroups(name, gid) : setgroups(0, NULL)) || setgid(gid) || setuid(uid))
		return err_from_errno(e, errno, "cannot become user %s (%u)", name ? name : "-", (unsigned)uid);
	return uid ? keep_rights("cap_net_bind_service=p", e) : 0;
}

int house_become_owner(const char *dir, struct err *e)
{
	struct stat st;
	struct passwd pw, *found = NULL;
	char text[4096];

	if (geteuid() != 0 || stat(dir, &st) || st.st_uid == 0)
		return 0;
	getpwuid_r(st.st_uid, &pw, text, sizeof text, &found);
	return become(st.st_uid, found ? found->pw_gid : st.st_gid, found ? found->pw_name : NULL, e);
}

int house_become_user(const char *user, struct err *e)
{
	struct passwd pw, *found = NULL;
	char text[4096];

	getpwnam_r(user, &pw, text, sizeof text, &found);
	if (!found)
		return err_set(e, ERR_NOT_FOUND, NULL, "there is no user %s; make one with: useradd --system %s", user, user);
	return become(found->pw_uid, found->pw_gid, found->pw_name, e);
}
