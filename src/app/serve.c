#include "app/serve.h"

#include "app/defence.h"
#include "app/house.h"
#include "app/mailroute.h"
#include "app/sandbox.h"
#include "app/listeners.h"
#include "app/monitor.h"
#include "app/patrol.h"
#include "app/signing.h"
#include "app/bins.h"
#include "app/world.h"
#include "audit/audit.h"
#include "base/clock.h"
#include "proto/common/services.h"
#include "proto/http/http.h"
#include "proto/imap/imap.h"
#include "proto/pop3/pop3.h"
#include "proto/smtp/smtp.h"
#include "queue/queue.h"
#include "rt/fault.h"
#include "rt/log.h"
#include "rt/server.h"
#include "rt/supervisor.h"
#include "rt/tls.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAINTAIN_PERIOD_MS 60000u
#define SWEEP_PERIOD_MS 600000u                    /* a look at an account without anything due costs some microseconds */
#define RENEW_PERIOD_MS 10000u                    /* looking costs a file; the authority is asked when it is time */
#define PROBE_PERIOD_MS 300u
#define ROTATE_PERIOD_MS 3600000u
#define MAINTAIN_BYTES ((uint64_t)64 << 20)       /* rewritten at most in one round */
#define SELF_SIGNED_DAYS 3650
#define SEARCH_STOP_MS 5000u                      /* for the index that is being written, before the process ends without it */

struct serving {
	const struct serve_options *options;
	struct app_config config;
	struct house house;
	struct services *services;
	struct queue *queue;
	struct world world;
	struct defence defence;
	struct mailroute route;
	struct signing *signing;
	struct dkim_keyring keyring;
	struct server *server;
	struct monitor *monitor;
	struct patrol patrol;
	pthread_mutex_t config_lock;     /* config, between a reload and the periodic jobs */
	struct smtp_service smtp, submission, lmtp;
	pthread_t signal_thread;
	bool signal_thread_runs;
};

/* ---- TLS ---- */

/* Configured identities, and the one that ACME got. */
static int make_context(struct serving *s, struct tls_context **out, struct err *e)
{
	struct tls_options options = s->config.tls;
	struct tls_identity identities[APP_IDENTITIES_MAX + 1];

	memcpy(identities, s->config.identities, options.n_identities * sizeof *identities);
	if (s->world.certificates && certificates_identity(s->world.certificates, &identities[options.n_identities]))
		options.n_identities++;
	options.identities = identities;
	options.challenges = s->world.challenges;
	return options.n_identities ? tls_context_create(&options, out, e) : 0;
}

/* Without a certificate a self-signed one is made, once, and said so. */
static int self_signed(struct serving *s, struct tls_context **out, struct err *e)
{
	char cert[1024], key[1024], fingerprint[128];
	struct tls_identity identity = { cert, key };
	struct tls_options options = s->config.tls;

	if (!house_path(s->options->dir, "tls/self-signed.pem", cert, sizeof cert) ||
		!house_path(s->options->dir, "tls/self-signed.key", key, sizeof key))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", s->options->dir);
	struct str names[] = { s->config.mail.hostname, STR("localhost") };
	int r = tls_self_signed(names, 2, SELF_SIGNED_DAYS, cert, key, e);
	if (r && r != ERR_EXISTS)
		return r;
	r = tls_fingerprint(cert, fingerprint, sizeof fingerprint, e);
	if (r)
		return r;
	log_event(LOG_WARN, "tls.self-signed", LOG_LIST(LOG_C("certificate", cert), LOG_C("sha256", fingerprint),
			  LOG_C("cure", "set tls { certificate key } in troika.conf")));
	options.identities = &identity;
	options.n_identities = 1;
	options.challenges = s->world.challenges;
	return tls_context_create(&options, out, e);
}

/* For a reload. */
static int install_tls(struct serving *s, struct err *e)
{
	struct tls_context *t = NULL;
	int r = make_context(s, &t, e);

	if (r == 0 && !t)
		r = self_signed(s, &t, e);
	if (r == 0)
		server_set_tls(s->server, t);
	tls_context_unref(&t);
	return r;
}

/* ---- listeners ---- */

static int listen_one(struct serving *s, const struct app_listen *l, struct err *e)
{
	const struct { const struct conn_proto *proto; void *ctx; bool tls_first; } kinds[APP_PROTO_COUNT] = {
		[APP_SMTP] = { &smtp_proto, &s->smtp, false },
		[APP_SUBMISSION] = { &smtp_submission_proto, &s->submission, false },
		[APP_SUBMISSIONS] = { &smtp_submission_proto, &s->submission, true },
		[APP_LMTP] = { &smtp_lmtp_proto, &s->lmtp, false },
		[APP_POP3] = { &pop3_proto, s->services, false },
		[APP_POP3S] = { &pop3_proto, s->services, true },
		[APP_IMAP] = { &imap_proto, s->services, false },
		[APP_IMAPS] = { &imap_proto, s->services, true },
		[APP_HTTP] = { &http_proto, pages_service(s->world.pages), false },
		[APP_HTTPS] = { &http_proto, pages_service(s->world.pages), true },
	};
	struct listen_spec spec = {
		.proto = kinds[l->proto].proto, .ctx = kinds[l->proto].ctx, .address = l->address, .port = l->port,
		.tls_first = kinds[l->proto].tls_first, .proxy_from = s->config.proxy_from, .n_proxy_from = s->config.n_proxy_from,
	};
	uint16_t port = 0;
	int r = server_listen(s->server, &spec, &port, e);

	if (r == 0)
		log_event(LOG_NOTICE, "listen", LOG_LIST(LOG_C("proto", app_proto_name(l->proto)), LOG_C("address", l->address), LOG_U("port", port)));
	return r;
}

static int listen_all(struct serving *s, struct err *e)
{
	const struct app_listen *list = s->options->listen;
	unsigned n = s->options->n_listen;
	int r = 0;

	if (n == 0)
		list = app_listeners(&s->config, &n);
	for (unsigned i = 0; r == 0 && i < n; i++)
		r = listen_one(s, &list[i], e);
	return r;
}

/* ---- signals ---- */

static void set_log(struct serving *s)
{
	enum log_format format = s->config.log_format;

	if (s->options->log_format)
		format = strcmp(s->options->log_format, "json") ? LOG_TEXT : LOG_JSON;
	log_setup(format, s->config.log_level, STDERR_FILENO);
}

/* A configuration that does not load changes nothing. */
static void reload(struct serving *s)
{
	struct app_config fresh;
	struct err e = { 0 };
	int r = app_config_load(s->options->dir, s->options->config_file, &fresh, &e);

	if (r) {
		log_event(LOG_ERROR, "reload.failed", LOG_LIST(LOG_C("error", e.log)));
		app_config_fini(&fresh);
		return;
	}
	pthread_mutex_lock(&s->config_lock);
	struct app_config old = s->config;
	s->config = fresh;
	s->config.tls.identities = s->config.identities;
	set_log(s);
	audit_set_keep_days(s->config.audit_keep_days);
	model_set_quota_grace(s->house.model, s->config.quota_grace_percent);
	server_set_slow(s->server, s->config.slow_ms);
	struct model_keep keep = app_keep(&s->config);
	model_set_keep(s->house.model, &keep);
	r = services_set_config(s->services, &s->config.mail);
	if (r == 0)
		r = world_set_config(&s->world, &s->config, &s->keyring);
	if (r == 0)
		r = mailroute_set_config(&s->route, &s->config, &e);
	if (r == 0)
		r = defence_set_config(&s->defence, &s->config, &e);
	if (r == 0)
		r = install_tls(s, &e);
	if (r)
		log_event(LOG_ERROR, "reload.partly-failed", LOG_LIST(LOG_C("error", e.log), LOG_C("hint", "a file in a place that the start did not know needs a restart, or sandbox { read }")));
	else
		log_event(LOG_NOTICE, "reload", LOG_NOTHING);
	audit_act(STR_NONE, "serve", "reload", STR_NONE, STR_NONE, r);
	pthread_mutex_unlock(&s->config_lock);
	app_config_fini(&old);
}

static void *signal_loop(void *arg)
{
	struct serving *s = arg;
	sigset_t set;
	int signal_number;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	while (sigwait(&set, &signal_number) == 0) {
		if (signal_number == SIGHUP) {
			reload(s);
			continue;
		}
		supervisor_tell("STOPPING=1");
		log_event(LOG_NOTICE, "drain", LOG_LIST(LOG_C("signal", signal_number == SIGTERM ? "SIGTERM" : "SIGINT")));
		world_stop(&s->world);
		search_stop(s->house.search);
		server_stop(s->server);
		break;
	}
	return NULL;
}

/* Before any other thread is made, so that all inherit the mask and only signal_loop takes them. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- the whole ---- */

static void raise_file_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* Root is needed for two things: to read the configured keys, and to bind low ports. The first is done before, the right for the second is kept
 * alone until the ports are bound. */
/* What is allowed and hardly meant. */
static void warn_of_config(const struct app_config *c)
{
	bool tokens = c->mail.oauth_keys.n || c->mail.oauth_introspection.n;
	if (tokens && (!c->mail.oauth_issuer.n || !c->mail.oauth_audience.n))
		log_event(LOG_WARN, "oauth.any-token", LOG_LIST(LOG_C("why", "a token that the authority made for any other service opens mailboxes"),
													   LOG_C("cure", "set auth { oauth_issuer oauth_audience }")));
}

static int drop_privileges(struct serving *s, struct err *e)
{
	if (geteuid() != 0)
		return 0;
	int r = s->config.user ? house_become_user(s->config.user, e) : house_become_owner(s->options->dir, e);
	if (r == 0 && geteuid() == 0)
		log_event(LOG_WARN, "runs-as-root", LOG_LIST(LOG_C("cure", "give the data directory to a user of its own (chown -R troika DIR)")));
	return r;
}

static void maintain(void *arg)
{
	struct serving *s = arg;
	uint64_t reclaimed = 0;

	if (store_maintain(s->house.store, MAINTAIN_BYTES, &reclaimed) == 0 && reclaimed)
		log_event(LOG_INFO, "store.reclaimed", LOG_LIST(LOG_U("bytes", reclaimed)));
}

static bool is_stopping(void *arg) { return server_is_stopping(((struct serving *)arg)->server); }

static void sweep_bins(void *arg)
{
	struct serving *s = arg;
	bins_sweep(s->house.model, clock_now(), is_stopping, s);
}

static void world_job(void *arg)
{
	struct serving *s = arg;
	world_minute(&s->world, clock_now());
	defence_minute(&s->defence, clock_now());
}

/* Getting a certificate takes its time, and works on what the configuration said when it began. */
static void renew(void *arg)
{
	struct serving *s = arg;
	struct world_renewal renewal;
	struct err e = { 0 };

	pthread_mutex_lock(&s->config_lock);
	bool wanted = world_renewal_init(&renewal, &s->config);
	pthread_mutex_unlock(&s->config_lock);
	if (wanted && world_renew(&s->world, &renewal, clock_now())) {
		pthread_mutex_lock(&s->config_lock);
		if (install_tls(s, &e))
			log_event(LOG_ERROR, "tls.failed", LOG_LIST(LOG_C("error", e.log)));
		pthread_mutex_unlock(&s->config_lock);
	}
	world_renewal_fini(&renewal);
}

static void rotate_keys(void *arg)
{
	struct serving *s = arg;
	pthread_mutex_lock(&s->config_lock);
	unsigned days = s->config.dkim_rotate_days;
	pthread_mutex_unlock(&s->config_lock);
	signing_rotate_due(s->house.directory, days, &s->world.source, clock_now());
}

static void probe(void *arg)
{
	const struct serving *s = arg;
	sandbox_probe(s->options->dir);
}

static void emails_came(void *search, uint64_t account) { search_hint(search, account); }

static int open_search(struct serving *s, struct err *e)
{
	if (!s->config.search.enabled)
		return 0;
	int r = house_open_search(&s->house, &s->config, s->config.search.threads, e);
	if (r == 0) {
		model_on_emails(s->house.model, emails_came, s->house.search);
		services_set_search(s->services, s->house.search);
	}
	return r;
}

static int open_rooms(struct serving *s, struct err *e)
{
	struct queue_config queue;
	int r = house_open(s->options->dir, &s->config, &s->house, e);

	if (r == 0)
		r = services_create(s->house.model, s->house.directory, &s->services);
	if (r == 0)
		r = services_set_config(s->services, &s->config.mail);
	if (r == 0)
		r = open_search(s, e);
	mailroute_queue_config(&s->route, &s->config, &queue);
	if (r == 0)
		r = queue_open(s->house.store, &queue, &s->queue, e);
	if (r == 0)
		r = signing_create(s->house.directory, &s->signing);
	if (r == 0) {
		s->keyring = signing_keyring(s->signing);
		r = world_open(&s->world, &s->house, s->queue, &s->config, &s->keyring, e);
	}
	if (r == 0)
		r = mailroute_open(&s->route, &s->house, s->queue, &s->world, &s->config, &s->keyring, e);
	if (r == 0)
		r = defence_open(&s->defence, &s->house, &s->world.source, &s->config, e);
	s->smtp = (struct smtp_service){ .services = s->services, .mode = SMTP_MX, .queue = s->queue, .dns = &s->world.source, .keyring = &s->keyring,
									 .report = world_report_dmarc, .report_ctx = &s->world, .gates = s->defence.smtp, .n_gates = 2 };
	s->submission = (struct smtp_service){ .services = s->services, .mode = SMTP_SUBMISSION, .queue = s->queue, .store = s->house.store, .keyring = &s->keyring,
										   .gates = s->defence.submission, .n_gates = 2 };
	s->lmtp = (struct smtp_service){ .services = s->services, .mode = SMTP_LMTP, .queue = s->queue, .gates = s->defence.lmtp, .n_gates = 1 };
	return r;
}

static int start_monitor(struct serving *s, struct err *e)
{
	struct monitor_parts parts = { .house = &s->house, .queue = s->queue, .route = &s->route, .guard = s->defence.guard, .server = s->server,
								   .hostname = s->config.mail.hostname };
	int r = monitor_create(&parts, &s->monitor);

	return r ? err_set(e, r, NULL, "monitor") : monitor_listen(s->monitor, &s->config, e);
}

/* Buffers of connections are allocated whole and used in part. Where the kernel gives huge pages unasked, as Debian's does, the other part would become memory too: 57 KB
 * in place of 35 for a TLS handshake under way, 40 MB in place of 5 for a server at rest. */
static void use_small_pages(void) { (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); }

static int open_all(struct serving *s, struct err *e)
{
	struct tls_context *tls = NULL;
	use_small_pages();
	/* as root: the configured keys may be readable for nobody else */
	int r = s->config.tls.n_identities ? tls_context_create(&s->config.tls, &tls, e) : 0;

	warn_of_config(&s->config);
	if (r == 0)
		r = drop_privileges(s, e);
	if (r == 0)
		r = audit_open(s->options->dir, s->config.audit_keep_days, e);
	if (r == 0)
		r = sandbox_close(s->options->dir, s->options->config_file, &s->config, e);
	if (r == 0)
		r = open_rooms(s, e);
	if (r == 0 && !tls)
		r = make_context(s, &tls, e);
	if (r == 0)
		r = server_create(&s->config.server, &s->server, e);
	if (r == 0)
		r = house_use_bind_right(e);
	if (r == 0)
		r = listen_all(s, e);
	if (r == 0)
		r = start_monitor(s, e);
	if (r == 0)
		r = house_drop_bind_right(e);
	if (r == 0 && !tls)
		r = self_signed(s, &tls, e);
	if (r == 0)
		server_set_tls(s->server, tls);
	tls_context_unref(&tls);
	if (r == 0)
		r = server_every(s->server, MAINTAIN_PERIOD_MS, maintain, s);
	s->patrol.store = s->house.store;
	if (r == 0)
		r = server_every(s->server, PATROL_PERIOD_MS, patrol_step, &s->patrol);
	if (r == 0)
		r = server_every(s->server, MAINTAIN_PERIOD_MS, world_job, s);
	if (r == 0)
		r = server_every(s->server, SWEEP_PERIOD_MS, sweep_bins, s);
	if (r == 0)
		r = server_every(s->server, RENEW_PERIOD_MS, renew, s);
	if (r == 0 && sandbox_probe_wanted())
		r = server_every(s->server, PROBE_PERIOD_MS, probe, s);
	return r ? r : server_every(s->server, ROTATE_PERIOD_MS, rotate_keys, s);
}

/* Everything that was promised is on the disk by now, and an index is written in transactions: the process need not wait for one. */
static void await_search(struct serving *s, int status)
{
	search_stop(s->house.search);
	if (search_wait(s->house.search, SEARCH_STOP_MS))
		return;
	log_event(LOG_WARN, "search.late", LOG_LIST(LOG_U("ms", SEARCH_STOP_MS), LOG_C("means", "an index is in the middle of a long change; ends without it, and it is done anew")));
	audit_close();
	_exit(status);
}

static void close_all(struct serving *s)
{
	if (s->signal_thread_runs) {
		pthread_cancel(s->signal_thread);
		pthread_join(s->signal_thread, NULL);
	}
	monitor_destroy(&s->monitor);
	server_destroy(&s->server);
	services_destroy(&s->services);
	mailroute_close(&s->route);
	defence_close(&s->defence);
	world_close(&s->world);
	signing_destroy(&s->signing);
	queue_close(&s->queue);
	house_close(&s->house);
	sandbox_end();
	audit_close();
	app_config_fini(&s->config);
}

static int run(struct serving *s, struct err *e)
{
	s->signal_thread_runs = pthread_create(&s->signal_thread, NULL, signal_loop, s) == 0;
	if (!s->signal_thread_runs)
		return err_set(e, ERR_NO_MEMORY, NULL, "cannot start a thread");
	/* from here on a reload may come at any time */
	pthread_mutex_lock(&s->config_lock);
	uint64_t drain_ms = s->config.server.drain_ms;
	log_event(LOG_NOTICE, "serve", LOG_LIST(LOG_C("version", TROIKA_VERSION), LOG_C("dir", s->options->dir), LOG_S("hostname", s->config.mail.hostname)));
	sandbox_close_listening(&s->config);
	pthread_mutex_unlock(&s->config_lock);
	audit_act(STR_NONE, "serve", "serve", STR_NONE, STR("version " TROIKA_VERSION), 0);
	int r = mailroute_start(&s->route, e);
	if (r == 0) {
		r = server_run(s->server, e);
		mailroute_stop(&s->route, drain_ms);
	}
	log_event(LOG_NOTICE, "stopped", LOG_NOTHING);
	return r;
}

int serve(const struct serve_options *o, struct err *e)
{
	struct serving s = { .options = o, .config_lock = PTHREAD_MUTEX_INITIALIZER };

	block_signals();
	raise_file_limit();
	supervisor_setup();
	if (fault_setup(getenv("TROIKA_FAULTS")))
		return err_set(e, ERR_CONFIG, NULL, "TROIKA_FAULTS cannot be parsed");
	int r = app_config_load(o->dir, o->config_file, &s.config, e);
	if (r == 0) {
		set_log(&s);
		s.config.tls.identities = s.config.identities;
		r = open_all(&s, e);
	}
	if (r == 0 && store_catch_bus_errors())
		log_event(LOG_WARN, "serve.no-bus-errors", LOG_LIST(LOG_C("means", "a failing disk may end the server")));
	if (r == 0) {
		r = run(&s, e);
		await_search(&s, r ? 1 : 0);
	}
	close_all(&s);
	return r;
}
