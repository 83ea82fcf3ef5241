/* Whole sessions against a model in memory: the first octet says how (logged in or not, how much arrives at a time), the rest is
 * what the client sends. Each input gets an account of its own. */
#include "proto/imap/imap.h"
#include "rt/conn_script.h"
#include "proto/imap/session.h"

#define STEPS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For tools/fuzz_lines.c. */
extern const char *const fuzz_lines_commands[];
const char *const fuzz_lines_commands[] = {
	"a LOGIN user@example.org password\r\n", "a AUTHENTICATE PLAIN AHVzZXJAZXhhbXBsZS5vcmcAcGFzc3dvcmQ=\r\n", "a AUTHENTICATE SCRAM-SHA-256\r\nbiwsbj11c2VyLHI9eA==\r\n", "a STARTTLS\r\n",
	"a LOGOUT\r\n", "a CAPABILITY\r\n", "a ID (\"name\" \"x\")\r\n", "a NOOP\r\n", "a ENABLE CONDSTORE QRESYNC UIDONLY UTF8=ACCEPT IMAP4rev2\r\n", "a UNAUTHENTICATE\r\n",
	"a SELECT INBOX\r\n", "a SELECT INBOX (QRESYNC (1 1 1:9))\r\n", "a EXAMINE INBOX (CONDSTORE)\r\n", "a CLOSE\r\n", "a UNSELECT\r\n", "a CREATE a/b (USE (\\Sent))\r\n", "a DELETE a\r\n", "a DELETE a/b\r\n",
	"a RENAME a b\r\n", "a RENAME INBOX c\r\n", "a SUBSCRIBE a\r\n", "a UNSUBSCRIBE a\r\n", "a LIST \"\" * RETURN (STATUS (MESSAGES UIDNEXT) MYRIGHTS SPECIAL-USE CHILDREN)\r\n",
	"a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (% \"*\")\r\n", "a LSUB \"\" %\r\n", "a NAMESPACE\r\n", "a STATUS INBOX (MESSAGES SIZE HIGHESTMODSEQ MAILBOXID DELETED-STORAGE)\r\n",
	"a APPEND INBOX (\\Seen $x) {10+}\r\nA: b\r\n\r\ncd\r\n", "a APPEND a/b {10}\r\nA: b\r\n\r\ncd\r\n", "a APPEND INBOX CATENATE (URL \"/INBOX;UIDVALIDITY=1/;UID=1\" TEXT {3+}\r\nx\r\n)\r\n",
	"a APPEND INBOX ~{10+}\r\nA: b\r\n\r\ncd\r\n", "a APPEND INBOX UTF8 (~{10+}\r\nA: b\r\n\r\ncd)\r\n", "a APPEND INBOX {8+}\r\nA: b\r\n\r\n (x) {8+}\r\nC: d\r\n\r\n\r\n",
	"a REPLACE 1 INBOX {10+}\r\nA: b\r\n\r\ncd\r\n", "a IDLE\r\nDONE\r\n", "a CHECK\r\n", "a EXPUNGE\r\n", "a UID EXPUNGE 1:*\r\n",
	"a FETCH 1:* (FLAGS UID ENVELOPE BODYSTRUCTURE PREVIEW SAVEDATE EMAILID THREADID)\r\n", "a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)\r\n", "a FETCH 1 BODY[2.1.MIME]<0.9>\r\n",
	"a FETCH 1 (BINARY[1] BINARY.SIZE[2] BODY.PEEK[HEADER.FIELDS (Subject)])\r\n", "a UID FETCH 1:* (FLAGS) (PARTIAL -1:-5)\r\n", "a STORE 1:* +FLAGS.SILENT (\\Deleted)\r\n", "a STORE 1 (UNCHANGEDSINCE 1) FLAGS (a b)\r\n",
	"a FETCH 1:2 (BINARY.PEEK[1]<0.3> BODY.PEEK[1.HEADER] BODY[TEXT] BODY.PEEK[HEADER.FIELDS.NOT (To)]<3.9> RFC822.SIZE INTERNALDATE MODSEQ)\r\n",
	"a SEARCH CHARSET UTF-8 TEXT {2+}\r\n\xc3\xa9 HEADER To {1+}\r\na LARGER 1 KEYWORD k OLDER 5 MODSEQ 1 UID 1:*\r\n", "a SORT (DISPLAYFROM DISPLAYTO SIZE ARRIVAL CC TO FROM) KOI8-R SENTSINCE 1-Jan-2026\r\n",
	"a UID THREAD REFS UTF-8 ALL\r\n", "a THREAD ORDEREDSUBJECT UTF-8 UNSEEN\r\n", "a LOGIN user@example.org x\r\n",
	"a UID COPY 1:* a/b\r\n", "a MOVE 1 a/b\r\n", "a SEARCH RETURN (SAVE MIN MAX COUNT ALL) OR SUBJECT x NOT (BODY \"y\" SINCE 1-Jan-2020)\r\n", "a UID SEARCH RETURN (PARTIAL 1:5 UPDATE) TEXT x\r\n",
	"a SEARCH FUZZY TEXT x\r\n", "a SORT RETURN (ALL) (REVERSE DATE SUBJECT) UTF-8 ALL\r\n", "a THREAD REFERENCES UTF-8 ALL\r\n", "a ESEARCH IN (personal subtree INBOX) RETURN (COUNT) ALL\r\n", "a CANCELUPDATE \"a\"\r\n",
	"a GETACL INBOX\r\n", "a SETACL INBOX bob +lr\r\n", "a DELETEACL INBOX bob\r\n", "a MYRIGHTS INBOX\r\n", "a LISTRIGHTS INBOX bob\r\n", "a GETQUOTAROOT INBOX\r\n", "a SETQUOTA \"\" (STORAGE 9)\r\n",
	"a GETMETADATA (DEPTH infinity) INBOX (/private /shared)\r\n", "a SETMETADATA INBOX (/private/comment \"x\")\r\n", "a NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName))\r\n", "a NOTIFY NONE\r\n",
	"a GENURLAUTH \"imap://user@example.org/INBOX/;UID=1;URLAUTH=anonymous\" INTERNAL\r\n", "a URLFETCH \"imap://x/INBOX/;UID=1\"\r\n", "a RESETKEY INBOX\r\n", "a LANGUAGE ru\r\n", "a COMPRESS DEFLATE\r\n",
	"a UIDBATCHES 2 1:5\r\n", "a FILTER\r\n", "a CONVERT 1 (\"text/plain\") BINARY[1]\r\n", NULL,
};

/* Nested, and one that answers it in an old charset. */
static const char first[] = "From: a@example.net\r\nMessage-ID: <1@x>\r\nSubject: =?utf-8?q?x?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
							"--b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntwo\r\n--b--\r\n";
static const char second[] = "From: =?koi8-r?b?98/WxA==?= <b@example.org>\r\nTo: a@example.net, group: c@x, d@x;\r\nDate: Fri, 2 Jan 2026 10:00:00 +0300\r\n"
							 "Subject: Re: [x] x\r\nIn-Reply-To: <1@x>\r\nContent-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n\r\n8sXH\r\n";

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
		|| directory_open(w->store, &(struct directory_config){ .fail_limit = 3 }, &w->directory, NULL)
		|| services_create(w->model, w->directory, &w->services) || account_create(w->model, 1) || account_create(w->model, 2)
		|| directory_domain_add(w->directory, STR("example.org"), NULL) || directory_user_add(w->directory, STR("user@example.org"), STR("password"), 1, NULL)
		|| directory_user_add_shared(w->directory, STR("bob@example.org"), 2, NULL))
		abort();
}

static void world_destroy(struct world *w)
{
	services_destroy(&w->services);
	directory_close(&w->directory);
	model_close(&w->model);
	store_close(&w->store);
}

/* As after LOGIN, so that not each input must carry one. */
static void log_in(struct conn *c, struct world *w)
{
	struct imap_session *s = c->session;
	if (account_open(w->model, 1, &s->account))
		abort();
	s->state = IMAP_AUTHENTICATED;
	char command[1000];
	int n = snprintf(command, sizeof(command), "f APPEND INBOX (\\Seen k) {%zu+}\r\n%s (\\Answered) {%zu+}\r\n%s\r\ng SELECT INBOX\r\n", sizeof(first) - 1, first, sizeof(second) - 1, second);
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
	script_open(&c, &imap_proto, w.services, "192.0.2.1", true);
	if (data[0] / STEPS % 4)
		log_in(&c, &w);
	if (c.session)
		script_play(&c, str_make(data + 1, size - 1), steps[data[0] % STEPS]);
	script_close(&c);
	buf_fini(&c.out);
	world_destroy(&w);
	return 0;
}
