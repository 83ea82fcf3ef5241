#include "tests/crash/disk.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512u
#define PAGE 4096u
#define GARBAGE 0xb7                       /* what stands in a block that was given to a file and never written */

enum choice { LOST, KEPT, TORN, SIZE_ONLY };

struct op {
	const struct disk_record *r;
	struct object *named;                  /* of an operation on a directory */
	bool must;                             /* durable; waits only for those in front of it */
	bool doomed;                           /* its sync failed: the kernel will not write it again, so no later sync makes it durable */
	enum choice choice;
	uint64_t sectors;                      /* of a torn one: seed of which are there */
};

struct name {
	char text[64];
	struct object *object;
};

struct object {
	uint64_t number;
	bool directory;
	uint8_t *bytes;                        /* what is durable of a file; cap bytes, zeros from size on */
	size_t size, cap;
	struct name *names;                    /* what is durable of a directory */
	size_t n_names, cap_names;
	struct op *ops;                        /* what is not, in order */
	size_t n_ops, cap_ops;
};

struct sync_under_way {
	uint32_t thread;
	uint64_t object;
	const struct disk_record *begin;
};

struct disk {
	enum disk_lie lie;
	struct object **objects;
	size_t n_objects, cap_objects;
	struct object *root;
	struct sync_under_way syncs[256];
	size_t n_syncs;
	struct op **under_way;                 /* of disk_choose, in the order of the record */
	size_t n_under_way, cap_under_way;
};

const char *const disk_fate_names[FATES] = {
	"all lost", "all kept", "last lost", "last kept", "one lost", "one kept", "last torn", "one torn", "a prefix", "a suffix", "any", "any, torn", "sizes only",
};

uint64_t dice_throw(uint64_t *dice)
{
	uint64_t x = *dice += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static void *grow(void *list, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return list;
	*cap = *cap ? *cap * 2 : 16;
	list = realloc(list, *cap * size);
	if (!list)
		power_die("no memory");
	return list;
}

/* ---- objects ---- */

static struct object *object_find(const struct disk *d, uint64_t number)
{
	for (size_t i = d->n_objects; i-- > 0;) {
		if (d->objects[i]->number == number)
			return d->objects[i];
	}
	return NULL;
}

/* A number that comes again is another object: its file system gave it out anew. */
static struct object *object_make(struct disk *d, uint64_t number, bool directory)
{
	struct object *o = calloc(1, sizeof *o);
	if (!o)
		power_die("no memory");
	o->number = number;
	o->directory = directory;
	d->objects = grow(d->objects, d->n_objects, &d->cap_objects, sizeof(struct object *));
	d->objects[d->n_objects++] = o;
	return o;
}

struct disk *disk_create(const struct disk_record *first, enum disk_lie lie)
{
	struct disk *d = calloc(1, sizeof *d);
	if (!d || first->kind != RECORD_MADE || first->dir)
		power_die("no record");
	d->lie = lie;
	d->root = object_make(d, first->object, true);
	return d;
}

void disk_destroy(struct disk **disk)
{
	struct disk *d = *disk;
	*disk = NULL;
	for (size_t i = 0; d && i < d->n_objects; i++) {
		free(d->objects[i]->bytes);
		free(d->objects[i]->names);
		free(d->objects[i]->ops);
		free(d->objects[i]);
	}
	if (d) {
		free(d->objects);
		free(d->under_way);
	}
	free(d);
}

/* ---- applying operations ---- */

static const char *payload_of(const struct disk_record *r) { return (const char *)(r + 1); }

static void set_size(struct object *o, size_t size)
{
	if (size < o->size)
		memset(o->bytes + size, 0, o->size - size);
	if (size > o->cap) {
		size_t cap = (size + PAGE * 64) / (PAGE * 64) * PAGE * 64;
		o->bytes = realloc(o->bytes, cap);
		if (!o->bytes)
			power_die("no memory");
		memset(o->bytes + o->cap, 0, cap - o->cap);
		o->cap = cap;
	}
	o->size = size;
}

static void copy_in(struct object *o, const struct disk_record *r, uint64_t at, size_t n)
{
	if (o->size < at + n)
		set_size(o, at + n);
	if (r->flags & FLAG_ZEROS)
		memset(o->bytes + at, 0, n);
	else
		memcpy(o->bytes + at, payload_of(r) + (at - r->at), n);
}

/* Some sectors of it; the first or the last one more often than others is the border. */
static void tear(struct object *o, const struct op *op)
{
	const struct disk_record *r = op->r;
	uint64_t dice = op->sectors, end = r->at + r->size, unit = dice_throw(&dice) % 3 ? SECTOR : PAGE;
	uint64_t first = r->at / unit, n = (end + unit - 1) / unit - first, style = dice_throw(&dice) % 3, border = dice_throw(&dice) % n;
	if (dice_throw(&dice) % 2 && o->size < end)
		set_size(o, end);
	for (uint64_t i = 0; i < n; i++) {
		bool there = style == 0 ? i <= border : style == 1 ? i >= border : dice_throw(&dice) % 2;
		uint64_t from = (first + i) * unit, to = from + unit;
		from = from < r->at ? r->at : from;
		to = to > end ? end : to;
		if (there)
			copy_in(o, r, from, (size_t)(to - from));
	}
}

static void apply_bytes(struct object *o, const struct op *op, enum choice choice)
{
	const struct disk_record *r = op->r;
	if (choice == LOST)
		return;
	if (r->kind == RECORD_SIZE) {
		set_size(o, (size_t)r->size);
	} else if (choice == KEPT) {
		copy_in(o, r, r->at, (size_t)r->size);
	} else if (choice == TORN) {
		tear(o, op);
	} else if (o->size < r->at + r->size) {
		/* The length came to the disk, the bytes did not: whatever the blocks held before. */
		size_t was = o->size;
		set_size(o, (size_t)(r->at + r->size));
		if (op->sectors % 2)
			memset(o->bytes + was, GARBAGE, o->size - was);
	}
}

static struct name *name_find(struct object *dir, const char *text)
{
	for (size_t i = 0; i < dir->n_names; i++) {
		if (strcmp(dir->names[i].text, text) == 0)
			return &dir->names[i];
	}
	return NULL;
}

static void name_set(struct object *dir, const char *text, struct object *to)
{
	struct name *n = name_find(dir, text);
	if (!n) {
		dir->names = grow(dir->names, dir->n_names, &dir->cap_names, sizeof *dir->names);
		n = &dir->names[dir->n_names++];
		if (snprintf(n->text, sizeof n->text, "%s", text) >= (int)sizeof n->text)
			power_die("a name is too long: %s", text);
	}
	n->object = to;
}

static void name_drop(struct object *dir, const char *text)
{
	struct name *n = name_find(dir, text);
	if (n)
		*n = dir->names[--dir->n_names];
}

static void apply_name(struct object *dir, const struct op *op)
{
	const struct disk_record *r = op->r;
	char text[2 * 256] = "";
	memcpy(text, payload_of(r), r->n < sizeof text ? r->n : sizeof text - 1);
	if (r->kind == RECORD_GONE) {
		name_drop(dir, text);
	} else if (r->kind == RECORD_MOVED) {
		name_drop(dir, text);
		name_set(dir, text + strlen(text) + 1, op->named);
	} else {
		name_set(dir, text, op->named);
	}
}

/* What is durable and has nothing in front of it becomes the ground that the rest stands on. */
static void settle(struct object *o)
{
	size_t n = 0;
	while (n < o->n_ops && o->ops[n].must) {
		if (o->directory)
			apply_name(o, &o->ops[n]);
		else
			apply_bytes(o, &o->ops[n], KEPT);
		n++;
	}
	if (n > 0)
		memmove(o->ops, o->ops + n, (o->n_ops - n) * sizeof *o->ops);
	o->n_ops -= n;
}

/* ---- playing ---- */

static struct object *object_of(const struct disk *d, uint64_t number)
{
	struct object *o = object_find(d, number);
	if (!o)
		power_die("the record names object %llu, which it did not make", (unsigned long long)number);
	return o;
}

static void add_op(struct object *o, const struct disk_record *r, struct object *named)
{
	o->ops = grow(o->ops, o->n_ops, &o->cap_ops, sizeof *o->ops);
	o->ops[o->n_ops++] = (struct op){ .r = r, .named = named };
}

static void sync_begin(struct disk *d, const struct disk_record *r)
{
	/* Those of a process that was killed never end. */
	if (d->n_syncs == sizeof d->syncs / sizeof d->syncs[0])
		memmove(d->syncs, d->syncs + 1, --d->n_syncs * sizeof d->syncs[0]);
	d->syncs[d->n_syncs++] = (struct sync_under_way){ .thread = r->thread, .object = r->object, .begin = r };
}

static void sync_end(struct disk *d, const struct disk_record *r)
{
	for (size_t i = d->n_syncs; i-- > 0;) {
		struct sync_under_way s = d->syncs[i];
		if (s.thread != r->thread || s.object != r->object)
			continue;
		d->syncs[i] = d->syncs[--d->n_syncs];
		struct object *o = object_of(d, r->object);
		if (d->lie == (o->directory ? LIE_NAMES : LIE_DATA))
			return;
		for (size_t k = 0; k < o->n_ops && o->ops[k].r < s.begin; k++) {
			if (r->flags & FLAG_FAILED)
				o->ops[k].doomed = !o->ops[k].must && !o->directory;
			else if (!o->ops[k].doomed)
				o->ops[k].must = true;
		}
		settle(o);
		return;
	}
	power_die("a sync ended that had not begun");
}

static void dsync(const struct disk *d, const struct disk_record *r)
{
	struct object *o = object_of(d, r->object);
	if (d->lie == LIE_DSYNC || o->n_ops == 0)
		return;
	struct op *op = &o->ops[o->n_ops - 1];
	op->must = !(r->flags & FLAG_FAILED);
	op->doomed = !op->must;
	settle(o);
}

bool disk_play(struct disk *d, const struct disk_record *r)
{
	switch ((enum record_kind)r->kind) {
	case RECORD_MADE:
		add_op(object_of(d, r->dir), r, object_make(d, r->object, (r->flags & FLAG_DIRECTORY) != 0));
		return true;
	case RECORD_GONE: add_op(object_of(d, r->dir), r, NULL); return true;
	case RECORD_MOVED: add_op(object_of(d, r->dir), r, object_of(d, r->object)); return true;
	case RECORD_WRITE:
	case RECORD_SIZE: add_op(object_of(d, r->object), r, NULL); return true;
	case RECORD_SYNC_BEGIN: sync_begin(d, r); return true;
	case RECORD_SYNC_END: sync_end(d, r); return true;
	case RECORD_DSYNC: dsync(d, r); return true;
	case RECORD_MARK: return true;
	case RECORD_UNSEEN: return false;
	}
	return false;
}

size_t disk_pending(const struct disk *d)
{
	size_t n = 0;
	for (size_t i = 0; i < d->n_objects; i++) {
		for (size_t k = 0; k < d->objects[i]->n_ops; k++)
			n += !d->objects[i]->ops[k].must;
	}
	return n;
}

/* ---- choosing ---- */

static int by_record(const void *a, const void *b)
{
	const struct op *const *x = a, *const *y = b;
	return (*x)->r < (*y)->r ? -1 : (*x)->r > (*y)->r;
}

static void collect(struct disk *d)
{
	d->n_under_way = 0;
	for (size_t i = 0; i < d->n_objects; i++) {
		for (size_t k = 0; k < d->objects[i]->n_ops; k++) {
			struct op *op = &d->objects[i]->ops[k];
			op->choice = KEPT;
			if (op->must)
				continue;
			d->under_way = grow(d->under_way, d->n_under_way, &d->cap_under_way, sizeof(struct op *));
			d->under_way[d->n_under_way++] = op;
		}
	}
	if (d->n_under_way)
		qsort(d->under_way, d->n_under_way, sizeof(struct op *), by_record);
}

/* Only the bytes of a write that spans sectors can be torn. */
static enum choice torn_or(const struct op *op, enum choice otherwise)
{
	const struct disk_record *r = op->r;
	return r->kind == RECORD_WRITE && r->at / SECTOR != (r->at + r->size - 1) / SECTOR ? TORN : otherwise;
}

static enum choice choose_one(const struct op *op, enum disk_fate fate, size_t i, size_t n, size_t pick, uint64_t *dice)
{
	bool last = i + 1 == n, coin = dice_throw(dice) % 2;
	switch (fate) {
	case FATE_ALL_LOST: return LOST;
	case FATE_ALL_KEPT: return KEPT;
	case FATE_LAST_LOST: return last ? LOST : KEPT;
	case FATE_LAST_KEPT: return last ? KEPT : LOST;
	case FATE_ONE_LOST: return i == pick ? LOST : KEPT;
	case FATE_ONE_KEPT: return i == pick ? KEPT : LOST;
	case FATE_LAST_TORN: return last ? torn_or(op, LOST) : KEPT;
	case FATE_ONE_TORN: return i == pick ? torn_or(op, LOST) : KEPT;
	case FATE_PREFIX: return i < pick ? KEPT : i == pick ? torn_or(op, LOST) : LOST;
	case FATE_SUFFIX: return i > pick ? KEPT : i == pick ? torn_or(op, KEPT) : LOST;
	case FATE_ANY: return coin ? KEPT : LOST;
	case FATE_ANY_TORN: return dice_throw(dice) % 3 ? torn_or(op, coin ? KEPT : LOST) : coin ? KEPT : LOST;
	case FATE_SIZES_ONLY: return op->r->kind == RECORD_WRITE ? SIZE_ONLY : KEPT;
	case FATES: break;
	}
	return LOST;
}

struct disk_state disk_choose(struct disk *d, enum disk_fate fate, uint64_t *dice)
{
	struct disk_state s = { .digest = 0 };
	collect(d);
	size_t n = d->n_under_way, pick = n ? dice_throw(dice) % n : 0;
	uint64_t digest = n;
	for (size_t i = 0; i < n; i++) {
		struct op *op = d->under_way[i];
		op->choice = choose_one(op, fate, i, n, pick, dice);
		op->sectors = dice_throw(dice);
		s.lost += op->choice == LOST || op->choice == SIZE_ONLY;
		s.kept += op->choice == KEPT;
		s.torn += op->choice == TORN;
		digest = digest * 31 + (uint64_t)op->choice + (op->choice == TORN || op->choice == SIZE_ONLY ? op->sectors : 0);
		s.digest = dice_throw(&digest);
	}
	return s;
}

/* ---- writing out ---- */

static void write_file(const struct object *o, const char *path)
{
	static const uint8_t zeros[PAGE];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)o->size) < 0)
		power_die("cannot make %s: %s", path, strerror(errno));
	for (size_t at = 0; at < o->size;) {
		size_t n = o->size - at < PAGE ? o->size - at : PAGE;
		size_t run = 0;
		while (at + run < o->size && memcmp(o->bytes + at + run, zeros, n)) {
			run += n;
			n = o->size - at - run < PAGE ? o->size - at - run : PAGE;
		}
		if (run > 0 && pwrite(fd, o->bytes + at, run, (off_t)at) != (ssize_t)run)
			power_die("cannot write %s: %s", path, strerror(errno));
		at += run ? run : n;
	}
	close(fd);
}

static void write_file_as_chosen(const struct object *o, const char *path)
{
	if (o->n_ops == 0) {
		write_file(o, path);
		return;
	}
	struct object copy = { .number = o->number };
	set_size(&copy, o->size);
	if (o->size)
		memcpy(copy.bytes, o->bytes, o->size);
	for (size_t i = 0; i < o->n_ops; i++)
		apply_bytes(&copy, &o->ops[i], o->ops[i].choice);
	write_file(&copy, path);
	free(copy.bytes);
}

static void write_directory(const struct object *o, const char *path)
{
	if (mkdir(path, 0700) < 0)
		power_die("cannot make %s: %s", path, strerror(errno));
	struct object copy = { .number = o->number, .directory = true };
	for (size_t i = 0; i < o->n_names; i++)
		name_set(&copy, o->names[i].text, o->names[i].object);
	for (size_t i = 0; i < o->n_ops; i++) {
		if (o->ops[i].choice != LOST)
			apply_name(&copy, &o->ops[i]);
	}
	for (size_t i = 0; i < copy.n_names; i++) {
		char below[4096];
		if (snprintf(below, sizeof below, "%s/%s", path, copy.names[i].text) >= (int)sizeof below)
			power_die("%s is too long", path);
		if (copy.names[i].object->directory)
			write_directory(copy.names[i].object, below);
		else
			write_file_as_chosen(copy.names[i].object, below);
	}
	free(copy.names);
}

void disk_write_out(struct disk *d, const char *path) { write_directory(d->root, path); }
