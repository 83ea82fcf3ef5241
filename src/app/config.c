#include "app/config.h"

#include "app/config_options.h"
#include "app/defence.h"
#include "base/num.h"
#include "rt/net.h"

#include <confuse.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PARSER_ROOM ((size_t)1 << 20)       /* bytes; a file of every option takes a quarter of that */

static const char *const proto_names[APP_PROTO_COUNT] = {
	[APP_SMTP] = "smtp", [APP_SUBMISSION] = "submission", [APP_SUBMISSIONS] = "submissions", [APP_LMTP] = "lmtp",
	[APP_POP3] = "pop3", [APP_POP3S] = "pop3s", [APP_IMAP] = "imap", [APP_IMAPS] = "imaps", [APP_HTTP] = "http", [APP_HTTPS] = "https",
};

const char *app_proto_name(enum app_proto p)
{
	return p < APP_PROTO_COUNT ? proto_names[p] : NULL;
}

static int parse_place(enum app_proto proto, struct str place, struct app_listen *out, struct err *e)
{
	size_t colon = str_rchr(place, ':');
	uint32_t port;

	out->proto = proto;
	if (colon == STR_NPOS || !num_parse_u32(str_from(place, colon + 1), &port) || port > 65535)
		return err_set(e, ERR_CONFIG, NULL, "'%.*s' is not ADDRESS:PORT, like 127.0.0.1:1143 or [::1]:25 or *:143", STR_ARG(place));
	struct str address = str_sub(place, 0, colon);
	if (address.n > 2 && address.p[0] == '[' && address.p[address.n - 1] == ']')
		address = str_sub(address, 1, address.n - 2);
	if (address.n == 0 || !str_copy_c(out->address, sizeof out->address, address))
		return err_set(e, ERR_CONFIG, NULL, "'%.*s' has no usable address", STR_ARG(place));
	out->port = (uint16_t)port;
	return 0;
}

int app_listen_parse(struct str text, struct app_listen *out, struct err *e)
{
	struct str name, place;

	str_cut(text, '=', &name, &place);
	for (enum app_proto p = 0; p < APP_PROTO_COUNT; p++)
		if (str_eq(name, str_from_c(proto_names[p])))
			return parse_place(p, place, out, e);
	return err_set(e, ERR_CONFIG, NULL, "'%.*s': PROTO=ADDRESS:PORT, where PROTO is smtp, submission, submissions, lmtp, pop3, pop3s, imap or imaps",
				   STR_ARG(text));
}

/* libConfuse tells errors through a callback that knows only the cfg; the text waits here until the load returns it. */
struct load {
	struct app_config *c;
	struct err *e;
	bool failed;
};
static __thread struct load *current_load;

__attribute__((format(printf, 2, 0))) static void report(cfg_t *cfg, const char *format, va_list ap)
{
	char text[160];

	vsnprintf(text, sizeof text, format, ap);
	if (!current_load->failed)
		err_set(current_load->e, ERR_CONFIG, NULL, "%s line %d: %s", cfg && cfg->filename ? cfg->filename : "configuration", cfg ? cfg->line : 0, text);
	current_load->failed = true;
}

static int bad_value(const struct config_option *o, const char *value, struct err *e)
{
	return err_set(e, ERR_CONFIG, NULL, "option %s: '%s' is no good: %s", o->name, value, o->help);
}

static int take_word(const struct config_option *o, const char *value, int *out, struct err *e)
{
	for (int i = 0; o->words[i]; i++)
		if (!strcmp(value, o->words[i])) {
			*out = i;
			return 0;
		}
	return bad_value(o, value, e);
}

/* Writes one option's text into its place in the configuration. */
static int take_option(struct app_config *c, const struct config_option *o, const char *value, struct err *e)
{
	char *place = (char *)c + o->offset;
	struct str v = str_from_c(value);
	uint64_t number;

	switch (o->kind) {
	case OPTION_TEXT:
		*(const char **)(void *)place = v.n ? arena_dup_c(&c->arena, v) : NULL;
		return v.n && !*(const char **)(void *)place ? ERR_NO_MEMORY : 0;
	case OPTION_NETWORKS:
		if (!network_list_is_valid(v))
			return bad_value(o, value, e);
		*(struct str *)(void *)place = arena_dup(&c->arena, v);
		return 0;
	case OPTION_STR:
		*(struct str *)(void *)place = arena_dup(&c->arena, v);
		return 0;
	case OPTION_SIZE:
	case OPTION_DURATION:
		if (!(o->kind == OPTION_SIZE ? num_parse_size(v, &number) : num_parse_duration(v, &number)) || number < o->least || number > o->most)
			return bad_value(o, value, e);
		*(uint64_t *)(void *)place = number;
		return 0;
	case OPTION_NUMBER:
		if (!num_parse_u64(v, &number) || number < o->least || number > o->most)
			return bad_value(o, value, e);
		*(unsigned *)(void *)place = (unsigned)number;
		return 0;
	case OPTION_BOOL:
	case OPTION_LIST:
		return bad_value(o, value, e);        /* typed by the parser */
	case OPTION_CHAR:
		if (v.n != 1)
			return bad_value(o, value, e);
		*place = v.p[0];
		return 0;
	case OPTION_WORD: {
		int word = 0;
		int r = take_word(o, value, &word, e);
		if (r == 0)
			*(int *)(void *)place = word;
		return r;
	}
	}
	return ERR_BUG;
}

static int take_list(struct app_config *c, cfg_t *cfg, const struct config_option *o)
{
	struct option_list *list = (void *)((char *)c + o->offset);
	struct str *v = arena_array(&c->arena, cfg_size(cfg, o->name) + 1, sizeof *v);

	for (unsigned i = 0; v && i < cfg_size(cfg, o->name); i++)
		v[i] = arena_dup(&c->arena, str_from_c(cfg_getnstr(cfg, o->name, i)));
	*list = (struct option_list){ v, v ? cfg_size(cfg, o->name) : 0 };
	return c->arena.failed ? ERR_NO_MEMORY : 0;
}

static int take_section(struct app_config *c, cfg_t *cfg, const char *section, struct err *e)
{
	for (const struct config_option *o = config_options; o->name; o++) {
		if (strcmp(o->section, section) != 0)
			continue;
		const char *text = NULL;
		int r = 0;
		if (o->kind == OPTION_BOOL)
			*(bool *)(void *)((char *)c + o->offset) = cfg_getbool(cfg, o->name);
		else if (o->kind == OPTION_LIST)
			r = take_list(c, cfg, o);
		else if ((text = cfg_getstr(cfg, o->name)))
			r = take_option(c, o, text, e);
		else
			r = ERR_NO_MEMORY;        /* each has a default */
		if (r)
			return r;
	}
	return 0;
}

static int take_listeners(struct app_config *c, cfg_t *cfg, struct err *e)
{
	cfg_t *section = cfg_getsec(cfg, "listen");

	for (enum app_proto p = 0; p < APP_PROTO_COUNT; p++)
		for (unsigned i = 0; i < cfg_size(section, proto_names[p]); i++) {
			if (c->n_listen == APP_LISTEN_MAX)
				return err_set(e, ERR_CONFIG, NULL, "more than %d listeners", APP_LISTEN_MAX);
			int r = parse_place(p, str_from_c(cfg_getnstr(section, proto_names[p], i)), &c->listen[c->n_listen], e);
			if (r)
				return r;
			c->n_listen++;
		}
	return 0;
}

static int add_identity(struct app_config *c, const char *cert, const char *key, struct err *e)
{
	if (!cert != !key || !cert)
		return err_set(e, ERR_CONFIG, NULL, "tls: certificate and key go together");
	if (c->tls.n_identities == APP_IDENTITIES_MAX)
		return err_set(e, ERR_CONFIG, NULL, "tls: more than %d identities", APP_IDENTITIES_MAX);
	struct tls_identity *i = &c->identities[c->tls.n_identities++];
	*i = (struct tls_identity){ .cert_file = arena_dup_c(&c->arena, str_from_c(cert)), .key_file = arena_dup_c(&c->arena, str_from_c(key)) };
	return 0;
}

static int take_tls(struct app_config *c, cfg_t *cfg, struct err *e)
{
	cfg_t *section = cfg_getsec(cfg, "tls");
	const char *cert = cfg_getstr(section, "certificate"), *key = cfg_getstr(section, "key");
	int r = 0;

	if (!cert || !key)
		return ERR_NO_MEMORY;        /* "" is the default */
	if (*cert || *key)
		r = add_identity(c, *cert ? cert : NULL, *key ? key : NULL, e);
	for (unsigned i = 0; r == 0 && i < cfg_size(section, "identity"); i++) {
		cfg_t *one = cfg_getnsec(section, "identity", i);
		r = add_identity(c, cfg_getstr(one, "certificate"), cfg_getstr(one, "key"), e);
	}
	c->tls.identities = c->identities;
	return r;
}

static int take_proxies(struct app_config *c, cfg_t *cfg)
{
	cfg_t *section = cfg_getsec(cfg, "proxy");

	c->n_proxy_from = cfg_size(section, "from");
	c->proxy_from = arena_array(&c->arena, c->n_proxy_from + 1, sizeof *c->proxy_from);
	for (size_t i = 0; c->proxy_from && i < c->n_proxy_from; i++)
		c->proxy_from[i] = arena_dup(&c->arena, str_from_c(cfg_getnstr(section, "from", (unsigned)i)));
	return c->arena.failed ? ERR_NO_MEMORY : 0;
}

static int take_all(struct app_config *c, cfg_t *cfg, struct err *e)
{
	int r = take_section(c, cfg, "", e);

	for (const char *const *s = config_sections; r == 0 && *s; s++)
		r = take_section(c, cfg_getsec(cfg, *s), *s, e);
	if (r == 0)
		r = take_listeners(c, cfg, e);
	if (r == 0)
		r = take_tls(c, cfg, e);
	if (r == 0)
		r = take_proxies(c, cfg);
	return r;
}

/* What one option says in words, or several together. The host name: as configured, else the machine's. */
static int complete(const char *data_dir, struct app_config *c, struct err *e)
{
	char name[256] = "localhost";

	if (!c->mail.hostname.n) {
		if (gethostname(name, sizeof name - 1))
			memcpy(name, "localhost", sizeof "localhost");
		c->mail.hostname = arena_dup(&c->arena, str_from_c(name));
	}
	if (c->dns.trust_anchor && !strcmp(c->dns.trust_anchor, "none"))
		c->dns.trust_anchor = "";            /* no validation */
	c->mail.pop3_login_delay_s = c->pop3_login_delay_ms / 1000;
	c->mail.spool_dir = arena_printf(&c->arena, "%s/spool", data_dir);
	if (c->metrics.listen.n && parse_place(APP_HTTP, c->metrics.listen, &c->metrics.place, e))
		return ERR_CONFIG;
	c->server.slow_ms = c->slow_ms;
	return c->arena.failed ? ERR_NO_MEMORY : 0;
}

/* Out of memory libConfuse ends the process, by exit or abort: it is not called unless what it needs is there. */
static bool parser_has_room(void)
{
	void *volatile room = malloc(PARSER_ROOM);        /* volatile: or the compiler leaves both out */
	bool there = room;
	free(room);
	return there;
}

int app_config_load(const char *data_dir, const char *file, struct app_config *out, struct err *e)
{
	struct load load = { .c = out, .e = e };
	int r = 0;

	memset(out, 0, sizeof *out);
	arena_init(&out->arena, 0);
	out->arena.wipe = true;        /* passwords of relays, secrets of OAuth and ACME */
	out->mail = mail_config_defaults();
	struct str path = file ? arena_dup(&out->arena, str_from_c(file)) : arena_printf(&out->arena, "%s/troika.conf", data_dir);
	cfg_t *cfg = parser_has_room() ? config_schema() : NULL;
	if (!cfg || out->arena.failed) {
		cfg_free(cfg);
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the configuration");
	}
	current_load = &load;
	cfg_set_error_function(cfg, report);
	if (!file && access(path.p, F_OK) != 0) {
		r = cfg_parse_buf(cfg, "") == CFG_SUCCESS ? 0 : ERR_CONFIG;
	} else {
		int parsed = cfg_parse(cfg, path.p);
		if (parsed == CFG_FILE_ERROR)
			r = err_from_errno(e, errno, "cannot read the configuration file %s", path.p);
		else if (parsed != CFG_SUCCESS || load.failed)
			r = ERR_CONFIG;
	}
	if (r == 0)
		r = take_all(out, cfg, e);
	if (r == 0)
		r = complete(data_dir, out, e);
	if (r == 0)
		r = defence_check(out, e);
	cfg_free(cfg);
	current_load = NULL;
	return r;
}

struct model_keep app_keep(const struct app_config *c)
{
	/* Without a configuration nobody knows how much is kept here: what is deleted comes into the bin, and nothing is taken out of it. */
	static const struct undelete_options unknown = { .keep_days = 30 };
	const struct undelete_options *u = c ? &c->undelete : &unknown;

	return (struct model_keep){ .seconds = (int64_t)u->keep_days * 86400, .bytes_max = u->size, .quota_percent = u->quota_percent };
}

void app_config_fini(struct app_config *c)
{
	arena_fini(&c->arena);
	memset(c, 0, sizeof *c);
}
