/* Ceilings of this room. */
#ifndef AUDIT_LIMITS_H
#define AUDIT_LIMITS_H

#define AUDIT_VALUE_MAX 256                /* bytes of one value before it is escaped; what is longer is cut */
#define AUDIT_DETAIL_MAX 1024              /* of the detail of an act */
#define AUDIT_LINE_MAX 16384               /* of one line: every value escaped at its worst fits */
#define AUDIT_REFUSALS_PER_MINUTE 600      /* lines of refused logins, and of acts over a protocol that failed; some 200 MB a day under attack */

#endif
