#include "outbound/crew.h"

#include "base/clock.h"
#include "base/signals.h"
#include "outbound/delivery.h"
#include "rt/log.h"

#include <signal.h>
#include <unistd.h>

#define SWEEP_MS 500u                 /* how often resting sessions are looked after */
#define REFRESH_MS ((uint64_t)3600000)    /* MTA-STS policies */
#define FAILED_TAKE_US 200000         /* a queue that cannot be read now */
#define SWEEP_BATCH 64
#define STOP_TELL_MS 5000u            /* how often it says that it waits for threads */

static int start_thread(struct outbound *o);

/* ---- who waits and who works ---- */

/* The last one that waited got work: another shall wait in its place. */
static void begin_work(struct outbound *o)
{
	pthread_mutex_lock(&o->lock);
	o->waiting--;
	o->busy++;
	bool more = o->waiting == 0 && o->threads < o->setup->config.threads && !o->stopping;
	o->threads += more;
	pthread_mutex_unlock(&o->lock);
	if (more && start_thread(o)) {
		pthread_mutex_lock(&o->lock);
		o->threads--;
		pthread_mutex_unlock(&o->lock);
		log_event(LOG_WARN, "outbound.no-more-threads", LOG_LIST(LOG_U("threads", o->threads)));
	}
}

static void end_work(struct outbound *o)
{
	pthread_mutex_lock(&o->lock);
	o->busy--;
	o->waiting++;
	pthread_mutex_unlock(&o->lock);
}

/* ---- care: done by whichever thread comes by when it is time; another one waits for jobs meanwhile ---- */

static bool is_my_turn(_Atomic uint64_t *next, uint64_t period)
{
	uint64_t now = clock_mono_ms(), at = *next;
	return now >= at && atomic_compare_exchange_strong(next, &at, now + period);
}

/* All say QUIT before the first answer is waited for: hundreds end in the time of one. */
static void close_expired(struct outbound *o, uint64_t now)
{
	struct client *over[SWEEP_BATCH];
	size_t n;

	do {
		n = idle_expired(o->idle, now, over, SWEEP_BATCH);
		for (size_t i = 0; i < n; i++)
			client_say_quit(over[i]);
		for (size_t i = 0; i < n; i++)
			outbound_close_client(o, &over[i]);
	} while (n == SWEEP_BATCH);
}

static void take_care(struct outbound *o)
{
	if (is_my_turn(&o->next_sweep_ms, SWEEP_MS)) {
		if (idle_count(o->idle)) {
			begin_work(o);
			close_expired(o, clock_mono_ms());
			end_work(o);
		}
		warmup_save(o->warmup);
	}
	if (is_my_turn(&o->next_refresh_ms, REFRESH_MS)) {
		struct setup *s = outbound_setup(o);
		struct sts_question q = { .dns = &o->env.dns, .ca_file = s->config.ca_file, .now = clock_now() };
		if (!s->config.no_sts) {
			begin_work(o);
			sts_refresh(o->sts, &q, &o->stopping);
			end_work(o);
		}
		setup_unref(&s);
	}
}

/* ---- a thread ---- */

static void run_job(struct outbound *o, struct queue_job *j)
{
	struct setup *s = outbound_setup(o);

	if (j->kind == QUEUE_NOTICE)
		delivery_notice(o, s, j);
	else
		delivery_run(o, s, j);
	setup_unref(&s);
}

static void do_job(struct outbound *o, struct queue_job *j)
{
	begin_work(o);
	run_job(o, j);
	end_work(o);
}

/* True: this thread has waited for long and others wait too. */
static bool is_spare(struct outbound *o, uint64_t idle_since)
{
	if (clock_mono_ms() - idle_since < WORKER_SPARE_MS)
		return false;
	pthread_mutex_lock(&o->lock);
	bool spare = o->waiting > 1;
	o->waiting -= spare;
	o->threads -= spare;
	pthread_mutex_unlock(&o->lock);
	return spare;
}

static void leave(struct outbound *o, bool counted)
{
	pthread_mutex_lock(&o->lock);
	if (counted) {
		o->waiting--;
		o->threads--;
	}
	if (o->threads == 0)
		pthread_cond_broadcast(&o->thread_gone);
	pthread_mutex_unlock(&o->lock);
}

static void *thread_main(void *arg)
{
	struct outbound *o = arg;
	char prefer[DNS_NAME_MAX + 16];
	struct str preferred = STR_NONE;
	uint64_t idle_since = clock_mono_ms();
	unsigned in_a_row = 0;
	struct queue_job *j;

	while (!o->stopping) {
		int r = queue_take(o->env.queue, WORKER_WAIT_MS, preferred, false, &j);
		if (r == 0) {
			/* The next job of the same destination finds the session open; but others want a turn. */
			in_a_row = str_eq(preferred, j->destination) ? in_a_row + 1 : 0;
			bool again = in_a_row < WORKER_IN_A_ROW && !str_starts(j->destination, STR(":"));
			preferred = again && str_copy_c(prefer, sizeof prefer, j->destination) ? str_from_c(prefer) : STR_NONE;
			do_job(o, j);
			idle_since = clock_mono_ms();
		} else if (r == ERR_CLOSED) {
			break;
		} else if (r != ERR_TIMEOUT) {
			log_event(LOG_WARN, "outbound.queue-unreadable", LOG_LIST(LOG_C("error", err_text(r))));
			usleep(FAILED_TAKE_US);
		} else if (is_spare(o, idle_since)) {
			leave(o, false);
			return NULL;
		}
		take_care(o);
	}
	leave(o, true);
	return NULL;
}

/* What is ours waits for nobody's servers: one thread each for mail to our accounts and for notices, whatever all others are held up by. */
static void *serve_own(struct outbound *o, struct str destination)
{
	struct queue_job *j;
	int r;

	while (!o->stopping && (r = queue_take(o->env.queue, WORKER_WAIT_MS, destination, true, &j)) != ERR_CLOSED) {
		if (r == 0)
			run_job(o, j);
		else if (r != ERR_TIMEOUT)
			usleep(FAILED_TAKE_US);
	}
	pthread_mutex_lock(&o->lock);
	if (--o->threads == 0)
		pthread_cond_broadcast(&o->thread_gone);
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

static void *local_main(void *arg) { return serve_own(arg, STR(QUEUE_LOCAL)); }
static void *notice_main(void *arg) { return serve_own(arg, STR(QUEUE_NOTICES)); }

/* o->threads counts it already. */
static int create_thread(struct outbound *o, void *(*run)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, OUTBOUND_STACK);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	signals_all_but_faults(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);      /* signals are for the main thread */
	int failed = pthread_create(&thread, &attributes, run, o);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return failed ? ERR_NO_MEMORY : 0;
}

static int start_thread(struct outbound *o)
{
	pthread_mutex_lock(&o->lock);
	o->waiting++;
	pthread_mutex_unlock(&o->lock);
	if (create_thread(o, thread_main) == 0)
		return 0;
	pthread_mutex_lock(&o->lock);
	o->waiting--;
	pthread_mutex_unlock(&o->lock);
	return ERR_NO_MEMORY;
}

int crew_start(struct outbound *o, struct err *e)
{
	static void *(*const own[])(void *) = { local_main, notice_main };
	int r = 0;

	o->threads = 1;
	if (start_thread(o)) {
		o->threads = 0;
		r = ERR_NO_MEMORY;
	}
	for (size_t i = 0; r == 0 && i < sizeof own / sizeof *own; i++) {
		pthread_mutex_lock(&o->lock);
		o->threads++;
		pthread_mutex_unlock(&o->lock);
		r = create_thread(o, own[i]);
		if (r) {
			pthread_mutex_lock(&o->lock);
			o->threads--;
			pthread_mutex_unlock(&o->lock);
		}
	}
	return r ? err_set(e, r, NULL, "cannot start a thread for outbound") : 0;
}

/* Their connections are cut; an answer of the DNS, or a transaction, may still be waited for. Under the lock. */
static void wait_for_threads(struct outbound *o)
{
	struct timespec at;
	uint64_t until = clock_mono_ms() + STOP_TELL_MS;

	at = (struct timespec){ .tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000 };
	if (pthread_cond_timedwait(&o->thread_gone, &o->lock, &at))
		log_event(LOG_NOTICE, "outbound.stop-waits", LOG_LIST(LOG_U("threads", o->threads), LOG_U("busy", o->busy)));
}

void crew_stop(struct outbound *o, uint64_t drain_ms)
{
	uint64_t until = clock_mono_ms() + drain_ms;
	struct timespec at = { .tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000 };

	o->stopping = true;
	queue_stop(o->env.queue);
	pthread_mutex_lock(&o->lock);
	while (o->threads > 0)
		if (!o->cancel && pthread_cond_timedwait(&o->thread_gone, &o->lock, &at))
			o->cancel = true;
		else if (o->cancel)
			wait_for_threads(o);
	pthread_mutex_unlock(&o->lock);
	close_expired(o, UINT64_MAX);
}
