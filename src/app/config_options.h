/* The options as data: parsing, defaults, the sample file and the manual are made from one table. Private to app/. */
#ifndef APP_CONFIG_OPTIONS_H
#define APP_CONFIG_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

struct cfg_t;

enum option_kind {
	OPTION_TEXT,         /* const char *, NULL when empty */
	OPTION_STR,          /* struct str */
	OPTION_SIZE,         /* uint64_t, bytes */
	OPTION_DURATION,     /* uint64_t, milliseconds */
	OPTION_NUMBER,       /* unsigned */
	OPTION_BOOL,
	OPTION_CHAR,
	OPTION_NETWORKS,     /* struct str: for network_list_has */
	OPTION_LIST,         /* struct option_list; { "one", "two" } */
	OPTION_WORD,         /* an enum (int) by its place in `words` */
};

struct config_option {
	const char *section; /* "" at the top */
	const char *name;
	enum option_kind kind;
	size_t offset;       /* in struct app_config */
	const char *fallback;     /* the default as it would be written */
	uint64_t least, most;
	const char *const *words;
	const char *help;    /* one line: what it is and what may be given */
};

extern const struct config_option config_options[];       /* ends with name == NULL */
extern const char *const config_sections[];               /* sections with plain options; ends with NULL */
/* A fresh libConfuse parser; NULL when out of memory. The caller frees with cfg_free. */
struct cfg_t *config_schema(void);

#endif
