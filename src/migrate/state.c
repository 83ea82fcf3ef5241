#include "migrate/state_priv.h"

#include "base/array.h"
#include "migrate/limits.h"

#include <unistd.h>

/* ---- notes in memory ---- */

static size_t find(const struct state_folder *f, uint32_t uid)
{
	size_t low = 0, high = f->n;
	if (high && f->v[high - 1].uid < uid)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (f->v[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct note *state_get(const struct state_folder *f, uint32_t uid)
{
	size_t at = find(f, uid);
	return at < f->n && f->v[at].uid == uid ? &f->v[at] : NULL;
}

int state_add_note(struct state_folder *f, const struct note *note)
{
	size_t at = find(f, note->uid);
	if (at < f->n && f->v[at].uid == note->uid) {
		f->v[at] = *note;
		return 0;
	}
	if (f->n == MIGRATE_MESSAGES_MAX * 2u)
		return ERR_TOO_BIG;
	struct note *v = array_room(f->v, f->n, &f->cap, sizeof *v);
	if (!v)
		return ERR_NO_MEMORY;
	f->v = v;
	memmove(f->v + at + 1, f->v + at, (f->n - at) * sizeof *f->v);
	f->v[at] = *note;
	f->n++;
	if (note->uid > f->last_uid)
		f->last_uid = note->uid;
	return 0;
}

void state_remove_notes(struct state_folder *f, const uint32_t *uids, size_t n)
{
	size_t to = 0, k = 0;
	for (size_t i = 0; i < f->n; i++) {
		while (k < n && uids[k] < f->v[i].uid)
			k++;
		if (k == n || uids[k] != f->v[i].uid)
			f->v[to++] = f->v[i];
	}
	f->n = to;
}

/* ---- folders in memory ---- */

static void forget_all(struct state_folder *f)
{
	free(f->v);
	for (unsigned i = 0; i < f->n_keywords; i++)
		free(f->keywords[i]);
	map_destroy(&f->ids);
	f->v = NULL;
	f->n = f->cap = 0;
	f->n_keywords = 0;
	f->modseq = 0;
	f->uidnext = f->messages = 0;
	f->last_uid = 0;
}

static int new_folder(struct state *s, struct str wire, struct state_folder **out)
{
	if (s->n == MIGRATE_FOLDERS_MAX * 2u)
		return ERR_TOO_BIG;
	struct state_folder **more = realloc(s->v, (s->n + 1) * sizeof(struct state_folder *));
	struct state_folder *f = calloc(1, sizeof *f);
	if (more)
		s->v = more;
	if (!more || !f || !(f->wire = str_dup_c(wire)) || map_put(s->by_wire, wire, f)) {
		if (f)
			free(f->wire);
		free(f);
		return ERR_NO_MEMORY;
	}
	f->index = (uint32_t)s->n;
	s->v[s->n++] = f;
	*out = f;
	return 0;
}

int state_add_folder(struct state *s, uint32_t index, struct str wire, uint32_t uidvalidity, uint32_t target, struct state_folder **out)
{
	struct state_folder *f = index < s->n ? s->v[index] : NULL;
	int r = 0;
	if (f && !str_eq(wire, str_from_c(f->wire)))
		return ERR_CORRUPT;
	if (!f)
		r = index == s->n && wire.n && str_chr(wire, '\0') == STR_NPOS && !state_find(s, wire) ? new_folder(s, wire, &f) : ERR_CORRUPT;
	if (r)
		return r;
	forget_all(f);
	f->uidvalidity = uidvalidity;
	f->target = target;
	*out = f;
	return 0;
}

int state_add_keyword(struct state_folder *f, struct str name)
{
	if (f->n_keywords == KEYWORDS_MAX || name.n == 0 || name.n > KEYWORD_LENGTH_MAX || str_chr(name, '\0') != STR_NPOS)
		return ERR_CORRUPT;
	f->keywords[f->n_keywords] = str_dup_c(name);
	if (!f->keywords[f->n_keywords])
		return ERR_NO_MEMORY;
	f->n_keywords++;
	return 0;
}

int state_add_number(struct state_folder *f, struct str id, uint32_t uid)
{
	int r = f->ids ? 0 : map_create(&f->ids);
	if (r == 0)
		r = uid && id.n && id.n <= MIGRATE_NUMBERED_MAX ? map_put(f->ids, id, (void *)(uintptr_t)uid) : ERR_CORRUPT;
	if (r == 0 && uid > f->last_uid)
		f->last_uid = uid;
	return r;
}

void state_free_folders(struct state *s)
{
	for (size_t i = 0; i < s->n; i++) {
		forget_all(s->v[i]);
		free(s->v[i]->wire);
		free(s->v[i]);
	}
	free(s->v);
	s->v = NULL;
	s->n = 0;
	map_destroy(&s->by_wire);
}

size_t state_count(const struct state *s) { return s->n; }
struct state_folder *state_at(struct state *s, size_t i) { return s->v[i]; }
struct state_folder *state_find(struct state *s, struct str wire) { return map_get(s->by_wire, wire); }

/* ---- changes: first the file, then memory ---- */

static int no_memory(int r, struct err *e) { return r ? err_set(e, r, NULL, "what the import remembers: %s", err_text(r)) : 0; }

int state_begin(struct state *s, struct str wire, uint32_t uidvalidity, uint32_t target, struct state_folder **out, struct err *e)
{
	const struct state_folder *old = state_find(s, wire);
	uint32_t index = old ? old->index : (uint32_t)s->n;
	struct buf *b = state_record(s, STATE_FOLDER);
	buf_add_varint(b, index);
	buf_add_le32(b, uidvalidity);
	buf_add_le32(b, target);
	buf_add_str(b, wire);
	int r = state_write(s, e);
	return r ? r : no_memory(state_add_folder(s, index, wire, uidvalidity, target, out), e);
}

int state_keyword(struct state *s, struct state_folder *f, struct str name, uint64_t *bit_out, struct err *e)
{
	*bit_out = 0;
	for (unsigned i = 0; i < f->n_keywords; i++) {
		if (str_ieq(name, str_from_c(f->keywords[i]))) {
			*bit_out = (uint64_t)1 << (MESSAGE_KEYWORD_SHIFT + i);
			return 0;
		}
	}
	if (f->n_keywords == KEYWORDS_MAX || name.n == 0 || name.n > KEYWORD_LENGTH_MAX)
		return 0;
	struct buf *b = state_record(s, STATE_KEYWORD);
	buf_add_varint(b, f->index);
	buf_add_str(b, name);
	int r = state_write(s, e);
	if (r == 0)
		r = no_memory(state_add_keyword(f, name), e);
	if (r == 0)
		*bit_out = (uint64_t)1 << (MESSAGE_KEYWORD_SHIFT + f->n_keywords - 1);
	return r;
}

int state_note(struct state *s, struct state_folder *f, const struct note *notes, size_t n, struct err *e)
{
	int r = 0;
	for (size_t from = 0, part; r == 0 && from < n; from += part) {
		part = n - from < 4096 ? n - from : 4096;
		struct buf *b = state_record(s, STATE_NOTES);
		buf_add_varint(b, f->index);
		buf_add_varint(b, part);
		for (size_t i = from; i < from + part; i++) {
			buf_add_le32(b, notes[i].uid);
			buf_add_le32(b, notes[i].ours);
			buf_add_le64(b, notes[i].flags);
			buf_add_le64(b, notes[i].email);
		}
		r = state_write(s, e);
		for (size_t i = from; r == 0 && i < from + part; i++)
			r = no_memory(state_add_note(f, &notes[i]), e);
	}
	return r;
}

int state_forget(struct state *s, struct state_folder *f, const uint32_t *uids, size_t n, struct err *e)
{
	int r = 0;
	for (size_t from = 0, part; r == 0 && from < n; from += part) {
		part = n - from < 4096 ? n - from : 4096;
		struct buf *b = state_record(s, STATE_FORGOTTEN);
		buf_add_varint(b, f->index);
		buf_add_varint(b, part);
		for (size_t i = from; i < from + part; i++)
			buf_add_le32(b, uids[i]);
		r = state_write(s, e);
	}
	if (r == 0)
		state_remove_notes(f, uids, n);
	return r;
}

int state_complete(struct state *s, struct state_folder *f, uint64_t modseq, uint32_t uidnext, uint32_t messages, struct err *e)
{
	if (f->modseq == modseq && f->uidnext == uidnext && f->messages == messages)
		return 0;
	struct buf *b = state_record(s, STATE_DONE);
	buf_add_varint(b, f->index);
	buf_add_le64(b, modseq);
	buf_add_le32(b, uidnext);
	buf_add_le32(b, messages);
	int r = state_write(s, e);
	if (r == 0) {
		f->modseq = modseq;
		f->uidnext = uidnext;
		f->messages = messages;
	}
	return r;
}

int state_number(struct state *s, struct state_folder *f, struct str id, uint32_t *uid_out, struct err *e)
{
	uintptr_t known = f->ids ? (uintptr_t)map_get(f->ids, id) : 0;
	*uid_out = known ? (uint32_t)known : f->last_uid + 1;
	if (known)
		return 0;
	struct buf *b = state_record(s, STATE_NUMBER);
	buf_add_varint(b, f->index);
	buf_add_le32(b, *uid_out);
	buf_add_str(b, id);
	int r = state_write(s, e);
	return r ? r : no_memory(state_add_number(f, id, *uid_out), e);
}
