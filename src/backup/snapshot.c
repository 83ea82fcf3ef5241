#include "backup/repository_priv.h"
#include "base/clock.h"
#include "base/num.h"

#include <stdlib.h>

#define STAMP_SIZE 16                             /* "20261126T150405Z" */

/* ---- ids ---- */

/* "20261126T150405Z" is number 1, "20261126T150405Z-2" number 2; 0: no id. */
static uint32_t id_number(const char *id)
{
	static const char shape[] = "ddddddddTddddddZ";
	struct str s = str_from_c(id);
	uint32_t n;
	if (s.n < STAMP_SIZE || s.n >= SNAPSHOT_ID_MAX)
		return 0;
	for (size_t i = 0; i < STAMP_SIZE; i++)
		if (shape[i] == 'd' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != shape[i])
			return 0;
	if (s.n == STAMP_SIZE)
		return 1;
	struct str rest = str_from(s, STAMP_SIZE + 1);
	return s.p[STAMP_SIZE] == '-' && rest.n < 10 && rest.n > 0 && rest.p[0] != '0' && num_parse_u32(rest, &n) && n > 1 ? n : 0;
}

static int id_cmp(const void *a, const void *b)
{
	int c = memcmp(a, b, STAMP_SIZE);
	uint32_t x = id_number(a), y = id_number(b);
	return c ? c : x < y ? -1 : x > y;
}

static void id_format(int64_t now, char out[SNAPSHOT_ID_MAX])
{
	struct civil t = civil_from_unix(now);
	snprintf(out, SNAPSHOT_ID_MAX, "%04d%02d%02dT%02d%02d%02dZ", t.year % 10000, t.month, t.day, t.hour, t.minute, t.second);
}

/* ---- the list ---- */

void snapshot_list_fini(struct snapshot_list *l)
{
	free(l->ids);
	*l = (struct snapshot_list){ 0 };
}

static int list_add(void *arg, const char *id)
{
	struct snapshot_list *l = arg;
	if (!id_number(id))
		return 0;
	if (l->n == SNAPSHOTS_MAX)
		return ERR_TOO_BIG;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		void *ids = realloc(l->ids, cap * sizeof(*l->ids));
		if (!ids)
			return ERR_NO_MEMORY;
		l->ids = ids;
		l->cap = cap;
	}
	str_copy_c(l->ids[l->n++], SNAPSHOT_ID_MAX, str_from_c(id));
	return 0;
}

int snapshot_list_load(struct repository *r, struct snapshot_list *out)
{
	*out = (struct snapshot_list){ 0 };
	int e = folder_list(r->dir_fd, SNAPSHOT_FOLDER, list_add, out);
	if (e)
		snapshot_list_fini(out);
	else if (out->n > 0)
		qsort(out->ids, out->n, sizeof(*out->ids), id_cmp);
	return e;
}

/* ---- the contract ---- */

/* Ids ascend in the order in which snapshots are made, also after the clock was set back: the newest is what restores take, and what pruning keeps. */
static void next_id(const struct snapshot_list *l, int64_t now, char out[SNAPSHOT_ID_MAX])
{
	const char *last = l->n ? l->ids[l->n - 1] : NULL;
	id_format(now, out);
	if (last && memcmp(last, out, STAMP_SIZE) >= 0)
		snprintf(out, SNAPSHOT_ID_MAX, "%.*s-%u", STAMP_SIZE, last, id_number(last) + 1);
}

int repository_snapshot_put(struct repository *r, int64_t now, struct str bytes, char id_out[SNAPSHOT_ID_MAX])
{
	struct snapshot_list list;
	int e = repository_flush(r);
	if (e == 0)
		e = snapshot_list_load(r, &list);
	if (e)
		return e;
	next_id(&list, now, id_out);
	if (list.n == SNAPSHOTS_MAX)
		e = ERR_TOO_BIG;
	snapshot_list_fini(&list);
	return e ? e : sealed_file_put(r, FILE_SNAPSHOT, id_out, bytes);
}

int repository_snapshot_get(struct repository *r, const char *id, struct buf *out)
{
	if (id[0] == '\0' || strcmp(id, "latest") == 0) {
		struct snapshot_list list;
		int e = snapshot_list_load(r, &list);
		if (e == 0)
			e = list.n > 0 ? sealed_file_get(r, FILE_SNAPSHOT, list.ids[list.n - 1], out) : ERR_NOT_FOUND;
		snapshot_list_fini(&list);
		return e;
	}
	return id_number(id) ? sealed_file_get(r, FILE_SNAPSHOT, id, out) : ERR_NOT_FOUND;
}

int repository_snapshots(struct repository *r, int (*fn)(void *arg, const char *id), void *arg)
{
	struct snapshot_list list;
	int e = snapshot_list_load(r, &list);
	for (size_t i = 0; i < list.n && e == 0; i++)
		e = fn(arg, list.ids[i]);
	snapshot_list_fini(&list);
	return e;
}

static bool note_name_fits(const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < n; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '-'))
			return false;
	return n > 0 && n <= NOTE_NAME_MAX;
}

int repository_note_put(struct repository *r, const char *name, struct str bytes)
{
	if (!note_name_fits(name))
		return ERR_INVALID;
	int e = repository_may_write(r);
	return e ? e : sealed_file_put(r, FILE_NOTE, name, bytes);
}

int repository_note_get(struct repository *r, const char *name, struct buf *out)
{
	return note_name_fits(name) ? sealed_file_get(r, FILE_NOTE, name, out) : ERR_INVALID;
}

struct note_visit {
	int (*fn)(void *arg, const char *name);
	void *arg;
};

static int note_visit(void *arg, const char *name)
{
	struct note_visit *v = arg;
	return note_name_fits(name) ? v->fn(v->arg, name) : 0;
}

int notes_list(struct repository *r, int (*fn)(void *arg, const char *name), void *arg)
{
	return folder_list(r->dir_fd, NOTE_FOLDER, note_visit, &(struct note_visit){ fn, arg });
}
