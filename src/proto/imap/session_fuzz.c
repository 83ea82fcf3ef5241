/* Whole sessions against a model in memory: the first octet says how (logged in or not, how much arrives at a time), the rest is
 * what the client sends. Each input gets an account of its own. */
#include "proto/imap/conn_script.h"
#include "proto/imap/session.h"

#define STEPS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char message[] = "From: a@example.net\r\nSubject: =?utf-8?q?x?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
							  "--b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntwo\r\n--b--\r\n";

struct world {
	struct store *store;
	struct model *model;
	struct directory *directory;
	struct services *services;
};

static void world_create(struct world *w)
{
	struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };
	if (store_open(&c, &w->store, NULL) || model_open(w->store, &(struct model_config){ 0 }, &w->model, NULL)
		|| directory_open(w->store, &(struct directory_config){ 0 }, &w->directory, NULL)
		|| services_create(w->model, w->directory, &w->services) || account_create(w->model, 1))
		abort();
}

static void world_destroy(struct world *w)
{
	services_destroy(&w->services);
	directory_close(&w->directory);
	model_close(&w->model);
	store_close(&w->store);
}

/* As after LOGIN; hashing a password is not what is fuzzed. */
static void log_in(struct conn *c, struct world *w)
{
	struct imap_session *s = c->session;
	if (account_open(w->model, 1, &s->account))
		abort();
	s->state = IMAP_AUTHENTICATED;
	char command[600];
	int n = snprintf(command, sizeof(command), "f APPEND INBOX (\\Seen k) {%zu+}\r\n%s\r\ng SELECT INBOX\r\n",
					 sizeof(message) - 1, message);
	script_play(c, str_make(command, (size_t)n), 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[STEPS] = { 0, 1, 5, 100 };
	struct world w;
	struct conn c;
	if (size == 0)
		return 0;
	world_create(&w);
	script_open(&c, w.services, true);
	if (data[0] / STEPS % 4)
		log_in(&c, &w);
	if (c.session)
		script_play(&c, str_make(data + 1, size - 1), steps[data[0] % STEPS]);
	script_close(&c);
	buf_fini(&c.out);
	world_destroy(&w);
	return 0;
}
