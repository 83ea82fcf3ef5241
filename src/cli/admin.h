/* What user, domain and alias share: a verb, an open house, one answer. Private to cli/. */
#ifndef CLI_ADMIN_H
#define CLI_ADMIN_H

#include "cli/command.h"
#include "cli/options.h"

struct admin_verb {
	const char *verb;
	unsigned words_min, words_max;       /* behind the verb */
	unsigned allowed;                    /* option_bits */
	int (*run)(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e);     /* err.h code */
};

/* Finds the verb, parses, opens the house (as its owner), runs, closes, reports. All but what only looks ("list", "show", "stats", ...) is put into the
 * audit trail as "NAME.VERB", with the words of the command line: no secret is ever one. verbs end with verb == NULL. */
int admin_run(const char *name, const struct admin_verb *verbs, int argc, char **argv);

/* For commands that do not come through admin_run: puts an act into the audit trail of an open data directory. object, detail: may be NULL. */
void admin_told(const char *dir, const char *what, const char *object, const char *detail, int result);

/* Tells on standard error of records that a list had to leave out. 0: none, or an error for admin_run to end with. what: "users". */
int admin_left_out(const struct directory_damaged *damaged, const char *what, struct err *e);

#endif
