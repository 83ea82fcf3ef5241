#include "proto/common/sasl_fixture.h"

void world_configure(struct world *w, bool allow_plain)
{
	struct mail_config c = mail_config_defaults();
	c.allow_plain_without_tls = allow_plain;
	mail_config_unref(&w->config);
	assert_int_equal(services_set_config(w->services, &c), 0);
	w->config = services_config(w->services);
}

int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };
	struct directory_config limits = { .fail_limit = 12, .fail_window_ms = UINT64_MAX };
	assert_int_equal(store_open(&c, &w->store, NULL), 0);
	assert_int_equal(directory_open(w->store, &limits, &w->d, NULL), 0);
	assert_int_equal(directory_domain_add(w->d, STR("x.example"), NULL), 0);
	assert_int_equal(directory_user_add(w->d, STR("user@x.example"), STR("pencil case"), 5, NULL), 0);
	assert_int_equal(directory_user_add(w->d, STR("tim@x.example"), STR("other pencil"), 6, NULL), 0);
	assert_int_equal(services_create(NULL, w->d, &w->services), 0);
	w->plain = (struct conn){ .ip = "192.0.2.1" };
	w->tls = (struct conn){ .ip = "192.0.2.2", .tls = true, .exporter = true };
	w->old_tls = (struct conn){ .ip = "192.0.2.3", .tls = true };
	arena_init(&w->arena, 0);
	world_configure(w, false);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;
	arena_fini(&w->arena);
	mail_config_unref(&w->config);
	services_destroy(&w->services);
	directory_close(&w->d);
	store_close(&w->store);
	free(w);
	return 0;
}

/* ---- one exchange ---- */

struct str to_base64(struct world *w, struct str s)
{
	struct buf b = BUF_INIT(0);
	base64_encode(&b, s);
	struct str text = arena_dup(&w->arena, b.n ? buf_str(&b) : STR(""));
	buf_fini(&b);
	return text;
}

static void keep_reply(struct exchange *e, struct buf *base64)
{
	buf_reset(&e->reply);
	assert_int_equal(base64_decode(&e->reply, buf_str(base64)), 0);
	buf_fini(base64);
}

enum sasl_result exchange_start(struct exchange *e, const char *mechanism, struct str initial_base64)
{
	struct buf reply = BUF_INIT(0);
	struct world *w = e->w;
	enum sasl_result r = sasl_start(e->c, w->services, w->config, "test", str_from_c(mechanism), initial_base64, &e->x,
									&reply, &e->code);
	assert_int_equal(e->x != NULL, r == SASL_CONTINUE || r == SASL_DONE);
	assert_true(r == SASL_CONTINUE || reply.n == 0);
	keep_reply(e, &reply);
	return r;
}

enum sasl_result exchange_step(struct exchange *e, struct str message)
{
	struct buf reply = BUF_INIT(0);
	enum sasl_result r = sasl_step(e->x, to_base64(e->w, message), &reply, &e->code);
	assert_true(r == SASL_CONTINUE || reply.n == 0);
	keep_reply(e, &reply);
	return r;
}

void exchange_end(struct exchange *e)
{
	sasl_destroy(&e->x);
	assert_null(e->x);
	buf_fini(&e->reply);
}

void check_user(struct exchange *e, const char *name)
{
	assert_true(str_eq(sasl_user(e->x)->name, str_from_c(name)));
	assert_true(sasl_user(e->x)->account >= 5);
}

void check_offer(struct world *w, struct conn *c, const char *want)
{
	struct buf b = BUF_INIT(0);
	sasl_mechanisms(c, w->config, &b);
	if (!str_eq(buf_str(&b), str_from_c(want)))
		fail_msg("expected \"%s\", found \"%.*s\"", want, STR_ARG(buf_str(&b)));
	buf_fini(&b);
}
