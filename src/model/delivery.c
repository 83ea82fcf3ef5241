#include "model/append.h"
#include "model/model_private.h"
#include "model/name.h"
#include "model/quota.h"

/* The named mailbox, or INBOX when it is not one that holds messages. */
static int find_target(struct change *c, struct str name, struct mailbox_record *out)
{
	char text[MAILBOX_NAME_MAX];
	struct str canonical;
	if (name.n && name_canonical(name, text, &canonical, NULL) == 0) {
		int rc = name_lookup(change_source(c), canonical, out);
		if (rc && rc != ERR_NOT_FOUND)
			return rc;
		if (!rc && !out->no_select && !out->bin)
			return 0;
	}
	return mailbox_record_load(change_source(c), MAILBOX_INBOX, out);
}

struct delivery {
	struct model_delivery *d;
	unsigned grace_percent;
};

static int deliver_change(struct change *c, void *arg)
{
	struct delivery *delivery = arg;
	struct model_delivery *d = delivery->d;
	struct mailbox_record mailbox;
	int rc = find_target(c, d->mailbox, &mailbox);
	return rc ? rc : append_items(c, &mailbox, &d->append, 1, APPEND_QUOTA_GRACE, delivery->grace_percent);
}

int model_deliver(struct model *m, struct model_delivery *d, size_t n)
{
	struct commit *commits = calloc(n ? n : 1, sizeof(*commits));
	struct delivery *ops = calloc(n ? n : 1, sizeof(*ops));
	bool ready = commits && ops;
	for (size_t i = 0; i < n; i++) {
		d[i].result = ERR_NO_MEMORY;
		if (!ready)
			continue;
		ops[i] = (struct delivery){ &d[i], quota_grace(m) };
		commits[i] = (struct commit){ .account = d[i].account, .fn = deliver_change, .arg = &ops[i] };
	}
	int rc = ready ? commit_run_all(m, commits, n) : ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		if (ready)
			d[i].result = commits[i].result;
		if (d[i].result && d[i].result != ERR_UNKNOWN)
			model_drop_blob(m, d[i].append.blob, d[i].account);
		if (!d[i].result && m->on_emails)
			m->on_emails(m->on_emails_arg, d[i].account);
	}
	free(commits);
	free(ops);
	return rc;
}
