#include "cli/restore_part.h"

#include "backup/recipient.h"
#include "backup/rescue.h"
#include "backup/run.h"
#include "base/clock.h"
#include "cli/admin.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/restore_choice.h"
#include "codec/mime/words.h"

/* A user as the backup has it. */
struct then {
	struct repository *repository;
	struct past past;
	struct old_directory directory;
	struct directory_user user;
	struct old_account account;
	struct arena arena;
	bool skipped;                         /* a newer moment cannot be read */
};

/* Who is not in the directory of then, of which the backup has lost a part, may be known today: accounts keep their numbers. */
static int find_user(struct then *t, const char *name, struct directory *now, struct err *e)
{
	int r = directory_user_find(t->directory.directory, &t->arena, str_from_c(name), &t->user);
	if (r != ERR_NOT_FOUND)
		return r;
	if (!t->directory.lost && !t->directory.unread)
		return err_set(e, r, NULL, "there was no user %s then; see: troika restore DEST --list", name);
	if (now && directory_user_find(now, &t->arena, str_from_c(name), &t->user) == 0)
		return 0;
	return err_set(e, r, NULL, "user %s is not in what this backup has of the directory, which is not all; another moment may have it (--at)", name);
}

/* now: of today; NULL: not known. */
static int then_open(const struct backup_options *o, const char *secret, bool write, struct directory *now, struct then *t, struct err *e)
{
	const char *name = o->n_users ? o->users[0] : NULL;
	*t = (struct then){ .arena = ARENA_INIT(0) };
	int r = backup_options_open(o, secret, write, false, &t->repository, e);
	if (r == 0)
		r = past_open(t->repository, o->at, str_from_c(name), &t->past, e);
	t->skipped = r == 0 && backup_options_tell_skipped(&t->past);
	if (r == 0)
		r = old_directory_open(&t->past, &t->directory, e);
	if (r == 0 && t->directory.lost)
		fprintf(stderr, "troika: %llu of %llu parts of the directory are damaged in this backup: not all users are in it\n",
				(unsigned long long)t->directory.lost, (unsigned long long)t->directory.parts);
	if (r == 0 && t->directory.unread)
		fprintf(stderr, "troika: %llu records of the directory could not be read when this backup was made: not all users are in it\n",
				(unsigned long long)t->directory.unread);
	if (r == 0 && name)
		r = find_user(t, name, now, e);
	if (r == 0 && name)
		r = old_account_open(&t->past, t->user.account, &t->account, e);
	return r;
}

static void then_close(struct then *t)
{
	old_account_close(&t->account);
	old_directory_close(&t->directory);
	past_close(&t->past);
	repository_close(&t->repository);
	arena_fini(&t->arena);
}

/* ---- showing ---- */

static void print_date(int64_t at)
{
	struct civil c = civil_from_unix(at);
	printf("%04d-%02d-%02d %02d:%02d  ", c.year, c.month, c.day, c.hour, c.minute);
}

static int list_users(struct then *t)
{
	struct directory_user *users;
	size_t n;
	int r = directory_user_list(t->directory.directory, &t->arena, &users, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct moment_scope *s = moment_find(&t->past.moment, (struct store_scope){ STORE_ACCOUNT, users[i].account });
		if (s)
			printf("%.*s\t%llu messages\n", STR_ARG(users[i].name), (unsigned long long)s->messages);
	}
	return r;
}

static int list_mailboxes(struct then *t)
{
	struct mailbox *list;
	size_t n;
	int r = mailbox_list(t->account.account, &t->arena, &list, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (!list[i].no_select) {
			printf("%8u  ", list[i].messages);
			print_text(list[i].name, 0);
			putchar('\n');
		}
	return r;
}

static int list_message(void *arg, const struct message *m, const struct mime_envelope *envelope)
{
	struct mime_envelope_address from = { .local = { .n = 0 } };
	struct str rest = envelope->from;
	struct buf text = BUF_INIT(1 << 20);
	(void)arg;
	printf("%10u  ", m->uid);
	print_date(m->date);
	if (mime_envelope_address(&rest, &from))
		buf_printf(&text, "%.*s@%.*s", STR_ARG(mime_text_str(from.local)), STR_ARG(mime_text_str(from.domain)));
	print_text(buf_str(&text), 30);
	fputs("  ", stdout);
	buf_reset(&text);
	mime_words_decode(mime_text_str(envelope->subject), &text);
	print_text(buf_str(&text), 0);
	putchar('\n');
	buf_fini(&text);
	return 0;
}

static int find_old_mailbox(struct then *t, const char *name, struct mailbox *out, struct err *e)
{
	int r = mailbox_find(t->account.account, &t->arena, str_from_c(name), out);
	if (r == ERR_NOT_FOUND)
		err_set(e, r, NULL, "there was no mailbox %s then; see --list", name);
	return r;
}

int restore_list(const struct backup_options *o, const char *secret, struct err *e)
{
	struct then t;
	struct mailbox box;
	const char *mailbox = o->mailbox || (!o->message && !o->subject) ? o->mailbox : "INBOX";
	int r = then_open(o, secret, false, NULL, &t, e);
	if (r == 0 && !o->n_users)
		r = list_users(&t);
	else if (r == 0 && !mailbox)
		r = list_mailboxes(&t);
	else if (r == 0) {
		r = find_old_mailbox(&t, mailbox, &box, e);
		if (r == 0)
			r = restore_choose(t.account.account, box.id, o->message, o->subject, list_message, NULL, e);
	}
	bool lost = t.directory.lost || t.directory.unread || t.skipped;
	then_close(&t);
	return r ? cli_fail("restore", r, e) : lost ? CLI_FAULTS : CLI_OK;
}

/* ---- restoring ---- */

static void print_line(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "troika: %s\n", line);
}

static void show(void *arg, uint64_t messages, uint64_t done, uint64_t all) { progress_show(arg, messages, done, all); }

static int add_uid(void *arg, const struct message *m, const struct mime_envelope *envelope)
{
	(void)envelope;
	return rangeset_add(arg, m->uid, m->uid);
}

static int choose(const struct backup_options *o, struct then *t, const char *mailbox, struct rangeset *uids, struct err *e)
{
	struct mailbox box;
	int r = find_old_mailbox(t, mailbox, &box, e);
	if (r == 0)
		r = restore_choose(t->account.account, box.id, o->message, o->subject, add_uid, uids, e);
	if (r == 0 && uids->n == 0)
		r = err_set(e, ERR_NOT_FOUND, NULL, "there was no such message in %s then; see --list", mailbox);
	return r;
}

/* Before anything is taken away, what there is now goes into the backup. */
static int save_first(const struct backup_options *o, struct house *h, struct then *t, const struct directory_user *user, struct err *e)
{
	struct backup_report report;
	struct backup_run b = { .dir = o->dir, .store = h->store, .model = h->model, .repository = t->repository, .set = user->name,
							.accounts = &user->account, .n_accounts = 1, .before_restore = true, .tell = print_line };
	int r = backup_run(&b, &report, e);
	if (r == 0)
		printf("%s: the account as it is now\n", report.id);
	return r;
}

static int report(const struct rescue_report *r)
{
	printf("%llu messages restored, %llu were there", (unsigned long long)r->added, (unsigned long long)r->present);
	if (r->changed || r->removed)
		printf(", flags of %llu changed, %llu removed", (unsigned long long)r->changed, (unsigned long long)r->removed);
	printf("; %llu mailboxes made or removed\n", (unsigned long long)r->mailboxes);
	if (r->strangers)
		printf("%llu access rights did not come back: there is no such user or group any more\n", (unsigned long long)r->strangers);
	if (r->beside)
		printf("%llu mailboxes came back beside that of deleted messages, which has their name by now\n", (unsigned long long)r->beside);
	if (r->lost)
		printf("%llu messages have no body in the backup\n", (unsigned long long)r->lost);
	return r->lost ? CLI_FAULTS : CLI_OK;
}

/* A refusal that came before anything was changed leaves nothing to go on with. */
static bool is_nothing_left(int r, const struct recipient *who, const struct rescue_report *out)
{
	bool refused = r == ERR_NOT_FOUND || r == ERR_DENIED || r == ERR_INVALID;
	return r == 0 || (refused && !who->left && !who->made && !out->added && !out->changed && !out->removed && !out->mailboxes);
}

static int rescue_into(struct house *h, struct then *t, struct recipient *who, const struct rescue *what, struct rescue_report *out, struct err *e)
{
	struct progress progress = { .what = "restore" };
	struct account *to = NULL;
	int r = account_open(h->model, who->user.account, &to);
	if (r == 0)
		r = intent_note(&who->intent, who->user.account, str_from_c(who->intent.mailbox), e);
	struct rescue rescue = { .from = &t->account, .model = h->model, .directory = h->directory, .to = to, .owner = who->user.name, .intent = &who->intent,
							 .mailbox = what->mailbox, .into = what->into, .uids = what->uids, .exact = what->exact, .progress = show, .arg = &progress };
	if (r == 0)
		r = rescue_run(&rescue, out, e);
	progress_end(&progress);
	account_close(&to);
	return r;
}

static int find_recipient(const struct backup_options *o, struct house *h, struct then *t, struct recipient *out, struct err *e)
{
	struct recipient_wish wish = { .dir = o->dir, .model = h->model, .directory = h->directory, .name = o->as ? str_from_c(o->as) : t->user.name,
								   .from = &t->account, .then = t->directory.directory, .name_then = t->user.name };
	int r = recipient_open(&wish, &t->arena, out, e);
	if (r == 0 && out->again)
		printf("a restore into %.*s had not ended; this one goes on where it was\n", STR_ARG(out->user.name));
	if (r == 0 && out->made)
		printf("made the user %.*s, with the password of then\n", STR_ARG(out->user.name));
	return r;
}

static int rescue(const struct backup_options *o, struct house *h, struct then *t, struct rescue_report *out, struct err *e)
{
	struct rangeset uids = RANGESET_INIT;
	struct recipient who = { .intent = { .fd = -1 } };
	bool some = o->message || o->subject;
	const char *mailbox = o->mailbox || !some ? o->mailbox : "INBOX";
	int r = some ? choose(o, t, mailbox, &uids, e) : 0;
	if (r == 0)
		r = find_recipient(o, h, t, &who, e);
	if (r == 0 && o->exact && !who.made)
		r = save_first(o, h, t, &who.user, e);
	struct rescue wish = { .mailbox = str_from_c(mailbox), .into = str_from_c(o->into), .uids = some ? &uids : NULL, .exact = o->exact };
	if (r == 0)
		r = rescue_into(h, t, &who, &wish, out, e);
	recipient_close(&who, is_nothing_left(r, &who, out));
	rangeset_fini(&uids);
	return r;
}

int restore_part(const struct backup_options *o, const char *secret, struct err *e)
{
	struct house h = { 0 };
	struct then t = { .repository = NULL };
	struct rescue_report out = { 0 };
	struct app_config config;
	int r = house_become_owner(o->dir, e);
	/* What --exact takes away goes into the bin, if the configuration keeps deleted mail. One that cannot be read holds nobody up. */
	bool configured = r == 0 && app_config_load(o->dir, NULL, &config, NULL) == 0;
	if (r == 0)
		r = house_open(o->dir, configured ? &config : NULL, &h, e);
	if (r == 0)
		r = then_open(o, secret, o->exact, h.directory, &t, e);
	if (r == 0)
		r = rescue(o, &h, &t, &out, e);
	then_close(&t);
	admin_told(o->dir, "restore", o->as ? o->as : o->users[0], o->mailbox ? o->mailbox : "", r);
	house_close(&h);
	if (configured)
		app_config_fini(&config);
	return r ? cli_fail("restore", r, e) : report(&out) || t.skipped ? CLI_FAULTS : CLI_OK;
}
