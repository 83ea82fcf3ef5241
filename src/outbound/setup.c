#include "outbound/setup.h"

#define OR(value, fallback) ((value) ? (value) : (fallback))

static int copy_strings(struct arena *a, const struct str **list, size_t n)
{
	struct str *copy = arena_array(a, n + 1, sizeof *copy);

	for (size_t i = 0; copy && i < n; i++)
		copy[i] = arena_dup(a, (*list)[i]);
	*list = copy;
	return a->failed ? ERR_NO_MEMORY : 0;
}

static int copy_endpoints(struct arena *a, struct outbound_config *c)
{
	struct net_endpoint *copy = arena_array(a, c->n_own_endpoints + 1, sizeof *copy);

	if (copy && c->n_own_endpoints)
		memcpy(copy, c->own_endpoints, c->n_own_endpoints * sizeof *copy);
	c->own_endpoints = copy;
	return copy ? 0 : ERR_NO_MEMORY;
}

static int take_sources(struct setup *s, struct err *e)
{
	const struct outbound_config *c = &s->config;

	if (c->n_sources > ROUTE_SOURCES_MAX)
		return err_set(e, ERR_CONFIG, NULL, "more than %d source addresses", ROUTE_SOURCES_MAX);
	s->sources = arena_array(&s->arena, c->n_sources + 1, sizeof *s->sources);
	for (size_t i = 0; s->sources && i < c->n_sources; i++)
		if (!net_addr_parse(c->sources[i], 0, &s->sources[s->n_sources++]))
			return err_set(e, ERR_CONFIG, NULL, "source: '%.*s' is no address", STR_ARG(c->sources[i]));
	return s->sources ? 0 : ERR_NO_MEMORY;
}

/* An MX record names us by any of these. */
static int take_names(struct setup *s)
{
	const struct outbound_config *c = &s->config;
	struct str *names = arena_array(&s->arena, c->n_own_names + 2, sizeof *names);

	for (size_t i = 0; names && i < c->n_own_names; i++)
		names[s->self.n_names++] = c->own_names[i];
	if (!names)
		return ERR_NO_MEMORY;
	names[s->self.n_names++] = c->hostname;
	names[s->self.n_names++] = c->helo;
	s->self = (struct mx_self){ names, s->self.n_names, c->own_endpoints, c->n_own_endpoints };
	return 0;
}

static int fill(struct setup *s, const struct outbound_config *from, struct err *e)
{
	struct arena *a = &s->arena;
	struct outbound_config *c = &s->config;

	*c = *from;
	c->hostname = arena_dup(a, from->hostname);
	c->helo = from->helo.n ? arena_dup(a, from->helo) : c->hostname;
	c->postmaster = from->postmaster.n ? arena_dup(a, from->postmaster) : arena_printf(a, "postmaster@%.*s", STR_ARG(c->hostname));
	c->ca_file = from->ca_file ? arena_dup_c(a, str_from_c(from->ca_file)) : NULL;
	c->threads = OR(c->threads, 200);
	c->concurrency = OR(c->concurrency, 20);
	c->host_connections = OR(c->host_connections, 50);
	c->idle_ms = OR(c->idle_ms, 5000);
	int r = copy_strings(a, &c->own_names, c->n_own_names);
	if (r == 0)
		r = copy_strings(a, &c->routes, c->n_routes);
	if (r == 0)
		r = copy_strings(a, &c->sources, c->n_sources);
	if (r == 0)
		r = copy_endpoints(a, c);
	if (r == 0)
		r = take_names(s);
	if (r == 0)
		r = take_sources(s, e);
	return r ? r : routes_create(c->routes, c->n_routes, a, &s->routes, e);
}

int setup_create(const struct outbound_config *c, unsigned generation, struct setup **out, struct err *e)
{
	struct setup *s = calloc(1, sizeof *s);

	*out = NULL;
	if (!s)
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the configuration of outbound");
	s->refs = 1;
	s->generation = generation;
	int r = fill(s, c, e);
	if (r)
		setup_unref(&s);
	*out = s;
	return r;
}

void setup_unref(struct setup **s)
{
	struct setup *gone = *s;

	*s = NULL;
	if (!gone || --gone->refs)
		return;
	routes_destroy(&gone->routes);
	arena_fini(&gone->arena);
	free(gone);
}
