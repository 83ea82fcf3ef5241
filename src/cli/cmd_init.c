#include "app/signing.h"
#include "base/clock.h"
#include "cli/admin.h"
#include "cli/command.h"
#include "cli/options.h"

#include <ftw.h>
#include <pwd.h>
#include <unistd.h>

static struct passwd *new_owner;         /* nftw has no argument for its callback; set once, before it runs */

static int give(const char *path, const struct stat *st, int kind, struct FTW *place)
{
	(void)st;
	(void)kind;
	(void)place;
	return lchown(path, new_owner->pw_uid, new_owner->pw_gid);
}

static int give_away(const char *dir, const char *owner, struct err *e)
{
	if (geteuid() != 0)
		return err_set(e, ERR_DENIED, NULL, "--owner needs root");
	new_owner = getpwnam(owner);
	if (!new_owner)
		return err_set(e, ERR_NOT_FOUND, NULL, "there is no user %s; make one with: useradd --system %s", owner, owner);
	return nftw(dir, give, 16, FTW_PHYS) ? err_set(e, ERR_IO, NULL, "cannot give %s to %s", dir, owner) : 0;
}

/* With the first domain and its keys. */
static int make(const char *dir, struct str domain, int *mark_out, struct err *e)
{
	struct house h;
	int r = house_create(dir, domain, &h, mark_out, e);

	if (r == 0)
		r = directory_domain_add(h.directory, domain, e);
	if (r == 0)
		r = signing_make(h.directory, domain, SIGNING_KIND_BOTH, STR_NONE, SIGNING_ACTIVE, clock_now(), e);
	house_close(&h);
	return r;
}

int cli_init(int argc, char **argv)
{
	struct options o;
	struct err e = { 0 };
	int mark = -1;
	int r = options_parse("init", argc, argv, OPT_DOMAIN | OPT_OWNER, &o);

	if (r)
		return r;
	if (!o.domain || o.n_words)
		return cli_usage("init", o.domain ? "what is '%s'?" : "--domain is missing: the first mail domain%s", o.domain ? o.words[0] : "");
	r = make(o.dir, str_from_c(o.domain), &mark, &e);
	if (r == 0)
		admin_told(o.dir, "init", o.domain, o.owner, 0);
	if (r == 0 && o.owner)
		r = give_away(o.dir, o.owner, &e);
	if (r == 0)
		r = house_finish(o.dir, &mark, &e);
	house_leave(&mark);
	if (r)
		return cli_fail("init", r, &e);
	printf("made %s for %s\nnext: troika user add you@%s -d %s\nrecords for DNS: troika dns print %s -d %s\n", o.dir, o.domain, o.domain, o.dir, o.domain,
		   o.dir);
	return CLI_OK;
}
