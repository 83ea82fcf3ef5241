/* Is the server well? For people, scripts and cron. */
#include "cli/command.h"
#include "cli/control.h"
#include "cli/options.h"
#include "cli/top_screen.h"

static void show_checks(const json_t *j, struct buf *out)
{
	const json_t *checks = json_object_get(json_object_get(j, "ready"), "checks");
	size_t i;
	const json_t *c;

	json_array_foreach(checks, i, c) {
		buf_add_lit(out, "  ");
		top_add_text(out, control_text(c, "name"), 12);
		bool ok = control_number(c, "ok"), warns = ok && *control_text(c, "warning");
		buf_add_c(out, warns ? " ok, but: " : ok ? " ok" : " FAILED: ");
		top_add_text(out, control_text(c, warns ? "warning" : "why"), 0);
		buf_add_char(out, '\n');
	}
}

static bool is_up(const json_t *j, const char *status) { return !strcmp(control_text(j, status), "ok") || !strcmp(control_text(j, status), "degraded"); }
static bool is_well(const json_t *j) { return is_up(j, "health.status") && is_up(j, "ready.status"); }

static void show(const json_t *j, struct buf *out)
{
	buf_add_lit(out, "troika ");
	top_add_text(out, control_text(j, "version"), 0);
	buf_add_char(out, ' ');
	top_add_text(out, control_text(j, "hostname"), 0);
	buf_printf(out, ", pid %lld: up ", (long long)control_number(j, "process.pid"));
	top_add_time(out, (uint64_t)control_number(j, "uptime_ms"), 0);
	buf_add_c(out, is_well(j) ? ", ready\n" : is_up(j, "health.status") ? ", NOT READY\n" : ", NOT ALIVE\n");
	show_checks(j, out);
	buf_printf(out, "  %lld connections, %lld of %lld threads busy; %lld messages wait, the oldest for ", (long long)control_number(j, "server.connections"),
			   (long long)control_number(j, "server.workers_busy"), (long long)control_number(j, "server.workers"), (long long)control_number(j, "queue.messages"));
	top_add_time(out, (uint64_t)control_number(j, "queue.oldest_s") * 1000, 0);
	buf_add_char(out, '\n');
}

int cli_status(int argc, char **argv)
{
	struct options o;
	struct err e = { 0 };
	struct buf out = BUF_INIT(0);
	json_t *j;
	int http, r = options_parse("status", argc, argv, OPT_JSON, &o);

	if (r)
		return r;
	if (o.n_words)
		return cli_usage("status", "no words are expected");
	r = control_get(o.dir, "/status", &http, &j, &e);
	if (r) {
		cli_fail("status", r, &e);
		return CLI_FAILED;
	}
	if (o.json) {
		json_dumpf(j, stdout, JSON_INDENT(1));
		putchar('\n');
	} else {
		show(j, &out);
		(void)fwrite(out.p, 1, out.n, stdout);
	}
	bool well = is_well(j);
	buf_fini(&out);
	json_decref(j);
	return well ? CLI_OK : CLI_FAILED;
}
