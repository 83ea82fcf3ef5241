/* What `troika import` from a live account may be told. Apart from options.h: nearly all of it means nothing to other subcommands. */
#ifndef CLI_IMPORT_OPTIONS_H
#define CLI_IMPORT_OPTIONS_H

#include "base/str.h"
#include "migrate/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMPORT_RULES_MAX 256              /* of each kind */

struct import_options {
	const char *dir, *user, *password_file, *token_file, *authuser, *accounts, *ca_file;
	uint8_t fingerprint[32];
	bool has_fingerprint, insecure, dry_run, remove, ignore_quota;
	unsigned jobs, connections, retries;
	uint64_t timeout_ms;
	struct names_map map[IMPORT_RULES_MAX];
	struct str only[IMPORT_RULES_MAX], exclude[IMPORT_RULES_MAX];
	size_t n_map, n_only, n_exclude;
	const char *source;                   /* the one word; NULL: none */
};
/* 0, or CLI_USAGE after saying what is wrong. Strings are those of argv. */
int import_options_parse(int argc, char **argv, struct import_options *out);
/* Does this command line name a live account? */
bool import_options_are_live(int argc, char **argv);

#endif
