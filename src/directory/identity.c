#include "directory/identity.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "directory/group_inside.h"

#include <gsasl.h>

/* ---- one identifier, as somebody has typed it ---- */

struct identifier {
	struct str text;                     /* prepared */
	struct name name;                    /* out; n 0: it is no address */
};

/* RFC 4013 2.3: of ASCII nothing is changed, and controls are prohibited. */
static int prepare_ascii(struct arena *a, struct str text, struct str *out)
{
	for (size_t i = 0; i < text.n; i++)
		if (ascii_is_cntrl((unsigned char)text.p[i]))
			return ERR_INVALID;
	*out = arena_dup(a, text);
	return out->p ? 0 : ERR_NO_MEMORY;
}

/* Unassigned code points are refused: identifiers are stored strings (RFC 4013 2.5). */
static int prepare(struct arena *a, struct str text, struct str *out)
{
	if (text.n && text.n <= DIRECTORY_NAME_MAX && utf8_is_ascii(text))
		return prepare_ascii(a, text, out);
	char *prepared = NULL, *copy = text.n && text.n <= DIRECTORY_NAME_MAX && str_chr(text, '\0') == STR_NPOS ? arena_dup_c(a, text) : NULL;
	if (!copy)
		return a->failed ? ERR_NO_MEMORY : ERR_INVALID;
	int code = gsasl_saslprep(copy, 0, &prepared, NULL);
	if (code != GSASL_OK)
		return code == GSASL_MALLOC_ERROR ? ERR_NO_MEMORY : ERR_INVALID;
	*out = arena_dup(a, str_from_c(prepared));
	gsasl_free(prepared);
	if (!out->p)
		return ERR_NO_MEMORY;
	return out->n ? 0 : ERR_INVALID;
}

static int look_up(struct store_read *r, void *arg)
{
	struct identifier *i = arg;
	struct str value;
	int code = user_name_complete(r, i->text, &i->name);
	if (code != 0) {
		i->name.n = 0;
		return code == ERR_INVALID ? ERR_NOT_FOUND : code;
	}
	struct key user = key_user(&i->name), group = group_key(&i->name);
	code = store_get(r, key_str(&user), &value);
	return code == ERR_NOT_FOUND ? store_get(r, key_str(&group), &value) : code;
}

int directory_identifier(struct directory *d, struct arena *a, struct str text, struct str *out)
{
	struct identifier i;
	int code = prepare(a, text, out);
	if (code != 0 || str_eq(*out, IDENTITY_ANYONE))
		return code;
	i.text = *out;
	code = directory_read(d, look_up, &i);
	if ((code == 0 || code == ERR_NOT_FOUND) && i.name.n) {
		*out = arena_dup(a, name_str(&i.name));
		code = out->p ? code : ERR_NO_MEMORY;
	}
	return code;
}

/* ---- all identifiers of a user ---- */

struct gathering {
	struct arena *arena;
	struct str user;
	struct store_read *r;
	struct str *v;                       /* IDENTITIES_MAX of them */
	size_t n;
};

static bool is_known(const struct gathering *g, struct str identifier)
{
	for (size_t i = 0; i < g->n; i++)
		if (str_eq(g->v[i], identifier))
			return true;
	return false;
}

/* An entry of a group that was deleted, or made anew, is none (group.c takes them away; a crash of an older program may not have). */
static int add_group(void *arg, struct str key, struct str value)
{
	struct gathering *g = arg;
	struct group_record record;
	struct name n;
	uint64_t id;
	struct str name;
	int code = membership_record_parse(key, value, &id, &name);
	if (code != 0 || g->n == IDENTITIES_MAX || is_known(g, name))
		return code;
	code = name_parse(name, &n) == 0 ? group_record_read(g->r, &n, &record) : ERR_CORRUPT;
	if (code != 0)
		return code == ERR_NOT_FOUND ? 0 : code;
	if (record.id != id)
		return 0;
	g->v[g->n] = arena_dup(g->arena, name);
	return g->v[g->n++].p ? 0 : ERR_NO_MEMORY;
}

/* What was found is looked up in its turn: groups may be members of groups, also in a circle. */
static int gather(struct store_read *r, void *arg)
{
	struct gathering *g = arg;
	int code = 0;
	g->r = r;
	g->v[0] = g->user;
	g->v[1] = IDENTITY_ANYONE;
	g->n = 2;
	for (size_t i = 0; i < g->n && code == 0; i++) {
		if (i == 1)
			continue;
		struct key prefix = membership_key_of(g->v[i]);
		code = directory_visit(r, &prefix, add_group, g);
	}
	return code;
}

int directory_identifiers(struct directory *d, struct arena *a, struct str user, struct str **out, size_t *n_out)
{
	struct gathering g = { .arena = a, .user = user, .v = arena_array(a, IDENTITIES_MAX, sizeof(*g.v)) };
	*out = g.v;
	*n_out = 0;
	if (!g.v)
		return ERR_NO_MEMORY;
	int code = user.n && user.n <= DIRECTORY_NAME_MAX ? directory_read(d, gather, &g) : ERR_INVALID;
	*n_out = code == 0 ? g.n : 0;
	return code;
}
