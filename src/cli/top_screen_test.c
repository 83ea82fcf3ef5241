#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/top_screen.h"

#include <string.h>

static json_t *parse(const char *text)
{
	json_error_t e;
	json_t *j = json_loads(text, 0, &e);
	if (!j)
		fail_msg("%s: %s", text, e.text);
	return j;
}

static const char before_status[] = "{'now_ms':1000,'server':{'refused_total':1},'mail':{'accepted_total':10},'store':{'commits_total':0,'syncs_total':0,'sync_us_total':0}}";
static const char now_status[] =
	"{'now_ms':3000,'version':'0.1','hostname':'mail.example','uptime_ms':93784000,"
	"'ready':{'checks':[{'name':'workers','ok':true},{'name':'disk','ok':false,'why':'no space'},{'name':'draining','ok':false,'why':'going'}]},"
	"'server':{'connections':7,'connections_max':60000,'workers':4,'workers_busy':1,'workers_max':256,'waiting':0,'refused_total':5,'slow_total':3},"
	"'mail':{'accepted_total':30},'queue':{'messages':2,'oldest_s':7},"
	"'store':{'commits_total':50,'syncs_total':20,'sync_us_total':50000,'errors_total':1},'process':{'resident_bytes':52428800,'open_files':40},"
	"'destinations':[{'name':'slow.example','recipients':9,'next_s':300,'failures':2,'reply':'451 later\\u001b[2J'}]}";
static const char before_sessions[] = "{'total':1,'sessions':[{'id':5,'in':0,'out':1000}]}";
static const char now_sessions[] =
	"{'total':9,'sessions':[{'id':6,'proto':'imap','user':'zoe@example.org','peer':'192.0.2.9','tls':'TLSv1.3','state':'selected','command':'UID SEARCH','command_ms':4500,"
	"'age_ms':9000,'in':10,'out':20},"
	"{'id':5,'proto':'pop3','user':'ann@example.org','peer':'local','tls':'','state':'transaction','command':'','quiet_ms':200,'age_ms':100000,'in':0,'out':9192}]}";

struct looks { struct top_look now, before; };

static json_t *loose(const char *text)
{
	char copy[4096];
	size_t n = strlen(text);
	assert_true(n < sizeof copy);
	memcpy(copy, text, n + 1);
	for (size_t i = 0; i < n; i++)
		if (copy[i] == '\'')
			copy[i] = '"';
	return parse(copy);
}

static int make(void **state)
{
	static struct looks l;
	l = (struct looks){ { loose(now_status), loose(now_sessions) }, { loose(before_status), loose(before_sessions) } };
	*state = &l;
	return 0;
}

static int drop(void **state)
{
	struct looks *l = *state;
	json_decref((json_t *)(uintptr_t)l->now.status);
	json_decref((json_t *)(uintptr_t)l->now.sessions);
	json_decref((json_t *)(uintptr_t)l->before.status);
	json_decref((json_t *)(uintptr_t)l->before.sessions);
	return 0;
}

/* The screen; no line is longer than the width. The caller frees. */
static char *draw(const struct looks *l, const struct top_view *v, unsigned *lines_out)
{
	struct buf out = BUF_INIT(0);
	struct str line, rest;
	top_draw(&l->now, &l->before, v, &out);
	*lines_out = 0;
	for (rest = buf_str(&out); str_cut(rest, '\n', &line, &rest); ++*lines_out)
		assert_true(line.n <= v->width);
	buf_add_char(&out, '\0');
	char *text;
	size_t n;
	buf_take(&out, &text, &n);
	return text;
}

static void expect(const char *text, const char *part)
{
	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("not there: %s\n%s", part, text);
}

static void test_whole(void **state)
{
	const struct looks *l = *state;
	unsigned lines;
	char *text = draw(l, &(struct top_view){ .width = 120 }, &lines);
	expect(text, "troika 0.1 mail.example  up 1d2h  NOT READY: disk (no space), draining (going)\n");
	expect(text, "conns 7 of 60000  threads 1 busy of 4 (256)  waiting 0  refused 2.0/s  slow 3\n");
	expect(text, "mail  in 10.0/s");
	expect(text, "store 25.0 commits/s  10.0 syncs/s of 2.5 ms  errors 1  memory 50M");
	expect(text, "      6 imap  + zoe@example.org");
	expect(text, "UID SEARCH    4.5s      5    10\n");
	expect(text, "      5 pop3    ann@example.org");
	expect(text, "transaction   0.2s      0  4.0k\n");
	expect(text, "        and 7 more\n");
	expect(text, "slow.example                       9 5m          2 451 later?[2J\n");        /* nothing steers the terminal */
	assert_true(strstr(text, "zoe@") < strstr(text, "ann@"));
	free(text);
}

static void test_small(void **state)
{
	const struct looks *l = *state;
	unsigned lines;
	char *text = draw(l, &(struct top_view){ .width = 80, .height = 24 }, &lines);
	assert_true(lines <= 24);
	expect(text, "slow.example");
	free(text);
	text = draw(l, &(struct top_view){ .width = 40, .height = 8 }, &lines);
	assert_int_equal(lines, 8);
	free(text);
}

static void test_orders(void **state)
{
	const struct looks *l = *state;
	static const bool ann_first[] = { [TOP_BY_ACTIVITY] = false, [TOP_BY_BYTES] = true, [TOP_BY_AGE] = true, [TOP_BY_USER] = true, [TOP_BY_PROTO] = false };
	for (unsigned i = 0; i < sizeof ann_first / sizeof *ann_first; i++) {
		unsigned lines;
		char *text = draw(l, &(struct top_view){ .width = 120, .order = (enum top_order)i }, &lines);
		assert_int_equal(strstr(text, "ann@") < strstr(text, "zoe@"), ann_first[i]);
		free(text);
	}
}

static void test_first_look(void **state)
{
	struct looks l = *(struct looks *)*state;
	unsigned lines;
	l.before = (struct top_look){ NULL, NULL };
	char *text = draw(&l, &(struct top_view){ .width = 100 }, &lines);
	expect(text, "mail  in 0.0/s");
	free(text);
}

static void test_cells(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	top_add_text(&b, "gr\xc3\xbc\xc3\x9f\x1b[1m\xff", 5);
	buf_add_char(&b, '|');
	top_add_text(&b, "ab", 4);
	buf_add_char(&b, '|');
	top_add_size(&b, 999, 5);
	top_add_size(&b, 1000, 5);
	top_add_size(&b, 10240, 5);
	top_add_size(&b, 5ull << 30, 5);
	buf_add_char(&b, '|');
	top_add_time(&b, 0, 5);
	top_add_time(&b, 119999, 5);
	top_add_time(&b, 3599000, 5);
	top_add_time(&b, 7380000, 7);
	buf_add_char(&b, '\0');
	assert_string_equal(b.p, "gr\xc3\xbc\xc3\x9f?|ab  |  999 1.0k  10k 5.0G|0.0s 119s 59m  2h03m  ");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_whole), cmocka_unit_test(test_small), cmocka_unit_test(test_orders), cmocka_unit_test(test_first_look),
										cmocka_unit_test(test_cells) };
	return cmocka_run_group_tests(tests, make, drop);
}
