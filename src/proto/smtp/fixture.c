#include "proto/smtp/fixture.h"

int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	script_house_open(&w->house);
	w->service = (struct smtp_service){ .services = w->house.services, .mode = SMTP_MX, .queue = w->house.queue };
	w->config = mail_config_defaults();
	w->config.hostname = STR("mx.example.org");
	w->zone = dns_zone_create();
	w->dns = dns_zone_source(w->zone);
	world_configure(w);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;
	script_house_close(&w->house);
	dns_zone_destroy(&w->zone);
	buf_fini(&w->shown);
	buf_fini(&w->last);
	free(w);
	return 0;
}

void world_configure(struct world *w)
{
	assert_int_equal(services_set_config(w->house.services, &w->config), 0);
}

/* ---- looking ---- */

static int show_item(void *arg, const struct queue_item *item)
{
	struct world *w = arg;
	struct buf *b = &w->shown;
	const struct queue_envelope *e = &item->envelope;
	struct store_blob_view view;

	buf_printf(b, "<%.*s> flags=%u", STR_ARG(e->sender), e->flags);
	if (e->envid.n)
		buf_printf(b, " envid=%.*s", STR_ARG(e->envid));
	if (e->priority)
		buf_printf(b, " priority=%d", e->priority);
	if (e->not_before)
		buf_printf(b, " held=%lld", (long long)(e->not_before - e->arrived));
	if (e->deliver_by)
		buf_printf(b, " by=%lld", (long long)(e->deliver_by - e->arrived));
	if (e->user.n)
		buf_printf(b, " user=%.*s", STR_ARG(e->user));
	buf_printf(b, " peer=%.*s\n", STR_ARG(e->peer));
	for (size_t i = 0; i < item->n_recipients; i++) {
		const struct queue_recipient *r = &item->recipients[i].r;
		buf_printf(b, "  %.*s > %.*s", STR_ARG(r->address), STR_ARG(r->destination));
		if (r->notify)
			buf_printf(b, " notify=%u", r->notify);
		if (r->orcpt.n)
			buf_printf(b, " orcpt=%.*s", STR_ARG(r->orcpt));
		buf_add_char(b, '\n');
	}
	assert_int_equal(store_blob_map(w->house.store, item->blob, &view), 0);
	buf_reset(&w->last);
	buf_add_str(&w->last, view.bytes);
	store_blob_unmap(w->house.store, &view);
	return 0;
}

void world_show_queue(struct world *w, const struct queue_filter *f)
{
	buf_reset(&w->shown);
	assert_int_equal(queue_list(w->house.queue, f, show_item, w), 0);
	buf_add_char(&w->shown, '\0');
}

void world_expect_queue(struct world *w, const char *shown)
{
	world_show_queue(w, &(struct queue_filter){ 0 });
	assert_string_equal(w->shown.p, shown);
}

void world_empty_queue(struct world *w, const struct queue_filter *f)
{
	uint64_t n;
	assert_int_equal(queue_act(w->house.queue, f, QUEUE_DROP, &n, NULL), 0);
}

uint64_t world_messages(struct world *w, uint64_t account)
{
	struct quota q;
	assert_int_equal(model_quota(w->house.model, account, &q), 0);
	return q.messages;
}

void world_read(struct world *w, uint64_t account, const char *mailbox)
{
	struct arena arena = ARENA_INIT(0);
	struct store_blob_view bytes;
	struct mailbox m;
	struct account *a;
	struct view *v;
	assert_int_equal(account_open(w->house.model, account, &a), 0);
	assert_int_equal(mailbox_find(a, &arena, str_from_c(mailbox), &m), 0);
	assert_int_equal(view_open(a, m.id, &v), 0);
	assert_true(view_count(v) > 0);
	assert_int_equal(email_map(a, view_at(v, view_count(v) - 1).email, &bytes), 0);
	buf_reset(&w->last);
	buf_add_str(&w->last, bytes.bytes);
	email_unmap(a, &bytes);
	view_unref(&v);
	account_close(&a);
	arena_fini(&arena);
}

/* ---- speaking ---- */

static void say_as(struct world *w, const char *user, const char *text, const char *reply)
{
	struct conn c;
	script_house_visit(&c, &w->service, "192.0.2.1");
	if (user)
		((struct smtp_session *)c.session)->user = str_dup_c(str_from_c(user));
	script_play(&c, str_from_c(text), 0);
	size_t at = c.out.n - 2;
	while (at && c.out.p[at - 1] != '\n')
		at--;
	if (!str_starts(str_from(buf_str(&c.out), at), str_from_c(reply)))
		fail_msg("%.*s", STR_ARG(buf_str(&c.out)));
	script_close(&c);
	buf_fini(&c.out);
}

void world_say(struct world *w, const char *text, const char *reply)
{
	say_as(w, NULL, text, reply);
}

void world_submit(struct world *w, const char *text, const char *reply)
{
	enum smtp_mode before = w->service.mode;
	w->service.mode = SMTP_SUBMISSION;
	say_as(w, "alice@example.org", text, reply);
	w->service.mode = before;
}
