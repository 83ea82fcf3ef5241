#include "proto/imap/gather.h"

#include "base/ascii.h"
#include "base/num.h"
#include "proto/imap/append.h"
#include "proto/imap/dispatch.h"
#include "proto/imap/limits.h"
#include "proto/imap/session.h"

bool imap_announced_find(struct str line, struct imap_announced *out)
{
	*out = (struct imap_announced){ .synchronising = true };
	size_t n = line.n;
	if (n < 3 || line.p[n - 1] != '}')
		return false;
	n--;
	if (line.p[n - 1] == '+') {
		out->synchronising = false;
		n--;
	}
	size_t end = n;
	while (n && ascii_is_digit(line.p[n - 1]))
		n--;
	if (n == end || !n || line.p[n - 1] != '{')
		return false;
	if (!num_parse_u64(str_sub(line, n, end - n), &out->size))
		out->size = UINT64_MAX;
	n--;
	if (n && line.p[n - 1] == '~') {
		out->binary = true;
		n--;
	}
	out->at = n;
	return true;
}

static size_t line_max(const struct imap_session *s)
{
	return s->state == IMAP_NOT_AUTHENTICATED ? IMAP_LINE_MAX_BEFORE_LOGIN : IMAP_LINE_MAX;
}

static size_t command_max(const struct imap_session *s)
{
	return s->state == IMAP_NOT_AUTHENTICATED ? IMAP_COMMAND_MAX_BEFORE_LOGIN : IMAP_COMMAND_MAX;
}

void imap_gather_want(struct imap_session *s)
{
	if (s->gather.mode == GATHER_LINE)
		conn_want_line(s->conn, line_max(s));
	else
		conn_want_any(s->conn);
}

void imap_gather_reset(struct imap_session *s)
{
	buf_fini(&s->gather.text);
	s->gather = (struct imap_gather){ .text = BUF_INIT(0) };
	imap_append_discard(&s->append);
}

/* Sets out for the octets of a literal. A literal of none ends where it begins. */
static void begin_literal(struct imap_gather *g, enum imap_gather_mode mode, uint64_t size)
{
	g->left = size;
	g->mode = size ? mode : GATHER_LINE;
}

/* The tagged line was sent. A client that waits for "+" sends nothing more of this command; one that does not (RFC 7888
 * section 4, choice 1) sends the literal, and then goes on with the command. */
static void refuse(struct imap_session *s, const struct imap_announced *a)
{
	if (a->synchronising) {
		imap_gather_reset(s);
		return;
	}
	buf_fini(&s->gather.text);
	imap_append_discard(&s->append);
	s->gather.refused = true;
	begin_literal(&s->gather, GATHER_SKIP, a->size);
}

/* The line ends in an announcement, and is in text up to there. */
static void accept_literal(struct imap_session *s, struct str announcement, const struct imap_announced *a)
{
	struct imap_gather *g = &s->gather;
	const struct imap_command *taker = NULL;
	switch (imap_dispatch_literal(s, buf_str(&g->text), a, command_max(s), &taker)) {
	case IMAP_LITERAL_REFUSE:
		refuse(s, a);
		return;
	case IMAP_LITERAL_TAKE:
		g->taker = taker;
		begin_literal(g, GATHER_TAKE, a->size);
		break;
	case IMAP_LITERAL_GATHER:
		buf_add_str(&g->text, announcement);
		buf_add_lit(&g->text, "\r\n");
		begin_literal(g, GATHER_LITERAL, a->size);
		break;
	}
	if (a->synchronising)
		conn_write_lit(s->conn, "+ OK\r\n");
}

/* A further line of a command whose tagged line was sent already. */
static void refused_line(struct imap_session *s, struct str line)
{
	struct imap_announced a;
	if (imap_announced_find(line, &a) && !a.synchronising)
		begin_literal(&s->gather, GATHER_SKIP, a.size);
	else
		imap_gather_reset(s);
}

static void gather_line(struct imap_session *s, struct str line)
{
	struct imap_gather *g = &s->gather;
	struct imap_announced a;
	if (g->refused) {
		refused_line(s, line);
		return;
	}
	bool literal = imap_announced_find(line, &a);
	if (!literal && g->text.n == 0) {               /* most commands: not even copied */
		imap_dispatch(s, line);
		imap_gather_reset(s);
		return;
	}
	g->text.wipe = s->state == IMAP_NOT_AUTHENTICATED;        /* LOGIN with literals */
	buf_add_str(&g->text, literal ? str_sub(line, 0, a.at) : line);
	if (g->text.failed || g->text.n > command_max(s)) {
		imap_dispatch_too_long(s, buf_str(&g->text));
		a = literal ? a : (struct imap_announced){ .synchronising = true };
		refuse(s, &a);
	} else if (literal) {
		accept_literal(s, str_from(line, a.at), &a);
	} else {
		imap_dispatch(s, buf_str(&g->text));
		imap_gather_reset(s);
	}
}

static bool step_line(struct imap_session *s)
{
	struct str line;
	int rc = conn_take_line(s->conn, &line, NULL);
	if (rc == 0)
		return false;
	if (rc == ERR_TOO_BIG) {
		if (!s->gather.refused)
			imap_dispatch_too_long(s, s->gather.text.n ? buf_str(&s->gather.text) : line);
		imap_gather_reset(s);
	} else if (rc < 0) {
		return false;
	} else if (s->continued) {
		imap_dispatch_continued(s, line);
	} else {
		gather_line(s, line);
	}
	return true;
}

static bool step_octets(struct imap_session *s)
{
	struct imap_gather *g = &s->gather;
	struct str bytes;
	if (!conn_take_any(s->conn, g->left > SIZE_MAX ? SIZE_MAX : (size_t)g->left, &bytes))
		return false;
	g->left -= bytes.n;
	if (g->mode == GATHER_LITERAL)
		buf_add_str(&g->text, bytes);
	else if (g->mode == GATHER_TAKE)
		g->taker->octets(s, bytes);
	if (!g->left)
		g->mode = GATHER_LINE;
	return true;
}

bool imap_gather_step(struct imap_session *s)
{
	imap_gather_want(s);
	return s->gather.mode == GATHER_LINE ? step_line(s) : step_octets(s);
}
