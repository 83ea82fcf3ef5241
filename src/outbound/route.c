#include "outbound/route.h"

#include "base/map.h"

#include <fcntl.h>
#include <unistd.h>

struct routes {
	struct route *v;
	size_t n;
	struct map *by_pattern;
	struct route plain;               /* what is true without a table */
};

/* The first line of the file. */
static int read_password(struct arena *a, struct route *r, struct err *e)
{
	char text[ROUTE_SECRET_MAX + 2];
	struct str line, rest;

	int fd = open(r->password_file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return err_set(e, ERR_CONFIG, NULL, "cannot read the password file %s", r->password_file);
	str_cut(str_make(text, (size_t)n), '\n', &line, &rest);
	line = str_trim(line);
	if (!line.n || line.n > ROUTE_SECRET_MAX)
		return err_set(e, ERR_CONFIG, NULL, "the first line of %s is no password", r->password_file);
	r->password = arena_dup(a, line);
	explicit_bzero(text, sizeof text);
	return r->password.p ? 0 : ERR_NO_MEMORY;
}

static int add(struct routes *t, struct arena *a, struct str text, struct err *e)
{
	struct route *r = &t->v[t->n];

	int code = route_parse(text, a, r, e);
	if (code == 0 && r->password_file)
		code = read_password(a, r, e);
	if (code == 0 && map_get(t->by_pattern, r->pattern))
		code = err_set(e, ERR_CONFIG, NULL, "two routes for %.*s", STR_ARG(r->pattern));
	if (code == 0)
		code = map_put(t->by_pattern, r->pattern, r);
	t->n += code == 0;
	return code;
}

int routes_create(const struct str *texts, size_t n, struct arena *a, struct routes **out, struct err *e)
{
	struct routes *t = arena_new(a, struct routes);
	int code = t ? map_create(&t->by_pattern) : ERR_NO_MEMORY;

	*out = NULL;
	if (n > ROUTES_MAX)
		code = err_set(e, ERR_CONFIG, NULL, "more than %d routes", ROUTES_MAX);
	if (code == 0 && !(t->v = arena_array(a, n + 1, sizeof *t->v)))
		code = ERR_NO_MEMORY;
	if (code == 0)
		t->plain = (struct route){ .pattern = STR("*"), .transport = STR("smtp"), .kind = ROUTE_SMTP, .mx = true, .port = 25 };
	for (size_t i = 0; code == 0 && i < n; i++)
		code = add(t, a, texts[i], e);
	if (code == 0)
		*out = t;
	else if (t)
		routes_destroy(&t);
	return code;
}

void routes_destroy(struct routes **r)
{
	if (*r)
		map_destroy(&(*r)->by_pattern);
	*r = NULL;
}

const struct route *routes_find(const struct routes *r, struct str destination)
{
	const struct route *found = map_get(r->by_pattern, destination);

	if (found)
		return found;
	for (size_t dot = str_chr(destination, '.'); destination.n && destination.p[0] != '[' && dot != STR_NPOS; dot = str_chr(destination, '.')) {
		if ((found = map_get(r->by_pattern, str_from(destination, dot))))
			return found;
		destination = str_from(destination, dot + 1);
	}
	found = map_get(r->by_pattern, STR("*"));
	return found ? found : &r->plain;
}

uint32_t warmup_allowance(const struct warmup *w, int64_t day)
{
	int64_t nth = day - w->start + 1;
	uint32_t messages = 0;

	for (size_t i = 0; i < w->n && w->step[i].day <= nth; i++)
		messages = w->step[i].messages;
	return messages;
}
