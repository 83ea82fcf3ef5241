#include "codec/imap/rights.h"

#include "base/ascii.h"

/* Places in IMAP_RIGHTS_LETTERS. */
#define K (1u << 6)
#define X (1u << 7)
#define T (1u << 8)
#define E (1u << 9)
#define A (1u << 10)

static uint32_t right_of(char letter)
{
	size_t at = str_chr(STR(IMAP_RIGHTS_LETTERS), letter);
	if (at != STR_NPOS)
		return 1u << at;
	return letter == 'c' ? K | X : letter == 'd' ? T | E : 0;
}

bool imap_rights_parse(struct str text, enum imap_rights_op *op_out, uint32_t *rights_out, const char **error_out)
{
	*op_out = IMAP_RIGHTS_REPLACE;
	*rights_out = 0;
	if (text.n && (text.p[0] == '+' || text.p[0] == '-')) {
		*op_out = text.p[0] == '+' ? IMAP_RIGHTS_ADD : IMAP_RIGHTS_REMOVE;
		text = str_from(text, 1);
	}
	for (size_t i = 0; i < text.n; i++) {
		uint32_t right = right_of(text.p[i]);
		if (!right) {
			*error_out = ascii_is_upper((unsigned char)text.p[i]) ? "Uppercase rights are not allowed" : "There is no such right";
			return false;
		}
		*rights_out |= right;
	}
	return true;
}

bool imap_mod_rights(struct imap_cursor *c, enum imap_rights_op *op_out, uint32_t *rights_out)
{
	struct str text;
	const char *error;
	return imap_astring(c, &text) && (imap_rights_parse(text, op_out, rights_out, &error) || imap_fail(c, error));
}

void imap_format_rights(struct buf *out, uint32_t rights)
{
	if (!(rights & IMAP_RIGHTS_ALL))
		buf_add_lit(out, "\"\"");
	for (unsigned i = 0; i < IMAP_RIGHTS_COUNT; i++) {
		/* the virtual ones before a, as other servers order them */
		if (1u << i == A) {
			if (rights & (K | X))
				buf_add_char(out, 'c');
			if (rights & (T | E))
				buf_add_char(out, 'd');
		}
		if (rights & 1u << i)
			buf_add_char(out, IMAP_RIGHTS_LETTERS[i]);
	}
}
