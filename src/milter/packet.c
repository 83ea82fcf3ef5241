#include "milter/packet.h"

#include "base/ascii.h"
#include "base/bytes.h"
#include "milter/limits.h"

/* ---- to the filter ---- */

static size_t begin(struct buf *b, enum milter_command c)
{
	size_t at = b->n;

	buf_add(b, "\0\0\0\0", 4);
	buf_add_char(b, (char)c);
	return at;
}

static void end(struct buf *b, size_t at)
{
	if (!b->failed)
		store_be32(b->p + at, (uint32_t)(b->n - at - 4));
}

static void add_be32(struct buf *b, uint32_t v)
{
	char octets[4];

	store_be32(octets, v);
	buf_add(b, octets, 4);
}

/* Without NULs, which would end the string early. */
static void add_text(struct buf *b, struct str s)
{
	struct str part;

	while (str_cut(s, '\0', &part, &s))
		buf_add_str(b, part);
	buf_add_str(b, part);
}

static void add_string(struct buf *b, struct str s)
{
	add_text(b, s);
	buf_add_char(b, '\0');
}

void milter_put_bare(struct buf *b, enum milter_command c)
{
	end(b, begin(b, c));
}

void milter_put_options(struct buf *b, const struct milter_options *o)
{
	size_t at = begin(b, MILTER_CMD_OPTIONS);

	add_be32(b, o->version);
	add_be32(b, o->actions);
	add_be32(b, o->steps);
	end(b, at);
}

/* Sendmail's names: one letter stands bare, more in braces. */
static void add_macro_name(struct buf *b, struct str name)
{
	if (name.n > 1)
		buf_add_char(b, '{');
	add_text(b, name);
	buf_add_c(b, name.n > 1 ? "}" : "");
	buf_add_char(b, '\0');
}

void milter_put_macros(struct buf *b, enum milter_command next, const struct milter_macro *macros, size_t n)
{
	size_t at = begin(b, MILTER_CMD_MACRO);

	buf_add_char(b, (char)next);
	for (size_t i = 0; i < n; i++) {
		add_macro_name(b, macros[i].name);
		add_string(b, macros[i].value);
	}
	end(b, at);
}

void milter_put_connect(struct buf *b, struct str hostname, const struct net_endpoint *peer)
{
	size_t at = begin(b, MILTER_CMD_CONNECT);

	add_string(b, hostname);
	if (peer) {
		char text[NET_TEXT_MAX];
		net_addr_format(&peer->addr, text);
		buf_add_char(b, net_addr_is_v4(&peer->addr) ? '4' : '6');
		buf_add_char(b, (char)(peer->port >> 8));
		buf_add_char(b, (char)(peer->port & 0xff));
		add_string(b, str_from_c(text));
	} else {
		buf_add_char(b, 'U');
	}
	end(b, at);
}

void milter_put_text(struct buf *b, enum milter_command c, struct str text)
{
	size_t at = begin(b, c);

	add_string(b, text);
	end(b, at);
}

void milter_put_address(struct buf *b, enum milter_command c, struct str address, const struct str *arguments, size_t n)
{
	size_t at = begin(b, c);

	buf_add_char(b, '<');
	add_text(b, address);
	buf_add_char(b, '>');
	buf_add_char(b, '\0');
	for (size_t i = 0; i < n; i++)
		add_string(b, arguments[i]);
	end(b, at);
}

void milter_put_header(struct buf *b, struct str name, struct str body, bool leading_space)
{
	size_t at = begin(b, MILTER_CMD_HEADER);
	size_t room = MILTER_CHUNK_MAX - 2;
	struct str line;

	name = str_sub(name, 0, room / 2);
	add_string(b, name);
	if (!leading_space && body.n && body.p[0] == ' ')
		body = str_from(body, 1);
	body = str_sub(body, 0, room - name.n);
	for (bool more = true; more;) {
		more = str_cut(body, '\n', &line, &body);
		if (more && line.n && line.p[line.n - 1] == '\r')
			line.n--;
		add_text(b, line);
		if (more)
			buf_add_char(b, '\n');
	}
	buf_add_char(b, '\0');
	end(b, at);
}

void milter_put_body(struct buf *b, struct str chunk)
{
	size_t at = begin(b, MILTER_CMD_BODY);

	buf_add_str(b, chunk);
	end(b, at);
}

/* ---- from the filter ---- */

/* One NUL-terminated string; false when there is no NUL. */
static bool take_string(struct str *rest, struct str *out)
{
	return str_cut(*rest, '\0', out, rest);
}

static bool take_be32(struct str *rest, uint32_t *out)
{
	if (rest->n < 4)
		return false;
	*out = load_be32(rest->p);
	*rest = str_from(*rest, 4);
	return true;
}

/* Pairs of a stage's number and a list of names. What is said about stages that we do not know is passed over. */
static bool parse_symbols(struct str rest, struct milter_reply *out)
{
	uint32_t stage;
	struct str names;

	while (rest.n) {
		if (!take_be32(&rest, &stage) || !take_string(&rest, &names))
			return false;
		if (stage < MILTER_STAGE_COUNT)
			out->symbols[stage] = names;
	}
	return true;
}

static bool parse_options(struct str rest, struct milter_reply *out)
{
	struct milter_options *o = &out->options;

	return take_be32(&rest, &o->version) && take_be32(&rest, &o->actions) && take_be32(&rest, &o->steps) && parse_symbols(rest, out);
}

/* A field name is printable ASCII without the colon (RFC 5322 2.2). */
static bool is_field_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == ':')
			return false;
	return s.n > 0 && s.n <= MILTER_FIELD_NAME_MAX;
}

static bool parse_header(struct str rest, struct milter_reply *out)
{
	return (out->kind == MILTER_REPLY_ADD_HEADER || take_be32(&rest, &out->index)) && take_string(&rest, &out->name) &&
		   take_string(&rest, &out->value) && rest.n == 0 && is_field_name(out->name);
}

/* An address goes into SMTP commands later: no control characters. */
static bool parse_address(struct str rest, struct milter_reply *out)
{
	bool has_arguments = out->kind == MILTER_REPLY_ADD_RCPT_PAR || out->kind == MILTER_REPLY_CHANGE_FROM;

	if (!take_string(&rest, &out->name))
		return false;
	if (has_arguments && rest.n && !take_string(&rest, &out->value))
		return false;
	for (size_t i = 0; i < out->name.n; i++)
		if (ascii_is_cntrl(out->name.p[i]))
			return false;
	for (size_t i = 0; i < out->value.n; i++)
		if (ascii_is_cntrl(out->value.p[i]))
			return false;
	return rest.n == 0;
}

int milter_reply_parse(struct str packet, struct milter_reply *out)
{
	struct str data = str_from(packet, 1);
	bool good = false;

	*out = (struct milter_reply){ .kind = packet.n ? (unsigned char)packet.p[0] : 0 };
	switch (out->kind) {
	case MILTER_REPLY_ACCEPT:
	case MILTER_REPLY_CONTINUE:
	case MILTER_REPLY_DISCARD:
	case MILTER_REPLY_REJECT:
	case MILTER_REPLY_TEMPFAIL:
	case MILTER_REPLY_SHUTDOWN:
	case MILTER_REPLY_CONN_FAIL:
	case MILTER_REPLY_SKIP:
	case MILTER_REPLY_PROGRESS:
		good = data.n == 0;
		break;
	case MILTER_REPLY_OPTIONS:
		good = parse_options(data, out);
		break;
	case MILTER_REPLY_SYMBOLS:
		good = parse_symbols(data, out);
		break;
	case MILTER_REPLY_ADD_HEADER:
	case MILTER_REPLY_INSERT_HEADER:
	case MILTER_REPLY_CHANGE_HEADER:
		good = parse_header(data, out);
		break;
	case MILTER_REPLY_ADD_RCPT:
	case MILTER_REPLY_ADD_RCPT_PAR:
	case MILTER_REPLY_DEL_RCPT:
	case MILTER_REPLY_CHANGE_FROM:
		good = parse_address(data, out);
		break;
	case MILTER_REPLY_BODY:
		out->value = data;
		good = true;
		break;
	case MILTER_REPLY_CODE:
	case MILTER_REPLY_QUARANTINE:
		good = take_string(&data, &out->value) && data.n == 0;
		break;
	}
	return good ? 0 : ERR_INVALID;
}

/* ---- reply codes ---- */

/* Octets of "5.7.1" at the start of s, RFC 3463 2: class, subject and detail of one to three digits; 0 when there is none. */
static size_t enhanced_length(struct str s)
{
	size_t i = 0;

	for (unsigned part = 0; part < 3; part++) {
		size_t digits = 0;
		while (i < s.n && digits < 3 && ascii_is_digit(s.p[i]))
			i++, digits++;
		if (digits == 0 || (part == 0 && digits != 1))
			return 0;
		if (part < 2 && (i >= s.n || s.p[i++] != '.'))
			return 0;
	}
	return i < s.n && s.p[i] != ' ' ? 0 : i;
}

/* Sendmail takes the text for a format: %% is a percent sign, a single one nothing. */
static void add_reply_text(struct buf *text, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && (i + 1 == s.n || s.p[i + 1] != '%'))
			continue;
		i += s.p[i] == '%';
		buf_add_char(text, ascii_is_print(s.p[i]) ? s.p[i] : '?');
	}
}

/* "550-5.7.1 text"; first tells that it is the first line, whose codes count. */
static bool parse_line(struct str line, bool first, bool last, unsigned *code, char *enhanced, struct buf *text)
{
	if (line.n < 3 || (line.p[0] != '4' && line.p[0] != '5') || !ascii_is_digit(line.p[1]) || !ascii_is_digit(line.p[2]))
		return false;
	unsigned this = (unsigned)(line.p[0] - '0') * 100 + (unsigned)(line.p[1] - '0') * 10 + (unsigned)(line.p[2] - '0');
	char separator = line.n > 3 ? line.p[3] : ' ';
	if ((!first && this != *code) || separator != (last ? ' ' : '-'))
		return false;
	struct str rest = str_from(line, 4);
	size_t n = enhanced_length(rest);
	if (n) {
		/* RFC 2034 4: the class is that of the reply code */
		if (rest.p[0] != line.p[0])
			return false;
		if (first && !str_copy_c(enhanced, MILTER_ENHANCED_MAX, str_sub(rest, 0, n)))
			return false;
		rest = str_trim(str_from(rest, n));
	}
	*code = this;
	if (!first)
		buf_add_char(text, '\n');
	add_reply_text(text, rest);
	return true;
}

int milter_code_parse(struct str value, unsigned *code_out, char enhanced_out[MILTER_ENHANCED_MAX], struct buf *text)
{
	unsigned code = 0;
	struct str line;

	enhanced_out[0] = '\0';
	if (value.n > MILTER_REPLY_MAX)
		return ERR_INVALID;
	for (unsigned lines = 0; lines == 0 || value.n; lines++) {
		str_cut(value, '\n', &line, &value);
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (lines == MILTER_REPLY_LINES_MAX || !parse_line(line, lines == 0, value.n == 0, &code, enhanced_out, text))
			return ERR_INVALID;
	}
	*code_out = code;
	return 0;
}
