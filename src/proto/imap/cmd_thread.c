/* THREAD and UID THREAD: RFC 5256 BASE.6.4.THREAD; REFS of draft-ietf-morg-inthread. */
#include "proto/imap/message_commands.h"

#include "codec/imap/search_key.h"
#include "codec/imap/thread.h"
#include "proto/imap/search_command.h"
#include "proto/imap/sort.h"

#include <stdlib.h>

struct gathered {
	uint64_t *email;
	struct email_fact *fact;
	struct email_refs refs;
	struct imap_thread_message *message;
};

static void gathered_fini(struct gathered *g)
{
	free(g->email);
	free(g->fact);
	free(g->refs.v);
	free(g->message);
}

static int gather(struct imap_request *r, const struct imap_search_scope *scope, const struct imap_hits *hits, bool uid, struct gathered *g)
{
	size_t n = hits->n ? hits->n : 1;
	g->email = calloc(n, sizeof(*g->email));
	g->fact = calloc(n, sizeof(*g->fact));
	g->message = calloc(n, sizeof(*g->message));
	if (!g->email || !g->fact || !g->message)
		return ERR_NO_MEMORY;
	struct imap_hit_walk walk = imap_hit_walk(scope->view, hits);
	const struct message *m;
	for (size_t i = 0; (m = imap_hit_next(&walk)); i++) {
		g->email[i] = m->email;
		g->message[i] = (struct imap_thread_message){
			.number = uid ? m->uid : hits->v[i].number, .sent = m->date, .arrived = m->date,
		};
	}
	int err = email_facts_load(services_facts(r->s->services), scope->account, g->email, (uint32_t)hits->n, g->fact, &g->refs);
	for (size_t i = 0; i < hits->n && !err; i++) {
		const struct email_fact *f = &g->fact[i];
		struct imap_thread_message *t = &g->message[i];
		t->id = f->id;
		t->subject = f->subject;
		t->reply = f->reply;
		t->n_refs = f->n_refs;
		t->refs = f->n_refs ? g->refs.v + f->refs_at : NULL;
		if (f->has_sent)
			t->sent = f->sent;
	}
	return err;
}

static int check(void *arg) { return conn_out_check(arg); }

static int write_threads(struct imap_request *r, const struct imap_threads *t)
{
	struct imap_thread_sink sink = { conn_out(r->conn), check, r->conn };
	int err = 0;
	buf_add_lit(sink.out, "* THREAD");
	for (uint32_t i = 0; i < t->n_roots && !err; i++) {
		if (i == 0)
			buf_add_char(sink.out, ' ');
		err = imap_thread_write(t, i, &sink);
		if (!err)
			err = conn_out_check(r->conn);
	}
	buf_add_lit(sink.out, "\r\n");
	return err;
}

static enum imap_result threads(struct imap_request *r, enum imap_thread_algorithm algorithm, struct imap_esearch *e)
{
	struct imap_search_scope scope = imap_search_selected(r->s);
	scope.request = r;
	struct gathered g = { .email = NULL };
	struct imap_threads t = { .message = NULL };
	int err = gather(r, &scope, e->hits, e->uid, &g);
	if (!err)
		err = imap_threads_make(algorithm, g.message, (uint32_t)e->hits->n, &t);
	if (!err)
		err = write_threads(r, &t);
	imap_threads_fini(&t);
	gathered_fini(&g);
	return err ? imap_error(r, err, NULL) : imap_search_completed(r, e);
}

static enum imap_result thread(struct imap_request *r, bool uid)
{
	static const struct imap_search_return none = { .given = false };
	struct str name;
	enum imap_thread_algorithm algorithm;
	struct imap_search args;
	struct imap_hits hits = IMAP_HITS_INIT;
	enum imap_result result = IMAP_REPLIED;
	if (!imap_atom(&r->args, &name) || !imap_sp(&r->args))
		return imap_bad_args(r);
	if (!imap_thread_algorithm(name, &algorithm))
		return imap_bad(r, "Unknown threading algorithm");
	if (imap_search_read(r, &none, true, &args) && imap_search_selected_find(r, &none, &args, 0, &hits)) {
		struct imap_esearch e = { .r = r, .view = r->s->selected.view, .uid = uid, .mailbox_order = true, .ret = &none, .hits = &hits };
		result = threads(r, algorithm, &e);
	}
	imap_hits_fini(&hits);
	return result;
}

enum imap_result imap_cmd_thread(struct imap_request *r) { return thread(r, false); }
enum imap_result imap_cmd_uid_thread(struct imap_request *r) { return thread(r, true); }
