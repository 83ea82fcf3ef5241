/* Whole sessions against a model in memory: the first octet says how (logged in or not, how much arrives at a time), the rest is what the client sends. */
#include "codec/mime/message.h"
#include "codec/mime/summary.h"
#include "proto/pop3/pop3.h"
#include "proto/pop3/session.h"
#include "rt/conn_script.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For tools/fuzz_lines.c. */
extern const char *const fuzz_lines_commands[];
const char *const fuzz_lines_commands[] = {
	"USER alice@example.org\r\n", "PASS wonderland\r\n", "APOP alice@example.org c4c9334bac560ecc979e58001b3e22fb\r\n", "AUTH\r\n", "AUTH PLAIN\r\nAGFsaWNlAHdvbmRlcmxhbmQ=\r\n",
	"PASS x\r\n", "AUTH CRAM-MD5\r\n", "AUTH SCRAM-SHA-256 biwsbj1hbGljZSxyPXg=\r\n", "AUTH PLAIN\r\n*\r\n",
	"CAPA\r\n", "STLS\r\n", "UTF8\r\n", "LANG ru\r\n", "LANG\r\n", "STAT\r\n", "LIST\r\n", "LIST 1\r\n", "UIDL\r\n", "UIDL 2\r\n", "RETR 1\r\n", "RETR 3\r\n", "TOP 1 0\r\n", "TOP 2 1\r\n", "DELE 1\r\n", "RSET\r\n", "NOOP\r\n", "QUIT\r\n", NULL,
};

static const struct str messages[] = { STR_INIT("Subject: a\r\n\r\n.dot\r\n..two\r\nx\r\n.\r\n"), STR_INIT("Subject: =?utf-8?q?=C3=A9?=\r\n\r\nno end"),
	STR_INIT("Subject: \xc3\xa9\r\n\r\n\r\n") };

static void must(int code)
{
	if (code)
		abort();
}

static void append(struct model *m, struct str message)
{
	struct arena arena = ARENA_INIT(0);
	struct buf summary = BUF_INIT(0);
	struct mime_message parsed;
	struct account *a;
	struct mailbox inbox;
	struct append item = { .size = (uint32_t)message.n };
	uint64_t account = 1;

	must(mime_message_parse(message, &arena, &parsed));
	must(mime_summary_encode(&parsed, message, &summary));
	item.summary = buf_str(&summary);
	must(model_put_blob(m, &message, 1, &account, 1, &item.blob));
	must(account_open(m, 1, &a));
	must(mailbox_find(a, &arena, STR("INBOX"), &inbox));
	must(mailbox_append(a, inbox.id, &item, 1, false, NULL));
	account_close(&a);
	buf_fini(&summary);
	arena_fini(&arena);
}

/* RFC 1939 3: status lines and, behind some of them, lines up to "."; none of the lines has a bare CR or LF. */
static void check_answers(struct str out)
{
	bool many = false;
	while (out.n) {
		size_t lf = str_chr(out, '\n');
		if (lf == STR_NPOS || lf == 0 || out.p[lf - 1] != '\r')
			abort();
		struct str line = str_sub(out, 0, lf - 1);
		many = many ? !str_eq(line, STR(".")) : str_starts(line, STR("+OK"));
		out = str_from(out, lf + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = { 0, 1, 5, 100 };
	struct store_config config = { .engine = STORE_ENGINE_MEM, .create = true };
	struct store *store;
	struct model *model;
	struct directory *directory;
	struct services *services;
	struct conn c;

	if (size == 0)
		return 0;
	must(store_open(&config, &store, NULL));
	must(model_open(store, &(struct model_config){ 0 }, &model, NULL));
	must(directory_open(store, &(struct directory_config){ .fail_limit = 3 }, &directory, NULL));
	must(directory_domain_add(directory, STR("example.org"), NULL));
	must(directory_user_add(directory, STR("alice@example.org"), STR("wonderland"), 1, NULL));
	must(directory_user_secret(directory, STR("alice@example.org"), STR("rabbit hole"), NULL));
	must(services_create(model, directory, &services));
	must(account_create(model, 1));
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
		append(model, messages[i]);

	script_open(&c, &pop3_proto, services, "192.0.2.1", true);
	if (data[0] / 4 % 4) {
		struct pop3_session *s = c.session;
		must(maildrop_open(&s->drop, model, 1, 0));
		s->state = POP3_TRANSACTION;
	}
	script_play(&c, str_make(data + 1, size - 1), steps[data[0] % 4]);
	script_close(&c);
	check_answers(buf_str(&c.out));
	buf_fini(&c.out);
	services_destroy(&services);
	directory_close(&directory);
	model_close(&model);
	store_close(&store);
	return 0;
}
