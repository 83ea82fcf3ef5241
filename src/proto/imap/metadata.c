#include "proto/imap/metadata.h"

#include "codec/imap/format.h"
#include "model/acl.h"
#include "proto/imap/use.h"

#define COMPUTED_MAX 1                            /* of a mailbox, or of the server */

struct entries {
	struct annotation *v;
	bool *told;
	size_t n;
};

bool imap_metadata_allowed(const struct imap_annotated *of)
{
	const uint32_t any = ACL_READ | ACL_SEEN | ACL_WRITE | ACL_INSERT | ACL_POST;
	return !of->account || (of->rights & ACL_LOOKUP && of->rights & any);
}

/* ---- what there is ---- */

static int stored(struct imap_request *r, const struct imap_annotated *of, struct annotation **v, size_t *n)
{
	uint64_t user = account_id(r->s->account);
	if (of->account)
		return annotation_list(of->account, of->mailbox->id, user, r->arena, v, n);
	/* The server's: the house's, and the user's own, which lie in his account. */
	struct annotation *shared, *own;
	size_t n_shared, n_own;
	int rc = model_annotation_list(services_model(r->s->services), r->arena, &shared, &n_shared);
	if (!rc)
		rc = annotation_list(r->s->account, 0, user, r->arena, &own, &n_own);
	*v = rc ? NULL : arena_array(r->arena, n_shared + n_own + 1, sizeof(**v));
	if (!*v)
		return rc ? rc : ERR_NO_MEMORY;
	if (n_shared)
		memcpy(*v, shared, n_shared * sizeof(*shared));
	if (n_own)
		memcpy(*v + n_shared, own, n_own * sizeof(*own));
	*n = n_shared + n_own;
	return 0;
}

/* RFC 6154 4: "a space-separated list of special-use attributes", or NIL. Uses are the owner's: to others a mailbox has none. */
static struct str special_use(struct imap_request *r, const struct imap_annotated *of)
{
	struct buf b = BUF_INIT(0);
	if (of->account == r->s->account)
		imap_use_format(&b, of->mailbox->use);
	struct str value = b.n ? arena_dup(r->arena, str_from(buf_str(&b), 1)) : STR_NONE;
	buf_fini(&b);
	return value;
}

static int load(struct imap_request *r, const struct imap_annotated *of, struct entries *out)
{
	struct annotation *v;
	int rc = stored(r, of, &v, &out->n);
	if (rc)
		return rc;
	out->v = arena_array(r->arena, out->n + COMPUTED_MAX, sizeof(*out->v));
	out->told = arena_array(r->arena, out->n + COMPUTED_MAX, sizeof(*out->told));
	if (!out->v || !out->told)
		return ERR_NO_MEMORY;
	if (out->n)
		memcpy(out->v, v, out->n * sizeof(*v));
	struct annotation computed = { .name = STR("/private/specialuse"), .is_private = true };
	if (of->account)
		computed.value = special_use(r, of);
	else
		computed = (struct annotation){ .name = STR("/shared/admin"), .value = r->s->config->imap_admin_contact };
	if (computed.value.n)
		out->v[out->n++] = computed;
	return 0;
}

/* ---- telling it ---- */

struct response {
	struct imap_session *s;
	const struct imap_annotated *of;
	const struct imap_metadata_wish *wish;
	bool begun;
	uint64_t longest;
};

static void write_entry(struct response *response, struct str name, struct str value)
{
	struct imap_session *s = response->s;
	struct buf *out = conn_out(s->conn);
	if (!response->begun) {
		buf_add_lit(out, "* METADATA ");
		imap_format_mailbox(out, response->of->name, imap_utf8(s));
	}
	buf_add_c(out, response->begun ? " " : " (");
	response->begun = true;
	imap_format_astring(out, name, imap_utf8(s));
	buf_add_char(out, ' ');
	imap_format_nstring(out, value, imap_utf8(s));
}

/* All that one entry of the wish asks for. */
static void tell_entry(struct response *response, struct entries *entries, struct str entry)
{
	const struct imap_metadata_wish *wish = response->wish;
	bool any = false;
	for (size_t i = 0; i < entries->n; i++) {
		const struct annotation *a = &entries->v[i];
		if (!imap_metadata_matches(entry, wish->depth, a->name))
			continue;
		any = true;
		if (entries->told[i])
			continue;
		entries->told[i] = true;
		/* RFC 5464 4.2.1 */
		if (wish->has_maxsize && a->value.n > wish->maxsize) {
			if (a->value.n > response->longest)
				response->longest = a->value.n;
			continue;
		}
		/* The client finds it under the name it asked for. */
		write_entry(response, str_ieq(entry, a->name) ? entry : a->name, a->value);
	}
	if (!any)
		write_entry(response, entry, STR_NONE);
}

int imap_metadata_write(struct imap_request *r, const struct imap_annotated *of, const struct imap_metadata_wish *wish, uint64_t *longest_out)
{
	struct entries entries;
	struct response response = { .s = r->s, .of = of, .wish = wish };
	int rc = load(r, of, &entries);
	if (rc)
		return rc;
	for (size_t i = 0; i < wish->count; i++)
		tell_entry(&response, &entries, wish->entry[i]);
	if (response.begun)
		buf_add_lit(conn_out(r->conn), ")\r\n");
	if (longest_out)
		*longest_out = response.longest;
	return 0;
}
