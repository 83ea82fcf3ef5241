/* The struct behind state.h, for state*.c only. */
#ifndef MIGRATE_STATE_PRIV_H
#define MIGRATE_STATE_PRIV_H

#include "base/buf.h"
#include "migrate/state.h"

#define STATE_MAGIC "Troika import 1\n"
#define STATE_HEADER 8                    /* of a record: le32 length of what follows the header, le32 CRC-32C of it */

enum state_record {
	STATE_SOURCE = 'S', STATE_FOLDER = 'F', STATE_KEYWORD = 'K', STATE_NOTES = 'N', STATE_FORGOTTEN = 'D', STATE_DONE = 'C', STATE_NUMBER = 'U',
};

struct state {
	char path[4096];
	int fd;
	struct state_folder **v;
	size_t n;
	struct map *by_wire;
	struct buf record;
	uint64_t size;                    /* of the file */
	bool dirty;
};

/* ---- memory (state.c): what a record means ---- */
int state_add_folder(struct state *s, uint32_t index, struct str wire, uint32_t uidvalidity, uint32_t target, struct state_folder **out);
int state_add_keyword(struct state_folder *f, struct str name);
int state_add_note(struct state_folder *f, const struct note *note);
void state_remove_notes(struct state_folder *f, const uint32_t *uids, size_t n);
int state_add_number(struct state_folder *f, struct str id, uint32_t uid);
void state_free_folders(struct state *s);

/* ---- file (state_file.c) ---- */
int state_file_load(struct state *s, struct str source, bool *damaged_out, struct err *e);
/* Begins a record in s->record; state_write ends it and writes. */
struct buf *state_record(struct state *s, enum state_record kind);
int state_write(struct state *s, struct err *e);
/* One record, header and all, to the end of out: the whole of the state for a new file. */
int state_write_anew(struct state *s, struct str source, struct err *e);
/* For the fuzzer: applies what stands in a file behind its magic; how many octets of it are good. */
size_t state_file_replay(struct state *s, struct str file, int *r_out);

#endif
