/* Every ceiling of codec/imap. What is over one is a syntax error of that command (BAD); the session lives on. How long
 * a whole command may be is the session's business (proto/imap/limits.h). */
#ifndef CODEC_IMAP_LIMITS_H
#define CODEC_IMAP_LIMITS_H

#define IMAP_TAG_MAX 128                  /* bytes */
#define IMAP_FLAGS_MAX 100                /* keywords of one flag list */
#define IMAP_SEQSET_RANGES_MAX 50000      /* ranges of one sequence set as written, RFC 2683 3.2.1.5 */
#define IMAP_FETCH_SECTIONS_MAX 200       /* BODY[...] items of one FETCH */
#define IMAP_SECTION_PATH_MAX 52          /* numbers of one part path; deeper parts do not exist (MIME_DEPTH_MAX) */
#define IMAP_SECTION_FIELDS_MAX 500       /* names of one HEADER.FIELDS list */
#define IMAP_SEARCH_DEPTH_MAX 50          /* parentheses, NOT and OR in each other */
#define IMAP_SEARCH_KEYS_MAX 2000         /* keys of one SEARCH, all levels together */
#define IMAP_SEARCH_TEXT_MAX 4096         /* bytes of one search string as UTF-8 */
#define IMAP_SEARCH_FILTERS_DEPTH_MAX 10  /* filters that lead to filters; RFC 5466 3.1 wants 3 */
#define IMAP_SEARCH_SCOPES_MAX 100        /* kinds of mailboxes of one ESEARCH IN (...) */
#define IMAP_SEARCH_NAMES_MAX 1000        /* mailboxes that one ESEARCH names */
#define IMAP_SORT_CRITERIA_MAX 16         /* of one SORT; there are nine */
#define IMAP_OBJECT_ID_MAX 255                /* octets of an object identifier (RFC 8474 7) */
#define IMAP_URLS_MAX 100                 /* URLs of one URLFETCH or GENURLAUTH */
#define IMAP_LANGUAGES_MAX 100            /* ranges of one LANGUAGE */
#define IMAP_ID_PAIRS_MAX 30              /* RFC 2971 3.3 */
#define IMAP_ID_NAME_MAX 30               /* bytes */
#define IMAP_ID_VALUE_MAX 1024            /* bytes */
#define IMAP_LIST_PATTERN_MAX 4000        /* bytes of one LIST pattern, as sent, and of all with wildcards in one LIST */
#define IMAP_LIST_NAME_MAX 4000           /* bytes of a mailbox name that can match */
#define IMAP_LIST_WILDCARDS_MAX 64        /* wildcards of one LIST pattern */
#define IMAP_LIST_PATTERNS_MAX 256        /* patterns of one LIST (RFC 5258) */
#define IMAP_METADATA_NAME_MAX 250        /* bytes of an annotation's entry name; the model's limit is the same */
#define IMAP_METADATA_ENTRIES_MAX 100     /* entries of one GETMETADATA, SETMETADATA or LIST */

#define IMAP_NOTIFY_GROUPS_MAX 50         /* event groups of one NOTIFY */
#define IMAP_NOTIFY_NAMES_MAX 1000        /* mailboxes named in one NOTIFY, all groups together */

#endif
