#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/mime/message.h"
#include "codec/mime/summary.h"
#include "proto/pop3/world.h"

static void house_open(struct house *h, struct store *s)
{
	struct mail_config config = mail_config_defaults();
	config.allow_plain_without_tls = true;
	assert_int_equal(directory_open(s, NULL, &h->directory, NULL), 0);
	assert_int_equal(model_open(s, NULL, &h->model, NULL), 0);
	assert_int_equal(services_create(h->model, h->directory, &h->services), 0);
	assert_int_equal(services_set_config(h->services, &config), 0);
}

static void house_close(struct house *h)
{
	services_destroy(&h->services);
	model_close(&h->model);
	directory_close(&h->directory);
}

int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };
	struct store_fault_plan all = { .commit_io_percent = 100 };
	assert_int_equal(store_open(&c, &w->store, NULL), 0);
	house_open(&w->well, w->store);
	struct directory *d = w->well.directory;
	assert_int_equal(directory_domain_add(d, STR("example.org"), NULL), 0);
	assert_int_equal(directory_account_id_new(d, &w->account), 0);
	assert_int_equal(account_create(w->well.model, w->account), 0);
	assert_int_equal(directory_user_add(d, STR(WORLD_USER), STR(WORLD_PASSWORD), w->account, NULL), 0);
	w->failing = w->store;
	assert_int_equal(store_wrap_faults(&w->failing, &all), 0);
	house_open(&w->ill, w->failing);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;
	house_close(&w->ill);
	house_close(&w->well);
	store_close(&w->failing);         /* and with it w->store */
	free(w);
	return 0;
}

static uint32_t inbox(struct account *a)
{
	struct arena arena = ARENA_INIT(0);
	struct mailbox m;
	assert_int_equal(mailbox_find(a, &arena, STR("INBOX"), &m), 0);
	arena_fini(&arena);
	return m.id;
}

uint32_t world_append(struct world *w, struct str message)
{
	struct arena arena = ARENA_INIT(0);
	struct buf summary = BUF_INIT(0);
	struct mime_message parsed;
	struct account *a;
	struct append item = { .size = (uint32_t)message.n };
	assert_int_equal(mime_message_parse(message, &arena, &parsed), 0);
	assert_int_equal(mime_summary_encode(&parsed, message, &summary), 0);
	item.summary = buf_str(&summary);
	assert_int_equal(model_put_blob(w->well.model, &message, 1, &w->account, 1, &item.blob), 0);
	assert_int_equal(account_open(w->well.model, w->account, &a), 0);
	assert_int_equal(mailbox_append(a, inbox(a), &item, 1, false, NULL), 0);
	account_close(&a);
	buf_fini(&summary);
	arena_fini(&arena);
	return item.uid_out;
}

uint32_t world_count(struct world *w)
{
	struct account *a;
	struct view *v;
	assert_int_equal(account_open(w->well.model, w->account, &a), 0);
	assert_int_equal(view_open(a, inbox(a), &v), 0);
	uint32_t n = view_count(v);
	view_unref(&v);
	account_close(&a);
	return n;
}

void world_expunge(struct world *w, uint32_t uid)
{
	struct account *a;
	struct rangeset uids = RANGESET_INIT;
	assert_int_equal(rangeset_add(&uids, uid, uid), 0);
	assert_int_equal(account_open(w->well.model, w->account, &a), 0);
	assert_int_equal(mailbox_expunge(a, inbox(a), &uids, false, NULL, NULL), 0);
	account_close(&a);
	rangeset_fini(&uids);
}
