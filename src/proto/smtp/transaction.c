#include "proto/smtp/transaction.h"

void smtp_transaction_reset(struct smtp_transaction *t)
{
	spool_destroy(&t->spool);
	arena_fini(&t->arena);
	*t = (struct smtp_transaction){ .last = NULL };
}

static int open_spool(struct smtp_call *c, size_t max, struct spool **out)
{
	char dir[512];

	if (!str_copy_c(dir, sizeof dir, c->s->config->spool_dir))
		return ERR_CONFIG;
	int r = spool_create(dir, max, out);
	return r ? r : spool_reserve_front(*out, SMTP_FRONT_MAX);
}

int smtp_transaction_start_data(struct smtp_call *c)
{
	return open_spool(c, c->s->config->message_size_max, &c->s->t.spool);
}

int smtp_transaction_replace(struct smtp_call *c, const struct str *pieces, size_t n)
{
	struct spool *fresh = NULL;
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += pieces[i].n;
	int r = open_spool(c, size, &fresh);
	for (size_t i = 0; i < n && r == 0; i++)
		r = spool_write(fresh, pieces[i].p, pieces[i].n);
	if (r) {
		spool_destroy(&fresh);
		return r;
	}
	spool_destroy(&c->s->t.spool);
	c->s->t.spool = fresh;
	return 0;
}

void smtp_transaction_write(struct smtp_call *c, const char *p, size_t n)
{
	struct smtp_transaction *t = &c->s->t;

	if (n == 0 || t->too_big || t->spool_error)
		return;
	t->spool_error = spool_write(t->spool, p, n);
	t->too_big = t->spool_error == ERR_TOO_BIG;
	if (t->spool_error)
		spool_destroy(&t->spool);
}
