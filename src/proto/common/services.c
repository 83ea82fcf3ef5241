#include "proto/common/inside.h"
#include "proto/common/oauth.h"

#include <pthread.h>
#include <stdatomic.h>

/* A configuration with its strings behind it, freed with its last reference. */
struct snapshot {
	struct mail_config config;        /* first: a pointer to it is a pointer to the snapshot */
	struct services *services;
	atomic_uint refs;
	size_t n;                         /* bytes of text; a client's secret is among them */
	char text[];
};

struct services {
	struct model *model;
	struct directory *directory;
	struct search *search;
	struct email_facts *facts;
	pthread_mutex_t lock;             /* for `newest`: nothing is taken under it */
	struct oauth *oauth;
	struct snapshot *newest;          /* holds one reference */
};

struct mail_config mail_config_defaults(void)
{
	return (struct mail_config){
		.hostname = STR("localhost"),
		.message_size_max = STORE_BLOB_MAX,
		.pop3_timeout_ms = 10 * 60 * 1000,
		.imap_timeout_ms = 30 * 60 * 1000,
		.imap_acl_anyone = true,
		.imap_progress_ms = 10 * 1000,
		.imap_unauthenticate = true,
		.imap_append_8bit = true,
		.login_timeout_ms = 60 * 1000,
		.smtp_timeout_ms = 5 * 60 * 1000,
		.smtp_recipients_max = 1000,
		.smtp_errors_max = 20,
		.smtp_hops_max = 100,
		.smtp_unchecked_from = STR("127.0.0.0/8 ::1"),
		.smtp_dmarc_enforce = 2,
		.smtp_srs = true,
		.submission_from = SUBMISSION_FROM_OWN,
		.smtp_deliver_by_min_ms = 60 * 1000,
		.submission_hold_max_ms = 7 * 24 * UINT64_C(3600000),
		.spool_dir = STR("/tmp"),
		.oauth_user_claim = STR("email"),
	};
}

static struct str keep(char **to, struct str s)
{
	char *p = *to;
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	*to += s.n + 1;
	return str_make(p, s.n);
}

/* All members that point to text. */
static const size_t texts[] = {
	offsetof(struct mail_config, hostname),
	offsetof(struct mail_config, spool_dir),
	offsetof(struct mail_config, oauth_keys),
	offsetof(struct mail_config, oauth_introspection),
	offsetof(struct mail_config, oauth_client_id),
	offsetof(struct mail_config, oauth_client_secret),
	offsetof(struct mail_config, oauth_issuer),
	offsetof(struct mail_config, oauth_audience),
	offsetof(struct mail_config, oauth_user_claim),
	offsetof(struct mail_config, imap_admin_contact),
	offsetof(struct mail_config, imap_admins),
	offsetof(struct mail_config, imap_submit_users),
	offsetof(struct mail_config, smtp_relay_from),
	offsetof(struct mail_config, smtp_relay_to),
	offsetof(struct mail_config, smtp_priority_from),
	offsetof(struct mail_config, smtp_no_soliciting),
	offsetof(struct mail_config, submission_fetch),
	offsetof(struct mail_config, smtp_xclient_from),
	offsetof(struct mail_config, smtp_xforward_from),
	offsetof(struct mail_config, smtp_etrn_from),
	offsetof(struct mail_config, smtp_expn_from),
	offsetof(struct mail_config, smtp_etrn_domains),
	offsetof(struct mail_config, smtp_admins),
	offsetof(struct mail_config, smtp_unchecked_from),
	offsetof(struct mail_config, smtp_arc_trusted),
};
#define N_TEXTS (sizeof(texts) / sizeof(texts[0]))

static struct str *text_of(struct mail_config *c, size_t i) { return (struct str *)(void *)((char *)c + texts[i]); }

static struct snapshot *snapshot_create(struct services *s, const struct mail_config *c)
{
	struct mail_config copy = *c;
	size_t n = 0;
	for (size_t i = 0; i < N_TEXTS; i++)
		n += text_of(&copy, i)->n + 1;
	struct snapshot *x = malloc(sizeof(*x) + n);
	if (!x)
		return NULL;
	char *to = x->text;
	for (size_t i = 0; i < N_TEXTS; i++)
		*text_of(&copy, i) = keep(&to, *text_of(&copy, i));
	x->config = copy;
	x->services = s;
	x->n = n;
	atomic_init(&x->refs, 1);
	return x;
}

static void snapshot_unref(struct snapshot *x)
{
	if (atomic_fetch_sub_explicit(&x->refs, 1, memory_order_acq_rel) != 1)
		return;
	crypto_wipe(x->text, x->n);
	free(x);
}

int services_create(struct model *m, struct directory *d, struct services **out)
{
	struct services *s = calloc(1, sizeof(*s));
	const struct mail_config defaults = mail_config_defaults();
	*out = NULL;
	if (!s)
		return ERR_NO_MEMORY;
	s->model = m;
	s->directory = d;
	s->newest = snapshot_create(s, &defaults);
	if (!s->newest || oauth_create(&s->oauth) || email_facts_create(EMAIL_FACTS_BYTES_MAX, &s->facts)) {
		oauth_destroy(&s->oauth);
		email_facts_destroy(&s->facts);
		free(s->newest);
		free(s);
		return ERR_NO_MEMORY;
	}
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return 0;
}

void services_destroy(struct services **s)
{
	if (!*s)
		return;
	snapshot_unref((*s)->newest);
	oauth_destroy(&(*s)->oauth);
	email_facts_destroy(&(*s)->facts);
	pthread_mutex_destroy(&(*s)->lock);
	free(*s);
	*s = NULL;
}

struct model *services_model(struct services *s) { return s->model; }
struct directory *services_directory(struct services *s) { return s->directory; }
void services_set_search(struct services *s, struct search *search) { s->search = search; }
struct search *services_search(struct services *s) { return s->search; }
struct oauth *services_oauth(struct services *s) { return s->oauth; }
struct email_facts *services_facts(struct services *s) { return s->facts; }

int services_set_config(struct services *s, const struct mail_config *c)
{
	struct snapshot *x = snapshot_create(s, c);
	if (!x)
		return ERR_NO_MEMORY;
	pthread_mutex_lock(&s->lock);
	struct snapshot *old = s->newest;
	s->newest = x;
	pthread_mutex_unlock(&s->lock);
	snapshot_unref(old);
	return 0;
}

/* Under the lock: between reading `newest` and counting, it must not go. */
const struct mail_config *services_config(struct services *s)
{
	pthread_mutex_lock(&s->lock);
	struct snapshot *x = s->newest;
	atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&s->lock);
	return &x->config;
}

static struct snapshot *snapshot_of(const struct mail_config *c) { return (struct snapshot *)(uintptr_t)c; }

void mail_config_unref(const struct mail_config **c)
{
	if (!*c)
		return;
	snapshot_unref(snapshot_of(*c));
	*c = NULL;
}

struct services *services_of_config(const struct mail_config *c) { return snapshot_of(c)->services; }

bool mail_config_lists(struct str words, struct str name)
{
	struct str word;
	while (words.n) {
		str_cut(words, ' ', &word, &words);
		if (word.n && str_ieq(word, name))
			return true;
	}
	return false;
}
