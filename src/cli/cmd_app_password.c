#include "base/buf.h"
#include "base/clock.h"
#include "cli/admin.h"
#include "directory/app_password.h"
#include "rt/crypto.h"

#include <time.h>

static int add(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	char text[APP_PASSWORD_LENGTH + 1];
	struct buf protocols = BUF_INIT(0);
	(void)o;
	for (unsigned i = 2; i < n; i++)
		buf_printf(&protocols, "%s%s", i > 2 ? " " : "", words[i]);
	int r = app_password_add(h->directory, str_from_c(words[0]), str_from_c(words[1]), buf_str(&protocols), clock_now(), text, e);
	if (r == 0)
		printf("%s\n", text);
	crypto_wipe(text, sizeof(text));
	buf_fini(&protocols);
	return r;
}

static int del(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	(void)n;
	return app_password_del(h->directory, str_from_c(words[0]), str_from_c(words[1]), e);
}

static int list(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct app_password *v;
	size_t count = 0;
	(void)o;
	(void)n;
	(void)e;
	int r = app_password_list(h->directory, &arena, str_from_c(words[0]), &v, &count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		char day[32];
		struct tm tm;
		time_t created = (time_t)v[i].created;
		strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&created, &tm));
		printf("%.*s\t%s\t%.*s\n", STR_ARG(v[i].label), day, STR_ARG(v[i].protocols.n ? v[i].protocols : STR("any")));
	}
	arena_fini(&arena);
	return r;
}

static const struct admin_verb verbs[] = {
	{ "add", 2, 5, 0, add },
	{ "del", 2, 2, 0, del },
	{ "list", 1, 1, 0, list },
	{ 0 },
};

int cli_app_password(int argc, char **argv)
{
	return admin_run("app-password", verbs, argc, argv);
}
