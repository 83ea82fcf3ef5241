/* Access rights as IMAP spells them: RFC 4314 section 2.1. Any thread. */
#ifndef CODEC_IMAP_RIGHTS_H
#define CODEC_IMAP_RIGHTS_H

#include "base/buf.h"
#include "codec/imap/cursor.h"

#include <stdbool.h>
#include <stdint.h>

/* Bit i is the letter of this place. The bits are those of enum acl_right in model/acl.h (proto/imap asserts it), which this room cannot see. */
#define IMAP_RIGHTS_LETTERS "lrswipkxtea"
#define IMAP_RIGHTS_COUNT 11
#define IMAP_RIGHTS_ALL ((1u << IMAP_RIGHTS_COUNT) - 1)

enum imap_rights_op { IMAP_RIGHTS_REPLACE, IMAP_RIGHTS_ADD, IMAP_RIGHTS_REMOVE };

/* "lrs", "+w", "-kx": mod-rights of RFC 4314 section 7. The virtual rights of section 2.1.1 mean what they contain: c is k and x, d is t and e. False with a
 * static text for BAD: a right that there is not. */
bool imap_rights_parse(struct str text, enum imap_rights_op *op_out, uint32_t *rights_out, const char **error_out);
/* The same as an astring of a command. */
bool imap_mod_rights(struct imap_cursor *c, enum imap_rights_op *op_out, uint32_t *rights_out);

/* "lrswipkxtecda": with c when k or x is among them, d when t or e is (section 2.1.1). Empty rights are "\"\"". */
void imap_format_rights(struct buf *out, uint32_t rights);

#endif
