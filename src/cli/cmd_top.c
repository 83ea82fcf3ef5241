/* Who does what, live: the server is asked every second, the terminal is drawn anew. */
#include "cli/command.h"
#include "cli/control.h"
#include "cli/options.h"
#include "cli/top_screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define PERIOD_MS 1000
#define ONCE_MS 500                      /* between the two looks of --once */
#define SESSIONS "/sessions?limit=1000"

static volatile sig_atomic_t ended;      /* by SIGINT or SIGTERM */
static void on_end(int signal_number) { (void)signal_number, ended = 1; }
static void on_resize(int signal_number) { (void)signal_number; }      /* poll ends, and all is drawn */

/* ---- looking ---- */

static void forget(struct top_look *l)
{
	json_decref((json_t *)(uintptr_t)l->status);
	json_decref((json_t *)(uintptr_t)l->sessions);
	*l = (struct top_look){ NULL, NULL };
}

static int look(const char *dir, struct top_look *out, struct err *e)
{
	json_t *status = NULL, *sessions = NULL;
	int http, r = control_get(dir, "/status", &http, &status, e);

	if (r == 0)
		r = control_get(dir, SESSIONS, &http, &sessions, e);
	*out = (struct top_look){ status, sessions };
	if (r)
		forget(out);
	return r;
}

/* ---- once ---- */

static int print_json(const struct top_look *l)
{
	json_t *all = json_pack("{s:O, s:O}", "status", l->status, "sessions", json_object_get(l->sessions, "sessions"));

	if (!all)
		return ERR_NO_MEMORY;
	json_dumpf(all, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(all);
	return 0;
}

static struct top_view view_of_terminal(enum top_order order)
{
	struct winsize w = { 0 };
	struct top_view v = { .width = 100, .order = order };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col) {
		v.width = w.ws_col < 40 ? 40 : w.ws_col;
		v.height = w.ws_row < 8 ? 8 : w.ws_row;
	}
	return v;
}

static int once(const char *dir, bool json, struct err *e)
{
	struct top_look before, now;
	struct buf text = BUF_INIT(0);
	struct top_view v = view_of_terminal(TOP_BY_ACTIVITY);
	int r = look(dir, &before, e);

	if (r || json) {
		r = r ? r : print_json(&before);
		forget(&before);
		return r;
	}
	v.height = 0;
	poll(NULL, 0, ONCE_MS);
	r = look(dir, &now, e);
	if (r == 0) {
		top_draw(&now, &before, &v, &text);
		(void)fwrite(text.p, 1, text.n, stdout);
	}
	forget(&before);
	forget(&now);
	buf_fini(&text);
	return r;
}

/* ---- live ---- */

static void put(const struct buf *b)
{
	for (size_t at = 0; at < b->n;) {
		ssize_t n = write(STDOUT_FILENO, b->p + at, b->n - at);
		if (n < 0 && errno != EINTR)
			return;
		at += n > 0 ? (size_t)n : 0;
	}
}

static void put_text(const char *text)
{
	struct buf b = BUF_INIT(0);
	buf_add_c(&b, text);
	put(&b);
	buf_fini(&b);
}

/* Over what stands there, so that nothing flickers: each line erased to its end, then all below. */
static void paint(const struct top_look *now, const struct top_look *before, enum top_order order, const char *trouble)
{
	static const char *const names[] = { "activity", "bytes", "age", "user", "protocol" };
	struct top_view v = view_of_terminal(order);
	struct buf text = BUF_INIT(0), screen = BUF_INIT(0);
	struct str line, rest;

	v.height = v.height ? v.height - 1 : 23;
	if (now->status)
		top_draw(now, before, &v, &text);
	buf_add_lit(&screen, "\x1b[H");
	for (rest = buf_str(&text); str_cut(rest, '\n', &line, &rest);) {
		buf_add_str(&screen, line);
		buf_add_lit(&screen, "\x1b[K\r\n");
	}
	buf_add_lit(&screen, "\x1b[J");
	buf_printf(&screen, "\x1b[%u;1H\x1b[7m", v.height + 1);
	if (trouble)
		top_add_text(&screen, trouble, v.width);
	else
		buf_printf(&screen, " by %s: a activity, b bytes, t age, u user, p protocol; q ends ", names[order]);
	buf_add_lit(&screen, "\x1b[m\x1b[K");
	put(&screen);
	buf_fini(&text);
	buf_fini(&screen);
}

/* False: the user wants to leave. */
static bool take_key(char key, enum top_order *order)
{
	static const char keys[] = "abtup";
	const char *at = key ? strchr(keys, key) : NULL;

	if (at)
		*order = (enum top_order)(at - keys);
	return key != 'q' && key != 'Q' && key != 3 && key != 4;
}

/* Waits for a period or a key. False: the end. */
static bool wait_for_key(enum top_order *order)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;

	if (poll(&p, 1, PERIOD_MS) <= 0)
		return !ended;
	ssize_t n = read(STDIN_FILENO, &key, 1);
	return n == 1 ? take_key(key, order) && !ended : n < 0 && errno == EINTR && !ended;
}

static void watch(const char *dir)
{
	struct top_look before = { NULL, NULL }, now = { NULL, NULL }, fresh;
	enum top_order order = TOP_BY_ACTIVITY;
	struct err e;

	do {
		e = (struct err){ 0 };
		if (look(dir, &fresh, &e) == 0) {
			forget(&before);
			before = now;
			now = fresh;
		}
		paint(&now, &before, order, e.code ? e.log : NULL);
	} while (wait_for_key(&order));
	forget(&before);
	forget(&now);
}

static int live(const char *dir, struct err *e)
{
	struct termios was, raw;
	struct sigaction end = { .sa_handler = on_end }, resize = { .sa_handler = on_resize };

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &was))
		return err_set(e, ERR_UNSUPPORTED, NULL, "no terminal; see: troika top --once");
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGWINCH, &resize, NULL);
	raw = was;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	put_text("\x1b[?1049h\x1b[?25l");
	watch(dir);
	put_text("\x1b[?25h\x1b[?1049l");
	tcsetattr(STDIN_FILENO, TCSANOW, &was);
	return 0;
}

int cli_top(int argc, char **argv)
{
	struct options o;
	struct err e = { 0 };
	int r = options_parse("top", argc, argv, OPT_ONCE | OPT_JSON, &o);

	if (r)
		return r;
	if (o.n_words)
		return cli_usage("top", "no words are expected");
	r = o.once || o.json ? once(o.dir, o.json, &e) : live(o.dir, &e);
	return r ? cli_fail("top", r, &e) : CLI_OK;
}
