/* Pages of files stay in the kernel's cache whether we map them or not; while mapped they count as this process's memory, which would grow with
 * all that was ever read. So those of the index and of the segments are let go of from time to time; one that is needed again comes back from
 * the cache with its neighbours, for a soft fault. */
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/lmdb_store.h"

#include <sys/mman.h>

/* LMDB does not tell where its map is, but the kernel does: "55d0-55e0 r--s 00000000 fe:01 1234   /path". */
static bool parse_line(char *line, const char *path, uintptr_t *from_out, uintptr_t *to_out)
{
	char *at = strchr(line, '/');
	if (!at || strcspn(at, "\n") != strlen(path) || strncmp(at, path, strlen(path)) != 0)
		return false;
	*from_out = strtoull(line, &at, 16);
	*to_out = *at == '-' ? strtoull(at + 1, &at, 16) : 0;
	return *from_out < *to_out;
}

void resident_find_index(struct lmdb_store *s)
{
	size_t room = 0;
	char *line = NULL, *dir = realpath(s->index_path, NULL), path[8192] = "";
	FILE *maps = dir ? fopen("/proc/self/maps", "re") : NULL;
	uintptr_t from, to;
	s->index_map = NULL;
	if (dir)
		snprintf(path, sizeof path, "%s/data.mdb", dir);
	while (maps && getline(&line, &room, maps) > 0) {
		if (!parse_line(line, path, &from, &to))
			continue;
		s->index_map = (void *)from;
		s->index_mapped = to - from;
		break;
	}
	if (maps && fclose(maps))
		s->index_map = NULL;
	free(line);
	free(dir);
}

/* While a read is active the index is not closed. */
static bool hold_index(struct lmdb_store *s)
{
	pthread_mutex_lock(&s->reads_lock);
	bool open = s->env && !s->broken && s->index_map;
	s->active_reads += open;
	pthread_mutex_unlock(&s->reads_lock);
	return open;
}

void resident_trim(struct lmdb_store *s)
{
	segment_maps_trim(s->blobs->maps);
	if (!hold_index(s))
		return;
	MDB_envinfo info;
	MDB_stat stat;
	mdb_env_info(s->env, &info);
	mdb_env_stat(s->env, &stat);
	size_t used = (info.me_last_pgno + 1) * stat.ms_psize;
	/* when the advice is not taken the pages stay */
	(void)madvise(s->index_map, used < s->index_mapped ? used : s->index_mapped, MADV_DONTNEED);
	pthread_mutex_lock(&s->reads_lock);
	s->active_reads--;
	pthread_mutex_unlock(&s->reads_lock);
}
