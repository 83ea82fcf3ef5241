#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/limits.h"
#include "rt/log.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static char text[1 << 20];

/* What was logged since the last call, without the time. */
static const char *logged(int fd)
{
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(ftruncate(fd, 0), 0);
	lseek(fd, 0, SEEK_SET);
	return text;
}

static int open_file(void **state)
{
	char name[] = "/tmp/troika-log-test.XXXXXX";
	int *fd = malloc(sizeof(*fd));
	*fd = mkstemp(name);
	unlink(name);
	*state = fd;
	return *fd < 0;
}

static int close_file(void **state)
{
	log_setup(LOG_TEXT, LOG_INFO, 2);
	close(*(int *)*state);
	free(*state);
	return 0;
}

static void test_text(void **state)
{
	int fd = *(int *)*state;
	log_setup(LOG_TEXT, LOG_INFO, fd);
	log_event(LOG_INFO, "imap.login", LOG_LIST(LOG_C("user", "ann@example.org"), LOG_U("n", UINT64_MAX), LOG_I("d", -5), LOG_X("id", 0xbeef), LOG_C("empty", "")));
	const char *line = logged(fd);
	/* 2025-01-01T00:00:00.000Z */
	assert_true(strlen(line) > 25 && line[10] == 'T' && line[23] == 'Z');
	assert_string_equal(line + 24, " info imap.login user=ann@example.org n=18446744073709551615 d=-5 id=beef empty=\"\"\n");
	log_event(LOG_WARN, "a.b", LOG_LIST(LOG_C("v", "two words"), LOG_C("q", "say \"hi\" \\"), LOG_C("nl", "a\r\nb\t\x1b[1m")));
	assert_string_equal(logged(fd) + 24, " warn a.b v=\"two words\" q=\"say \\\"hi\\\" \\\\\" nl=\"a\\u000d\\u000ab\\u0009\\u001b[1m\"\n");
	log_event(LOG_ERROR, "a.b", LOG_LIST(LOG_S("v", str_make("x\0y", 3)), LOG_C("u", "gr\xc3\xbc\xc3\x9f"), LOG_C("bad", "\xff"), LOG_C("c1", "\xc2\x9b")));
	assert_string_equal(logged(fd) + 24, " error a.b v=\"x\\u0000y\" u=\"gr\xc3\xbc\xc3\x9f\" bad=\"\xef\xbf\xbd\" c1=\"\\u009b\"\n");
}

static void test_levels(void **state)
{
	int fd = *(int *)*state;
	log_setup(LOG_TEXT, LOG_NOTICE, fd);
	assert_true(log_wants(LOG_ERROR));
	assert_true(log_wants(LOG_NOTICE));
	assert_false(log_wants(LOG_INFO));
	log_event(LOG_INFO, "not.this", LOG_NOTHING);
	log_event(LOG_NOTICE, "but.this", LOG_NOTHING);
	assert_string_equal(logged(fd) + 24, " notice but.this\n");
}

static void test_json(void **state)
{
	int fd = *(int *)*state;
	log_setup(LOG_JSON, LOG_DEBUG, fd);
	log_event(LOG_DEBUG, "a.b", LOG_LIST(LOG_C("s", "x\"y\\z\n\x01"), LOG_U("u", 7), LOG_I("i", INT64_MIN)));
	const char *line = logged(fd);
	assert_int_equal(strncmp(line, "{\"ts\":\"20", 9), 0);
	assert_string_equal(line + 31, "\",\"level\":\"debug\",\"event\":\"a.b\",\"s\":\"x\\\"y\\\\z\\u000a\\u0001\",\"u\":7,\"i\":-9223372036854775808}\n");
}

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream that goes to the journal. */
static void test_journal(void **state)
{
	int fd = *(int *)*state;
	char stream[64];
	struct stat st;
	fstat(fd, &st);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_setup(LOG_TEXT, LOG_INFO, fd);
	log_event(LOG_ERROR, "a.b", LOG_LIST(LOG_U("n", 1)));
	log_event(LOG_INFO, "c.d", LOG_NOTHING);
	assert_string_equal(logged(fd), "<3>a.b n=1\n<6>c.d\n");
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_setup(LOG_TEXT, LOG_INFO, fd);
	log_event(LOG_ERROR, "a.b", LOG_NOTHING);
	assert_int_not_equal(logged(fd)[0], '<');
	unsetenv("JOURNAL_STREAM");
}

static void test_long_values(void **state)
{
	int fd = *(int *)*state;
	char value[2000];
	memset(value, 'v', sizeof(value));
	log_setup(LOG_JSON, LOG_INFO, fd);
	/* Cut at LOG_VALUE_MAX, but not inside a character. */
	memcpy(value + LOG_VALUE_MAX - 1, "\xc3\xbc", 2);
	log_event(LOG_INFO, "a.b", LOG_LIST(LOG_S("v", str_make(value, sizeof(value)))));
	const char *line = logged(fd);
	const char *v = strstr(line, "\"v\":\"");
	assert_int_equal(strspn(v + 5, "v"), LOG_VALUE_MAX - 1);
	assert_string_equal(v + 5 + LOG_VALUE_MAX - 1, "\"}\n");
	/* Fields beyond the line's end are left out as a whole: it stays JSON. */
	memset(value, 1, sizeof(value));
	struct log_field many[] = { LOG_S("a", str_make(value, 500)), LOG_S("b", str_make(value, 500)), LOG_U("c", 1), LOG_END };
	log_event(LOG_INFO, "a.b", many);
	line = logged(fd);
	assert_true(strlen(line) <= LOG_LINE_MAX);
	assert_null(strstr(line, "\"b\""));
	assert_string_equal(line + strlen(line) - 9, "\\u0001\"}\n");
}

static void *log_much(void *arg)
{
	char value[300];
	memset(value, *(char *)arg, sizeof(value));
	for (int i = 0; i < 300; i++)
		log_event(LOG_INFO, "x.y", LOG_LIST(LOG_S("v", str_make(value, sizeof(value)))));
	return NULL;
}

/* Through a pipe, as with journald: lines never mix. */
static void test_threads(void **state)
{
	(void)state;
	int ends[2];
	pthread_t thread[4];
	char letters[] = "abcd";
	assert_int_equal(pipe(ends), 0);
	log_setup(LOG_TEXT, LOG_INFO, ends[1]);
	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, log_much, &letters[i]);
	FILE *in = fdopen(ends[0], "r");
	char line[1000];
	for (int n = 0; n < 1200; n++) {
		assert_non_null(fgets(line, sizeof(line), in));
		char *v = strstr(line, " v=");
		assert_non_null(v);
		char letter[2] = { v[3], '\0' };
		assert_int_equal(strspn(v + 3, letter), 300);
		assert_string_equal(v + 303, "\n");
	}
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	(void)fclose(in);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),        cmocka_unit_test(test_levels),  cmocka_unit_test(test_json),
		cmocka_unit_test(test_journal), cmocka_unit_test(test_long_values), cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, open_file, close_file);
}
