#include "search/stem_list.h"

#include <sqlite3.h>
#include <string.h>

static int tokenizer_create(void *ctx, const char **args, int n, Fts5Tokenizer **out)
{
	(void)ctx, (void)args, (void)n;
	static char it[1];
	*out = (Fts5Tokenizer *)(void *)it;
	return SQLITE_OK;
}

static void tokenizer_delete(Fts5Tokenizer *t) { (void)t; }

static int tokenize(Fts5Tokenizer *t, void *ctx, int flags, const char *text, int n, int (*give)(void *, int, const char *, int, int, int))
{
	(void)t, (void)flags;
	for (int at = 0; at < n;) {
		const char *space = memchr(text + at, ' ', (size_t)(n - at));
		int end = space ? (int)(space - text) : n;
		int r = end > at ? give(ctx, 0, text + at, end - at, at, end) : SQLITE_OK;
		if (r != SQLITE_OK)
			return r;
		at = end + 1;
	}
	return SQLITE_OK;
}

int stem_list_tokenizer(struct sqlite3 *db)
{
	static fts5_tokenizer tokenizer = { tokenizer_create, tokenizer_delete, tokenize };
	fts5_api *api = NULL;
	sqlite3_stmt *s = NULL;
	int r = sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &s, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_bind_pointer(s, 1, &api, "fts5_api_ptr", NULL);
	if (r == SQLITE_OK)
		sqlite3_step(s);
	sqlite3_finalize(s);
	return r == SQLITE_OK && api ? api->xCreateTokenizer(api, "stems", NULL, &tokenizer, NULL) : SQLITE_ERROR;
}
