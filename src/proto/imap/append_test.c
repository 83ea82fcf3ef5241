/* APPEND of several messages on a connection without a socket: its limit, and that nothing is left of what was cancelled. */
#include "proto/imap/imap.h"
#include "proto/common/services.h"
#include "rt/conn_script.h"
#include "proto/imap/limits.h"
#include "proto/imap/session.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

struct world {
	struct store *store;
	struct model *model;
	struct directory *directory;
	struct services *services;
	struct conn conn;
};

static int world_create(void **state)
{
	static struct world w;
	struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };
	if (store_open(&c, &w.store, NULL) || model_open(w.store, &(struct model_config){ 0 }, &w.model, NULL)
		|| directory_open(w.store, &(struct directory_config){ 0 }, &w.directory, NULL)
		|| services_create(w.model, w.directory, &w.services) || account_create(w.model, 1))
		return 1;
	script_open(&w.conn, &imap_proto, w.services, "192.0.2.1", true);
	struct imap_session *s = w.conn.session;
	if (account_open(w.model, 1, &s->account))
		return 1;
	s->state = IMAP_AUTHENTICATED;
	*state = &w;
	return 0;
}

static int world_destroy(void **state)
{
	struct world *w = *state;
	script_close(&w->conn);
	buf_fini(&w->conn.out);
	services_destroy(&w->services);
	directory_close(&w->directory);
	model_close(&w->model);
	store_close(&w->store);
	return 0;
}

static int count(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)id;
	(void)size;
	(void)tag;
	++*(unsigned *)arg;
	return 0;
}

/* How many bodies the account keeps. */
static unsigned bodies(struct world *w)
{
	unsigned n = 0;
	assert_int_equal(store_blob_visit(w->store, store_tag_of((struct store_scope){ STORE_ACCOUNT, 1 }), count, &n), 0);
	return n;
}

static void expect(struct world *w, struct str input, const char *answer)
{
	size_t before = w->conn.out.n;
	script_play(&w->conn, input, 0);
	char *got = str_dup_c(str_from(buf_str(&w->conn.out), before));
	if (strncmp(got, answer, strlen(answer)) != 0)
		fail_msg("%s\ninstead of\n%s", got, answer);
	free(got);
}

static void bodies_of_cancelled_messages_go(void **state)
{
	struct world *w = *state;
	unsigned before = bodies(w);
	expect(w, STR("a APPEND INBOX {2+}\r\nab {2+}\r\ncd {2+}\r\nef {0+}\r\n\r\n"), "a NO [CANNOT] ");
	assert_int_equal(bodies(w), before);
	expect(w, STR("a APPEND INBOX {2+}\r\nab {2+}\r\ncd junk\r\n"), "a BAD ");
	assert_int_equal(bodies(w), before);
	expect(w, STR("a APPEND INBOX {2+}\r\nab {2+}\r\ncd\r\n"), "a OK [APPENDUID ");
	assert_int_equal(bodies(w), before + 2);
}

static void at_most_so_many(void **state)
{
	struct world *w = *state;
	unsigned before = bodies(w);
	struct buf in = BUF_INIT(0);
	buf_add_lit(&in, "a APPEND INBOX");
	for (unsigned i = 0; i < IMAP_APPEND_MESSAGES_MAX; i++)
		buf_add_lit(&in, " {2+}\r\nab");
	size_t allowed = in.n;
	buf_add_lit(&in, "\r\n");
	expect(w, buf_str(&in), "a OK [APPENDUID ");
	assert_int_equal(bodies(w), before + IMAP_APPEND_MESSAGES_MAX);
	in.n = allowed;
	buf_add_lit(&in, " {2+}\r\nab\r\n");
	expect(w, buf_str(&in), "a NO [LIMIT] ");
	assert_int_equal(bodies(w), before + IMAP_APPEND_MESSAGES_MAX);
	buf_fini(&in);
}

/* A client that goes away in the middle leaves nothing either. */
static void bodies_of_an_abandoned_command_go(void **state)
{
	struct world *w = *state;
	struct conn other;
	unsigned before = bodies(w);
	script_open(&other, &imap_proto, w->services, "192.0.2.1", true);
	struct imap_session *s = other.session;
	assert_int_equal(account_open(w->model, 1, &s->account), 0);
	s->state = IMAP_AUTHENTICATED;
	script_play(&other, STR("a APPEND INBOX {2+}\r\nab {2+}\r\ncd {20+}\r\nefg"), 0);
	assert_int_equal(bodies(w), before + 2);
	script_close(&other);
	buf_fini(&other.out);
	assert_int_equal(bodies(w), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_of_cancelled_messages_go),
		cmocka_unit_test(at_most_so_many),
		cmocka_unit_test(bodies_of_an_abandoned_command_go),
	};
	return cmocka_run_group_tests(tests, world_create, world_destroy);
}
