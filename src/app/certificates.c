#include "app/certificates.h"

#include "app/house.h"
#include "base/clock.h"
#include "rt/log.h"
#include "rt/metric.h"
#include "rt/porter.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)
#define SECRET_BUF { .max = FILE_MAX, .wipe = true }
#define PATH_SIZE 1024
#define RETRY_FIRST_S 300            /* after a failure; doubles: authorities limit how often one may fail */
#define RETRY_MAX_S 86400
#define HOOK_SECONDS 120

struct certificates {
	struct pages *pages;
	struct tls_challenges *challenges;
	const _Atomic bool *stop;
	const char *dns_hook;            /* during a run */
	int64_t not_before;
	unsigned failures;
	char account[PATH_SIZE];
	char pair[PATH_SIZE];            /* key and chain in one file, so that they can never be of two makes */
};

int certificates_create(const char *data_dir, struct pages *pages, struct tls_challenges *challenges, const _Atomic bool *stop,
						struct certificates **out)
{
	struct certificates *c = calloc(1, sizeof *c);

	if (!c)
		return ERR_NO_MEMORY;
	c->pages = pages;
	c->challenges = challenges;
	c->stop = stop;
	if (!house_path(data_dir, "tls/acme-account.key", c->account, PATH_SIZE) || !house_path(data_dir, "tls/acme.pem", c->pair, PATH_SIZE)) {
		free(c);
		return ERR_TOO_BIG;
	}
	*out = c;
	return 0;
}

void certificates_destroy(struct certificates **c)
{
	free(*c);
	*c = NULL;
}

bool certificates_identity(struct certificates *c, struct tls_identity *out)
{
	*out = (struct tls_identity){ c->pair, c->pair };
	return access(c->pair, R_OK) == 0;
}

/* ---- files ---- */

static int read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;
	char *place;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	while ((place = buf_reserve(out, 4096)) && (n = read(fd, place, 4096)) > 0)
		out->n += (size_t)n;
	close(fd);
	return n < 0 ? ERR_IO : out->failed ? buf_error(out) : 0;
}

/* Whole or not at all, and durable: written beside, synced, renamed. */
static int write_file(const char *path, struct str bytes)
{
	char fresh[PATH_SIZE + 8];
	int n = snprintf(fresh, sizeof fresh, "%s.new", path);

	if (n < 0 || (size_t)n >= sizeof fresh)
		return ERR_TOO_BIG;
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_from_errno(NULL, errno, "%s", fresh);
	bool ok = write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n && fsync(fd) == 0;
	int saved = errno;
	close(fd);
	if (ok && rename(fresh, path) == 0) {
		*strrchr(fresh, '/') = '\0';
		return house_sync_names(fresh, NULL);
	}
	saved = ok ? errno : saved;
	unlink(fresh);
	return err_from_errno(NULL, saved, "%s", path);
}

/* ---- proving ---- */

struct porter_program certificates_hook(const char *path)
{
	return (struct porter_program){ .path = path, .seconds = HOOK_SECONDS };
}

/* HOOK present|remove NAME VALUE: sets or takes away a TXT record, and returns when the world can see it. */
static int run_hook(const char *hook, const char *verb, struct str name, struct str value, struct err *e)
{
	char *full = NULL, *text = str_dup_c(value);
	const struct porter_program p = certificates_hook(hook);
	int job = -1, status = 0;

	if (asprintf(&full, "_acme-challenge.%.*s", STR_ARG(name)) < 0 || !text) {
		free(text);
		return ERR_NO_MEMORY;
	}
	const char *const args[] = { verb, full, text, NULL };
	int r = porter_begin(&p, args, -1, -1, &job);
	if (r == 0)
		r = porter_end(job, clock_mono_ms() + HOOK_SECONDS * UINT64_C(1000), NULL, &status);
	free(full);
	free(text);
	if (r)
		return err_set(e, r, NULL, "cannot run acme.dns_hook %s: %s", hook, r == ERR_NOT_FOUND ? "it was configured later: restart the server" : err_text(r));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : err_set(e, ERR_DENIED, NULL, "acme.dns_hook %s %s failed", hook, verb);
}

static int show_alpn(struct certificates *c, struct str name, struct str value)
{
	struct buf cert = BUF_INIT(FILE_MAX), key = SECRET_BUF;
	int r = acme_alpn_certificate(name, value, &cert, &key);

	if (r == 0)
		r = tls_challenges_set(c->challenges, name, buf_str(&cert), buf_str(&key));
	buf_fini(&cert);
	buf_fini(&key);
	return r;
}

static int present(void *ctx, enum acme_challenge kind, struct str name, struct str token, struct str value, struct err *e)
{
	struct certificates *c = ctx;

	switch (kind) {
	case ACME_HTTP_01:
		return pages_challenge_set(c->pages, token, value);
	case ACME_TLS_ALPN_01:
		return show_alpn(c, name, value);
	case ACME_DNS_01:
		break;
	}
	return c->dns_hook ? run_hook(c->dns_hook, "present", name, value, e) : err_set(e, ERR_CONFIG, NULL, "dns-01 needs acme.dns_hook");
}

static void take_away(void *ctx, enum acme_challenge kind, struct str name, struct str token, struct str value)
{
	struct certificates *c = ctx;

	if (kind == ACME_HTTP_01)
		pages_challenge_remove(c->pages, token);
	else if (kind == ACME_TLS_ALPN_01)
		tls_challenges_remove(c->challenges, name);
	else if (c->dns_hook)
		run_hook(c->dns_hook, "remove", name, value, NULL);
}

/* ---- when ---- */

int certificates_config_copy(const struct certificates_config *from, struct arena *a, struct certificates_config *out)
{
	*out = *from;
	const char **texts[] = { &out->directory, &out->ca_file, &out->contact, &out->names, &out->dns_hook, &out->eab_kid, &out->eab_key };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (*texts[i])
			*texts[i] = arena_dup_c(a, str_from_c(*texts[i]));
	return a->failed ? ERR_NO_MEMORY : 0;
}

/* A certificate will do while a third of its life is left and it holds all names. */
static bool is_needed(struct certificates *c, const struct str *names, size_t n, int64_t now)
{
	struct buf pem = SECRET_BUF;
	int64_t begins = 0, ends = 0;
	bool all = false;
	bool good = read_file(c->pair, &pem) == 0 && acme_certificate_times(buf_str(&pem), &begins, &ends) == 0 &&
				acme_certificate_names(buf_str(&pem), names, n, &all) == 0;

	buf_fini(&pem);
	return !good || !all || now > ends - (ends - begins) / 3;
}

static int account_key(struct certificates *c, struct buf *pem)
{
	int r = read_file(c->account, pem);

	if (r != ERR_NOT_FOUND)
		return r;
	r = acme_key_generate(pem);
	return r ? r : write_file(c->account, buf_str(pem));
}

static int obtain(struct certificates *c, const struct certificates_config *config, const struct str *names, size_t n, struct err *e)
{
	struct buf account = SECRET_BUF, before = SECRET_BUF, cert = BUF_INIT(FILE_MAX), key = SECRET_BUF;
	int r = account_key(c, &account), kept = config->keep_key ? read_file(c->pair, &before) : ERR_NOT_FOUND;
	struct acme_request request = { .directory = config->directory, .ca_file = config->ca_file, .account_key = buf_str(&account),
									.contact = str_from_c(config->contact), .eab_kid = str_from_c(config->eab_kid), .eab_key = str_from_c(config->eab_key),
									.names = names, .n_names = n, .challenge = config->challenge, .solver = { present, take_away, c }, .cancel = c->stop };

	if (kept == 0)
		request.key = buf_str(&before);
	else if (kept != ERR_NOT_FOUND)
		r = err_set(e, kept, NULL, "%s: cannot read the key to keep", c->pair);
	c->dns_hook = config->dns_hook;
	if (r == 0)
		r = acme_obtain(&request, &cert, &key, e);
	if (r == 0) {
		buf_add_str(&key, buf_str(&cert));
		r = key.failed ? ERR_NO_MEMORY : write_file(c->pair, buf_str(&key));
	}
	buf_fini(&account);
	buf_fini(&before);
	buf_fini(&cert);
	buf_fini(&key);
	return r;
}

static void note_failure(struct certificates *c, int r, const struct err *e, int64_t now)
{
	int64_t wait = (int64_t)RETRY_FIRST_S << (c->failures < 9 ? c->failures : 9);

	wait = wait < RETRY_MAX_S ? wait : RETRY_MAX_S;
	c->failures++;
	c->not_before = now + wait;
	log_event(LOG_ERROR, "acme.failed", LOG_LIST(LOG_C("error", e->log[0] ? e->log : err_text(r)), LOG_U("again_s", wait)));
}

METRIC_COUNTER(issued, "troika_acme_orders_total", "result=\"issued\"", "Certificates asked for.");
METRIC_COUNTER(failed, "troika_acme_orders_total", "result=\"failed\"", "Certificates asked for.");

int certificates_run(struct certificates *c, const struct certificates_config *config, const struct str *names, size_t n, int64_t now)
{
	struct str all[ACME_NAMES_MAX], rest = str_from_c(config->names), name;
	struct err e = { 0 };
	size_t count = 0;

	if (!config->agree || now < c->not_before || *c->stop)
		return 0;
	for (size_t i = 0; i < n && count < ACME_NAMES_MAX; i++)
		all[count++] = names[i];
	while (rest.n && count < ACME_NAMES_MAX) {
		str_cut(rest, ' ', &name, &rest);
		if (name.n)
			all[count++] = name;
	}
	if (!is_needed(c, all, count, now))
		return 0;
	log_event(LOG_NOTICE, "acme.order", LOG_LIST(LOG_C("directory", config->directory), LOG_S("name", all[0]), LOG_U("names", count)));
	int r = obtain(c, config, all, count, &e);
	/* one name that cannot be proven must not let the server's own run out */
	if (r == ERR_DENIED && count > 1 && is_needed(c, all, 1, now)) {
		log_event(LOG_WARN, "acme.refused", LOG_LIST(LOG_C("error", e.log), LOG_C("means", "the first name is asked for alone")));
		r = obtain(c, config, all, 1, &e);
	}
	metric_add(r ? &failed : &issued, 1);
	if (r) {
		note_failure(c, r, &e, now);
		return r;
	}
	c->failures = 0;
	log_event(LOG_NOTICE, "acme.certificate", LOG_LIST(LOG_S("name", all[0]), LOG_C("file", c->pair)));
	return 1;
}
