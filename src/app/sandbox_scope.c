/* Which files the serving process may use: its data directory, what its libraries read, what the configuration names. */
#include "app/sandbox_scope.h"

#include "app/house.h"
#include "app/sandbox_files.h"
#include "outbound/route.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 1024
#define EACH(list) for (size_t i = 0; r == 0 && i < sizeof(list) / sizeof((list)[0]); i++)

/* What a server keeps; the data directory itself, with troika.conf in it, is only read: who changes that one tells the next start which programs to run. */
static const char *const rooms[] = { "store", "spool", "tls", "search", "audit", "run", "quarantine", "import" };

/* What libraries read outside of it. */
static const char *const read_only[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",       /* names */
	"/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls", "/usr/lib/ssl", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/etc/ca-certificates",
	"/etc/gnutls", "/etc/crypto-policies", "/usr/share/dns", "/var/lib/unbound",                                                        /* whom to believe */
	"/etc/letsencrypt", "/var/lib/acme", "/etc/troika",                                                                                 /* certificates, as they come */
	"/etc/localtime", "/usr/share/zoneinfo", "/usr/share/icu", "/usr/share/locale", "/usr/lib/locale",                                  /* time zone, languages */
	"/dev/urandom", "/dev/random", "/dev/zero", "/proc/self", "/proc/meminfo", "/proc/stat", "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu",
};
/* Libraries that are loaded late: for names, languages, TLS. */
static const char *const libraries[] = { "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache" };
/* What a converter may run and read. */
static const char *const for_programs[] = { "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/etc" };
static const char *const for_programs_read[] = { "/dev/zero", "/dev/urandom", "/dev/random", "/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/sys/devices/system/cpu" };
/* ---- of the server ---- */

int scope_make_rooms(const char *dir, const struct app_config *c, struct err *e)
{
	char path[PATH_SIZE];
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		if (!strcmp(rooms[i], "search") && !c->search.enabled)
			continue;
		if (!house_path(dir, rooms[i], path, sizeof(path)))
			return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", dir);
		if (mkdir(path, 0700) && errno != EEXIST)
			return err_from_errno(e, errno, "cannot make the directory %s", path);
	}
	return 0;
}

static int allow_data(struct files *f, const char *dir)
{
	char path[PATH_SIZE];
	int r = files_allow(f, dir, FILES_READ);
	EACH(rooms)
		r = house_path(dir, rooms[i], path, sizeof(path)) ? files_allow(f, path, FILES_WRITE) : ERR_TOO_BIG;
	return r;
}

static int allow_file(struct files *f, const char *path)
{
	return path && path[0] == '/' ? files_allow_around(f, path, FILES_READ) : 0;
}

/* Files that routes name: passwords and authorities to read, mail directories to write. */
static int allow_route(struct files *f, struct str text)
{
	struct arena a = ARENA_INIT(0);
	struct route route = { .path = NULL };
	a.wipe = true;
	int r = route_parse(text, &a, &route, NULL);
	if (r == 0)
		r = allow_file(f, route.password_file);
	if (r == 0)
		r = allow_file(f, route.ca_file);
	if (r == 0 && route.path && route.kind == ROUTE_MAILDIR)
		r = files_allow(f, route.path, FILES_WRITE);
	if (r == 0 && route.path && (route.kind == ROUTE_MAILDIR || route.kind == ROUTE_MBOX))
		r = files_allow_around(f, route.path, FILES_WRITE);
	arena_fini(&a);
	return r == ERR_CONFIG ? 0 : r;        /* whoever needs it tells what is wrong */
}

static int allow_configured(struct files *f, const struct app_config *c, const char *config_file)
{
	const char *const files[] = { c->tls.client_ca, c->acme.ca_file, c->outbound.config.ca_file, c->report.ca_file, c->dns.trust_anchor, c->dns.stub_hints };
	char path[PATH_SIZE];
	int r = config_file ? files_allow_around(f, config_file, FILES_READ) : 0;
	EACH(files)
		r = allow_file(f, files[i]);
	for (size_t i = 0; r == 0 && i < c->tls.n_identities; i++) {
		r = files_allow_around(f, c->identities[i].cert_file, FILES_READ);
		if (r == 0)
			r = files_allow_around(f, c->identities[i].key_file, FILES_READ);
	}
	if (r == 0 && str_copy_c(path, sizeof(path), c->mail.oauth_keys))
		r = allow_file(f, path);
	for (size_t i = 0; r == 0 && i < c->sandbox.read.n; i++)
		r = str_copy_c(path, sizeof(path), c->sandbox.read.v[i]) ? files_allow(f, path, FILES_READ) : ERR_TOO_BIG;
	for (size_t i = 0; r == 0 && i < c->outbound.routes.n; i++)
		r = allow_route(f, c->outbound.routes.v[i]);
	return r;
}

/* A name server's address may be kept elsewhere, and written anew. */
static int allow_resolver(struct files *f)
{
	char *real = realpath("/etc/resolv.conf", NULL);
	int r = real && !str_starts(str_from_c(real), STR("/etc/")) ? files_allow(f, dirname(real), FILES_READ) : 0;
	free(real);
	return r;
}

/* Held open, so that the kernel keeps what the rule is about: /proc makes its directories anew when it likes. */
static void hold_proc(void) { (void)!open("/proc/self", O_PATH | O_CLOEXEC); }

int scope_close_server(const char *dir, const char *config_file, const struct app_config *c, unsigned *abi_out)
{
	struct files *f;
	*abi_out = 0;
	int r = files_begin(&f);
	if (r)
		return r == ERR_UNSUPPORTED ? 0 : r;
	hold_proc();
	r = allow_data(f, dir);
	EACH(read_only)
		r = files_allow(f, read_only[i], FILES_READ);
	EACH(libraries)
		r = files_allow(f, libraries[i], FILES_READ);
	if (r == 0)
		r = files_allow(f, "/dev/null", FILES_WRITE);
	if (r == 0)
		r = allow_resolver(f);
	if (r == 0)
		r = allow_configured(f, c, config_file);
	int closed = files_close(&f, abi_out);
	return r ? r : closed;
}

/* ---- of a converter ---- */

int scope_close_converter(const char *program, const char *dir)
{
	struct files *f;
	unsigned abi;
	int r = files_begin(&f);
	if (r)
		return r == ERR_UNSUPPORTED ? 0 : r;
	EACH(for_programs)
		r = files_allow(f, for_programs[i], FILES_RUN);
	EACH(for_programs_read)
		r = files_allow(f, for_programs_read[i], FILES_READ);
	if (r == 0)
		r = files_allow(f, "/dev/null", FILES_WRITE);
	if (r == 0)
		r = files_allow_around(f, program, FILES_RUN);
	if (r == 0)
		r = files_allow(f, dir, FILES_WRITE);
	int closed = files_close(&f, &abi);
	return r ? r : closed;
}
