#include "milter/filter.h"

#include "base/num.h"
#include "milter/limits.h"
#include "milter/packet.h"

struct word {
	struct str name;
	uint32_t bits;
};
static const struct word stages[] = {
	{ STR_INIT("helo"), MILTER_NO_HELO }, { STR_INIT("data"), MILTER_NO_DATA }, { STR_INIT("body"), MILTER_NO_BODY },
	{ STR_INIT("unknown"), MILTER_NO_UNKNOWN }, { STR_NONE, 0 },
};
static const struct word actions[] = {
	{ STR_INIT("header"), MILTER_ACT_ADD_HEADERS | MILTER_ACT_CHANGE_HEADERS }, { STR_INIT("body"), MILTER_ACT_CHANGE_BODY },
	{ STR_INIT("rcpt"), MILTER_ACT_ADD_RCPT | MILTER_ACT_ADD_RCPT_PAR | MILTER_ACT_DEL_RCPT }, { STR_INIT("sender"), MILTER_ACT_CHANGE_FROM },
	{ STR_INIT("quarantine"), MILTER_ACT_QUARANTINE }, { STR_NONE, 0 },
};
static const struct word failures[] = {
	{ STR_INIT("tempfail"), MILTER_FAIL_TEMPFAIL }, { STR_INIT("accept"), MILTER_FAIL_ACCEPT }, { STR_INIT("reject"), MILTER_FAIL_REJECT }, { STR_NONE, 0 },
};

static bool word_find(const struct word *words, struct str name, uint32_t *bits_out)
{
	for (; words->name.n; words++)
		if (str_ieq(words->name, name)) {
			*bits_out = words->bits;
			return true;
		}
	return false;
}

/* "a,b,c": all bits of the words. */
static bool words_parse(const struct word *words, struct str list, uint32_t *bits_out)
{
	struct str one;
	uint32_t bits;

	*bits_out = 0;
	for (bool more = true; more;) {
		more = str_cut(list, ',', &one, &list);
		if (!word_find(words, one, &bits))
			return false;
		*bits_out |= bits;
	}
	return true;
}

static bool parse_host(struct str host, struct net_addr *out)
{
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = str_sub(host, 1, host.n - 2);
	return net_addr_parse(str_ieq(host, STR("localhost")) ? STR("127.0.0.1") : host, 0, out);
}

/* Sendmail writes PORT@HOST, Postfix HOST:PORT. */
static bool parse_inet(struct str place, struct net_endpoint *out)
{
	struct str host, port;
	uint32_t number;

	if (!str_cut(place, '@', &port, &host)) {
		size_t colon = str_rchr(place, ':');
		if (colon == STR_NPOS)
			return false;
		host = str_sub(place, 0, colon);
		port = str_from(place, colon + 1);
	}
	if (!num_parse_u32(port, &number) || number == 0 || number > 65535 || !parse_host(host, &out->addr))
		return false;
	out->port = (uint16_t)number;
	return true;
}

static bool parse_target(struct arena *a, struct str target, struct milter_filter *out)
{
	struct str kind, place;

	if (!str_cut(target, ':', &kind, &place) || place.n == 0)
		return false;
	if (str_ieq(kind, STR("unix")) || str_ieq(kind, STR("local"))) {
		out->path = arena_dup_c(a, place);
		return out->path != NULL;
	}
	return (str_ieq(kind, STR("inet")) || str_ieq(kind, STR("inet6"))) && parse_inet(place, &out->peer);
}

static bool parse_limit(struct str value, uint64_t *out)
{
	return num_parse_duration(value, out) && *out > 0 && *out <= MILTER_COMMAND_MS_MAX;
}

static bool parse_setting(struct arena *a, struct str key, struct str value, struct milter_filter *out)
{
	uint32_t bits;

	if (str_ieq(key, STR("name")))
		return value.n && (out->name = arena_dup(a, value)).n;
	if (str_ieq(key, STR("connect")))
		return parse_limit(value, &out->connect_ms);
	if (str_ieq(key, STR("command")))
		return parse_limit(value, &out->command_ms);
	if (str_ieq(key, STR("message")))
		return parse_limit(value, &out->message_ms);
	if (str_ieq(key, STR("fail"))) {
		if (!word_find(failures, value, &bits))
			return false;
		out->on_failure = (enum milter_failure)bits;
		return true;
	}
	if (str_ieq(key, STR("skip")))
		return words_parse(stages, value, &out->steps_off);
	if (str_ieq(key, STR("reuse"))) {
		out->reuse = str_ieq(value, STR("yes"));
		return out->reuse || str_ieq(value, STR("no"));
	}
	return str_ieq(key, STR("allow")) && words_parse(actions, value, &bits) && (out->actions = bits | MILTER_ACT_SYMBOLS);
}

int milter_filter_parse(struct arena *a, struct str text, struct milter_filter *out, struct err *e)
{
	struct str target, rest, word, key, value;

	*out = (struct milter_filter){
		.connect_ms = MILTER_CONNECT_MS_DEFAULT, .command_ms = MILTER_COMMAND_MS_DEFAULT, .message_ms = MILTER_MESSAGE_MS_DEFAULT,
		.actions = MILTER_ACT_ALL,
	};
	str_cut(str_trim(text), ' ', &target, &rest);
	if (!parse_target(a, target, out))
		return err_set(e, ERR_CONFIG, NULL, "filter '%.*s': where is it? unix:/PATH or inet:ADDRESS:PORT", STR_ARG(text));
	out->name = arena_dup(a, target);
	while ((rest = str_trim(rest)).n) {
		str_cut(rest, ' ', &word, &rest);
		if (!str_cut(word, '=', &key, &value) || !parse_setting(a, key, value, out))
			return err_set(e, ERR_CONFIG, NULL, "filter '%.*s': '%.*s' is not understood", STR_ARG(target), STR_ARG(word));
	}
	return a->failed ? err_set(e, ERR_NO_MEMORY, NULL, "no memory for the filter") : 0;
}
