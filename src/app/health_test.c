#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/health.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	struct house house;
	struct mailroute *route;
	struct server *server;
	struct health health;
	char dir[64], spool[80];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct store_config c = { .engine = STORE_ENGINE_MEM };
	struct server_config sc = { .conns_max = 10 };
	snprintf(f->dir, sizeof f->dir, "/tmp/troika-health-test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->spool, sizeof f->spool, "%s/spool", f->dir);
	assert_int_equal(mkdir(f->spool, 0700), 0);
	assert_int_equal(store_open(&c, &f->house.store, NULL), 0);
	assert_int_equal(server_create(&sc, &f->server, NULL), 0);
	f->house.dir = f->dir;
	f->route = calloc(1, sizeof *f->route);
	health_init(&f->health, &f->house, f->route, f->server);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	server_destroy(&f->server);
	store_close(&f->house.store);
	rmdir(f->spool);
	int r = rmdir(f->dir);        /* the probe leaves nothing */
	free(f->route);
	free(f);
	return r;
}

static unsigned ask(struct fixture *f, bool ready, const char *expected)
{
	struct buf out = BUF_INIT(0);
	unsigned status = ready ? health_ready(&f->health, &out) : health_alive(&f->health, &out);
	buf_add_char(&out, '\0');
	if (!strstr(out.p, expected))
		fail_msg("%s is not in %s", expected, out.p);
	buf_fini(&out);
	return status;
}

static void test_workers(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(ask(f, false, "{\"name\":\"workers\",\"ok\":true}"), 200);        /* it has only begun */
	f->health.began_ms -= 11000;
	assert_int_equal(ask(f, false, "{\"name\":\"workers\",\"ok\":false,\"why\":\"no worker has run for long\"}"), 503);
	health_tick(&f->health);
	assert_int_equal(ask(f, false, "{\"name\":\"workers\",\"ok\":true}"), 200);
	f->health.tick_ms -= 3000;
	assert_int_equal(ask(f, false, "\"status\":\"ok\""), 200);
	f->health.tick_ms -= 8000;
	assert_int_equal(ask(f, false, "\"status\":\"failed\""), 503);
}

static void test_store(void **state)
{
	struct fixture *f = *state;
	struct store_fault_plan plan = { .read_io_percent = 100, .seed = 1 };
	health_tick(&f->health);
	assert_int_equal(store_wrap_faults(&f->house.store, &plan), 0);
	health_tick(&f->health);
	assert_int_equal(ask(f, false, "{\"name\":\"store\",\"ok\":false,\"why\":\""), 503);
	/* A failed call of the store counts for a while. */
	assert_int_equal(ask(f, true, "{\"name\":\"disk\",\"ok\":false,\"why\":\"the store could not do its work a moment ago\"}"), 503);
}

static void test_disk(void **state)
{
	struct fixture *f = *state;
	health_probe(&f->health);
	assert_int_equal(f->health.disk_error, 0);
	ask(f, true, "{\"name\":\"disk\",\"ok\":true}");
	f->house.dir = "/nonexistent";
	health_probe(&f->health);
	assert_int_equal(ask(f, true, "{\"name\":\"disk\",\"ok\":false,\"why\":\"not found\"}"), 503);
	f->house.dir = f->dir;
	health_probe(&f->health);
	ask(f, true, "{\"name\":\"disk\",\"ok\":true}");
	f->health.probe_ms -= 31000;
	assert_int_equal(ask(f, true, "{\"name\":\"disk\",\"ok\":false,\"why\":\"the disk does not answer\"}"), 503);
}

static void test_rest(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(ask(f, true, "{\"name\":\"listeners\",\"ok\":false"), 503);
	ask(f, true, "{\"name\":\"queue\",\"ok\":false,\"why\":\"not started\"}");
	ask(f, true, "{\"name\":\"certificate\",\"ok\":true}");        /* there is none */
	ask(f, true, "{\"name\":\"draining\",\"ok\":true}");
	server_stop(f->server);
	ask(f, true, "{\"name\":\"draining\",\"ok\":false,\"why\":\"the server is going down\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_workers, setup, teardown), cmocka_unit_test_setup_teardown(test_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk, setup, teardown), cmocka_unit_test_setup_teardown(test_rest, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
