#include "base/clock.h"
#include "cli/admin.h"
#include "cli/print.h"
#include "codec/smtp/trace.h"

#define DESTINATIONS_SHOWN 50
#define DESTINATIONS_MAX 1000000
#define ALL_FILTERS (OPT_DESTINATION | OPT_SENDER | OPT_RECIPIENT)

/* ---- the filter ---- */

static int filter_of(const struct options *o, char *const *words, unsigned n, struct queue_filter *out, struct err *e)
{
	*out = (struct queue_filter){ .destination = str_from_c(o->destination), .sender = str_from_c(o->sender), .recipient = str_from_c(o->recipient),
								  .held_only = o->held };
	if (n && !queue_id_parse(str_from_c(words[0]), &out->id))
		return err_set(e, ERR_INVALID, NULL, "'%s' is no message; their numbers are shown by: troika queue list", words[0]);
	return 0;
}

/* ---- list ---- */

struct listing {
	int64_t now;
	uint64_t messages, recipients, bytes;
};

static const char *event_text(unsigned owed)
{
	if (owed & QUEUE_FAILED)
		return "failed, to be told";
	return owed & QUEUE_DELAYED ? "delayed, to be told" : "delivered, to be told";
}

static void print_recipient(const struct queue_item_recipient *r, bool held, int64_t now)
{
	printf("          ");
	print_text(r->r.address, 34);
	if (r->settled || r->owed)
		printf("  %s", event_text(r->owed));
	else if (held)
		printf("  held");
	else if (r->next <= now)
		printf("  due");
	if (!r->settled && r->next > now) {
		printf("  next in ");
		print_age(r->next, now, 0);
	}
	if (r->attempts)
		printf(", tried %u time%s", r->attempts, r->attempts == 1 ? "" : "s");
	putchar('\n');
	if (r->reply.n == 0 && r->status.n == 0)
		return;
	printf("            ");
	print_text(r->remote, 0);
	printf("%s", r->remote.n ? ": " : "");
	print_text(r->status, 0);
	putchar(' ');
	print_text(r->reply, 0);
	putchar('\n');
}

static int list_item(void *arg, const struct queue_item *item)
{
	struct listing *l = arg;
	char id[QUEUE_ID_TEXT];
	if (l->messages++ == 0)
		printf("%-10s%-8s%-8s%s\n", "NUMBER", "AGE", "SIZE", "SENDER, RECIPIENTS");
	l->bytes += item->size;
	print_text(queue_id_format(item->id, id), 9);
	putchar(' ');
	print_age(l->now, item->envelope.arrived, 8);
	print_size(item->size, 8);
	print_text(item->envelope.sender.n ? item->envelope.sender : STR("<>"), 0);
	putchar('\n');
	for (size_t i = 0; i < item->n_recipients; i++)
		print_recipient(&item->recipients[i], item->envelope.flags & QUEUE_HELD, l->now);
	l->recipients += item->n_recipients;
	return 0;
}

static int list(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct listing l = { .now = clock_now() };
	struct queue_filter f;
	int r = house_open_queue(h, e);
	if (r == 0)
		r = filter_of(o, words, n, &f, e);
	if (r == 0)
		r = queue_list(h->queue, &f, list_item, &l);
	if (r == 0) {
		printf("messages: %llu, recipients: %llu, size: ", (unsigned long long)l.messages, (unsigned long long)l.recipients);
		print_size(l.bytes, 0);
		putchar('\n');
	}
	return r;
}

/* ---- show ---- */

static void print_time(const char *name, int64_t when)
{
	struct buf b = BUF_INIT(200);
	if (when) {
		smtp_format_date(&b, when);
		printf("%-12s%.*s\n", name, STR_ARG(buf_str(&b)));
	}
	buf_fini(&b);
}

static void print_field(const char *name, struct str value)
{
	if (value.n == 0)
		return;
	printf("%-12s", name);
	print_text(value, 0);
	putchar('\n');
}

static void print_flags(unsigned flags)
{
	static const struct { unsigned bit; const char *name; } names[] = {
		{ QUEUE_HELD, "held" }, { QUEUE_UTF8, "SMTPUTF8" }, { QUEUE_8BIT, "8BITMIME" }, { QUEUE_BINARY, "BINARYMIME" }, { QUEUE_REQUIRETLS, "REQUIRETLS" },
		{ QUEUE_TLS_OPTIONAL, "TLS-Required: No" }, { QUEUE_RET_FULL, "RET=FULL" }, { QUEUE_RET_HDRS, "RET=HDRS" }, { QUEUE_BY_RETURN, "BY return" },
		{ QUEUE_BY_TRACE, "BY trace" }, { QUEUE_VERP, "VERP" },
	};
	const char *between = "Flags       ";
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!(flags & names[i].bit))
			continue;
		printf("%s%s", between, names[i].name);
		between = ", ";
	}
	if (*between == ',')
		putchar('\n');
}

/* Line by line, so that nothing in it steers the terminal. */
static void print_header(struct str message)
{
	struct str rest = message, line;
	putchar('\n');
	while (str_cut(rest, '\n', &line, &rest) && (line = str_trim(line)).n) {
		print_text(line, 0);
		putchar('\n');
	}
}

struct showing {
	struct house *house;
	bool found;
};

static int show_item(void *arg, const struct queue_item *item)
{
	struct showing *s = arg;
	const struct queue_envelope *m = &item->envelope;
	char id[QUEUE_ID_TEXT];
	struct store_blob_view v;
	s->found = true;
	print_field("Number", queue_id_format(item->id, id));
	print_field("Sender", m->sender.n ? m->sender : STR("<>"));
	print_field("User", m->user);
	print_field("From", m->peer);
	print_field("Envelope id", m->envid);
	printf("%-12s%llu octets\n", "Size", (unsigned long long)item->size);
	print_flags(m->flags);
	if (m->priority)
		printf("%-12s%d\n", "Priority", m->priority);
	print_time("Arrived", m->arrived);
	print_time("Not before", m->not_before);
	print_time("Deliver by", m->deliver_by);
	print_time("Expires", item->expires);
	printf("Recipients\n");
	for (size_t i = 0; i < item->n_recipients; i++)
		print_recipient(&item->recipients[i], m->flags & QUEUE_HELD, clock_now());
	int r = store_blob_map(s->house->store, item->blob, &v);
	if (r)
		return r;
	print_header(v.bytes);
	store_blob_unmap(s->house->store, &v);
	return 0;
}

static int show(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct showing s = { .house = h };
	struct queue_filter f;
	int r = house_open_queue(h, e);
	if (r == 0)
		r = filter_of(o, words, n, &f, e);
	if (r == 0)
		r = queue_list(h->queue, &f, show_item, &s);
	return r || s.found ? r : err_set(e, ERR_NOT_FOUND, NULL, "there is no message %s in the queue", words[0]);
}

/* ---- acting ---- */

static int act(struct house *h, const struct options *o, char *const *words, unsigned n, enum queue_action action, const char *done, struct err *e)
{
	struct queue_filter f;
	uint64_t changed = 0;
	bool filters = o->destination || o->sender || o->recipient;
	if ((n != 0) + filters + o->all != 1)
		return err_set(e, ERR_INVALID, NULL, "which messages? a number, or --destination, --sender, --recipient, or --all");
	int r = house_open_queue(h, e);
	if (r == 0)
		r = filter_of(o, words, n, &f, e);
	if (r == 0)
		r = queue_act(h->queue, &f, action, &changed, e);
	if (r == 0 && n && changed == 0)
		return err_set(e, ERR_NOT_FOUND, NULL, "nothing was changed; see: troika queue list %s", words[0]);
	if (r == 0)
		printf("messages %s: %llu\n", done, (unsigned long long)changed);
	return r;
}

#define ACTION(name, action, done) \
	static int name(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e) \
	{ \
		return act(h, o, words, n, action, done, e); \
	}
ACTION(retry, QUEUE_RETRY, "due now")
ACTION(hold, QUEUE_HOLD, "held")
ACTION(release, QUEUE_RELEASE, "released")
ACTION(drop, QUEUE_DROP, "dropped")
ACTION(bounce, QUEUE_BOUNCE, "to be returned")

/* ---- numbers ---- */

static int stats(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct queue_stats s;
	(void)o;
	(void)words;
	(void)n;
	int r = house_open_queue(h, e);
	if (r == 0)
		r = queue_stats(h->queue, &s);
	if (r)
		return r;
	printf("%-22s%llu\n%-22s%llu\n%-22s%llu\n", "messages", (unsigned long long)s.messages, "recipients", (unsigned long long)s.recipients, "octets",
		   (unsigned long long)s.bytes);
	printf("%-22s%llu\n%-22s%llu\n%-22s", "held", (unsigned long long)s.held, "notices to be sent", (unsigned long long)s.owed, "oldest");
	print_age(clock_now(), s.oldest, 0);
	putchar('\n');
	return 0;
}

static int destinations(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct queue_destination_stats *d;
	size_t n_destinations = 0;
	int64_t now = clock_now();
	(void)words;
	(void)n;
	int r = house_open_queue(h, e);
	if (r == 0)
		r = queue_destinations(h->queue, &arena, o->all ? DESTINATIONS_MAX : DESTINATIONS_SHOWN, &d, &n_destinations);
	if (r == 0 && n_destinations)
		printf("%-34s%12s  %-10s%s\n", "DESTINATION", "RECIPIENTS", "NEXT", "FAILURES, LAST ANSWER");
	for (size_t i = 0; r == 0 && i < n_destinations; i++) {
		print_text(d[i].destination, 34);
		printf("%12llu  ", (unsigned long long)d[i].recipients);
		if (d[i].next <= now)
			printf("%-10s", "now");
		else
			print_age(now, d[i].next, 10);
		if (d[i].failures)
			printf("%u, ", d[i].failures);
		print_text(d[i].reply, 0);
		putchar('\n');
	}
	arena_fini(&arena);
	return r;
}

static const struct admin_verb verbs[] = {
	{ "list", 0, 1, ALL_FILTERS | OPT_HELD | OPT_ALL, list },
	{ "show", 1, 1, 0, show },
	{ "retry", 0, 1, ALL_FILTERS | OPT_ALL, retry },
	{ "hold", 0, 1, ALL_FILTERS | OPT_ALL, hold },
	{ "release", 0, 1, ALL_FILTERS | OPT_ALL, release },
	{ "drop", 0, 1, ALL_FILTERS | OPT_ALL, drop },
	{ "bounce", 0, 1, ALL_FILTERS | OPT_ALL, bounce },
	{ "stats", 0, 0, 0, stats },
	{ "destinations", 0, 0, OPT_ALL, destinations },
	{ 0 },
};

int cli_queue(int argc, char **argv)
{
	return admin_run("queue", verbs, argc, argv);
}
