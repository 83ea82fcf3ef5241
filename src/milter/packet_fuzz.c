#include "milter/message.h"

#include <stdlib.h>

/* Everything that a filter's octet can reach without a socket: the packet, the reply code in it, the change that it asks for, the message after it. */
static void change(const struct milter_reply *r, bool leading_space)
{
	struct arena a = ARENA_INIT(0);
	struct milter_changes changes;
	struct milter_message message;
	struct str *pieces;
	size_t n;

	milter_changes_init(&changes, &a, 4096);
	if (milter_message_parse(&a, STR("Received: us\r\n"), STR("A: 1\r\nB: 2\r\n\t3\r\na: 4\r\n\r\nbody\r\n"), &message))
		abort();
	if (milter_changes_take(&changes, r, leading_space) == 0 && milter_message_apply(&message, &changes) == 0) {
		if (milter_message_pieces(&message, &pieces, &n) || n == 0)
			abort();
		/* no change may end the header early: the message read again has the same fields (deleted and added ones apart) */
		struct milter_message again;
		struct buf whole = BUF_INIT(0);
		size_t fields = 0, fields_again = 0;
		for (size_t i = 0; i < n; i++)
			buf_add_str(&whole, pieces[i]);
		if (milter_message_parse(&a, STR_NONE, buf_str(&whole), &again))
			abort();
		for (const struct milter_field *f = message.first; f; f = f->next)
			fields++;
		for (const struct milter_field *f = again.first; f; f = f->next)
			fields_again++;
		if (fields != fields_again || !str_eq(again.body, message.body))
			abort();
		milter_message_fini(&again);
		buf_fini(&whole);
	}
	milter_message_fini(&message);
	milter_changes_fini(&changes);
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct milter_reply r;
	char enhanced[MILTER_ENHANCED_MAX];
	unsigned code;

	if (n == 0 || milter_reply_parse(str_make(p + 1, n - 1), &r))
		return 0;
	if (r.kind == MILTER_REPLY_CODE) {
		struct buf text = BUF_INIT(0);
		if (milter_code_parse(r.value, &code, enhanced, &text) == 0 && (code < 400 || code > 599))
			abort();
		buf_fini(&text);
	}
	change(&r, p[0] & 1);
	return 0;
}
