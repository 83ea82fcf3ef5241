/* Ceilings of the reports: most of what they count comes from strangers. */
#ifndef REPORT_LIMITS_H
#define REPORT_LIMITS_H

#include <stddef.h>

#define TALLY_ROWS_MAX 100000          /* different rows in memory; beyond: not counted until the next flush */
#define TALLY_DOMAIN_ROWS_MAX 10000    /* different rows of one domain and day; beyond: not counted */
#define TALLY_COMMIT_ROWS 1000         /* merged into the store by one commit */
#define TALLY_ROW_MAX ((size_t)4096)   /* bytes of one row */
#define REPORT_DOMAINS_MAX 100000      /* reports of one run */
#define REPORT_TARGETS_MAX 10          /* addresses that one report is sent to */
#define REPORT_MESSAGE_MAX ((size_t)16 << 20)      /* bytes of a report as a message */
#define REPORT_READ_MAX ((size_t)64 << 20)         /* bytes of a foreign report, unpacked */
#define REPORT_READ_ROWS_MAX 200000
#define REPORT_UNPACK_RATIO 2000       /* an archive that grows more than this is a bomb */

#endif
