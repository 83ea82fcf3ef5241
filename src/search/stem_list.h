/* FTS5's view of a list of stems parted by spaces: the tokenizer "stems". For shelf.c. */
#ifndef SEARCH_STEM_LIST_H
#define SEARCH_STEM_LIST_H

struct sqlite3;
/* Makes it known to this connection; a result code of SQLite. */
int stem_list_tokenizer(struct sqlite3 *db);

#endif
