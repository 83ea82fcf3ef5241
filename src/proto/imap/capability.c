#include "proto/imap/capability.h"

#include "proto/common/sasl.h"

static const struct imap_capability capabilities[] = {
	{ "IMAP4rev1", IMAP_ANY_STATE, "3501", NULL },
	{ "IMAP4rev2", IMAP_ANY_STATE, "9051", "By ENABLE: LIST and no RECENT in SELECT, ESEARCH instead of SEARCH, names in UTF-8. What IMAP4rev1 has beyond it "
	  "(CHECK, LSUB, RFC822, NEW, STATUS RECENT) works on." },
	{ "ACL", IMAP_LOGGED_IN, "4314", "The rights of groups are those of their members, through nested groups too." },
	{ "APPENDLIMIT", IMAP_LOGGED_IN, "7889", "With the number of `limits.message_size`: the same for all mailboxes." },
	{ "BINARY", IMAP_LOGGED_IN, "3516", "BINARY of the whole message, of a multipart and of a message inside is their octets. A part with NUL that comes in a "
	  "literal8 is stored in base64, so that BODY and POP3 can show it; NUL elsewhere is NO [UNKNOWN-CTE]." },
	{ "CATENATE", IMAP_LOGGED_IN, "4469", "URLs are looked at when they come, so that BADURL is said before the next literal is asked for. \"/;UID=1\" means the selected mailbox." },
	{ "CHILDREN", IMAP_LOGGED_IN, "3348", "\\HasChildren and \\HasNoChildren in every LIST response." },
	{ "COMPRESS=DEFLATE", IMAP_LOGGED_IN, "4978", NULL },
	{ "CONDSTORE", IMAP_LOGGED_IN, "7162 3.1", NULL },
	{ "CONTEXT=SEARCH", IMAP_LOGGED_IN, "5267 4", "CONTEXT is a hint that nothing depends on. At most 16 contexts a session; no updates (NOUPDATE) for searches with message "
	  "numbers, \"$\" or FUZZY, and for the ESEARCH command." },
	{ "CONTEXT=SORT", IMAP_LOGGED_IN, "5267 4", NULL },
	{ "CREATE-SPECIAL-USE", IMAP_LOGGED_IN, "6154 3", NULL },
	{ "ENABLE", IMAP_ANY_STATE, "5161", NULL },
	{ "ESEARCH", IMAP_LOGGED_IN, "4731", NULL },
	{ "ESORT", IMAP_LOGGED_IN, "5267 3", NULL },
	{ "FILTERS", IMAP_LOGGED_IN, "5466", "A filter is read as if it stood in parentheses; filters may lead to filters, ten deep." },
	{ "I18NLEVEL=2", IMAP_LOGGED_IN, "5255", NULL },
	{ "ID", IMAP_ANY_STATE, "2971", NULL },
	{ "IDLE", IMAP_LOGGED_IN, "2177", NULL },
	{ "INPROGRESS", IMAP_LOGGED_IN, "9585", "SEARCH, SORT and THREAD, every 10 seconds (option `progress_ms` of the section `imap`). Other commands are one commit, or answer as they go." },
	{ "LANGUAGE", IMAP_ANY_STATE, "5255 3", "English and Russian." },
	{ "LIST-EXTENDED", IMAP_LOGGED_IN, "5258", "No mailbox is remote: REMOTE is taken and changes nothing. A name that is only there for what "
	  "is below it (RECURSIVEMATCH) is told when one of those is not told itself (3.3; the second D03 of example 9 shows more)." },
	{ "LIST-METADATA", IMAP_LOGGED_IN, "9590", NULL },
	{ "LIST-MYRIGHTS", IMAP_LOGGED_IN, "8440", NULL },
	{ "LIST-STATUS", IMAP_LOGGED_IN, "5819", NULL },
	{ "LITERAL+", IMAP_LOGGED_IN, "7888", "A literal over the limit is read and dropped, and its command answered at once." },
	{ "LITERAL-", IMAP_NOT_AUTHENTICATED, "7888 5", "Before login, so that nobody unknown makes us read much." },
	{ "MESSAGELIMIT", IMAP_LOGGED_IN, "9738", "With the number of `imap.message_limit`; not when that is 0. No other limit of ours is lower, but that of APPEND (1,000)." },
	{ "METADATA", IMAP_LOGGED_IN, "5464", "Of mailboxes and the server." },
	{ "MOVE", IMAP_LOGGED_IN, "6851", NULL },
	{ "MULTIAPPEND", IMAP_LOGGED_IN, "3502", "At most 1,000 messages and 1 GB in one command." },
	{ "MULTISEARCH", IMAP_LOGGED_IN, "7377", NULL },
	{ "NAMESPACE", IMAP_LOGGED_IN, "2342", NULL },
	{ "NOTIFY", IMAP_LOGGED_IN, "5465", NULL },
	{ "OBJECTID", IMAP_LOGGED_IN, "8474", "Unique over all accounts. A thread is what In-Reply-To, References and Message-ID connect "
	  "at the time when a message comes; it never changes." },
	{ "PARTIAL", IMAP_LOGGED_IN, "9394", NULL },
	{ "PREVIEW", IMAP_LOGGED_IN, "8970", "Made when the message comes, so LAZY changes nothing and NIL is never answered." },
	{ "QRESYNC", IMAP_LOGGED_IN, "7162 3.2", NULL },
	{ "QUOTA", IMAP_LOGGED_IN, "9208", "APPEND and COPY are refused over the limit; mail from others may exceed it by a grace (limits.quota_grace), and then the "
	  "session is told once: NO [OVERQUOTA]." },
	{ "QUOTA=RES-MAILBOX", IMAP_LOGGED_IN, "9208 5.3", NULL },
	{ "QUOTA=RES-MESSAGE", IMAP_LOGGED_IN, "9208 5.2", NULL },
	{ "QUOTA=RES-STORAGE", IMAP_LOGGED_IN, "9208 5.1", "The sum of the sizes of all messages." },
	{ "QUOTASET", IMAP_LOGGED_IN, "9208 4.1.3", NULL },
	{ "REPLACE", IMAP_LOGGED_IN, "8508", NULL },
	{ "RIGHTS=kxte", IMAP_LOGGED_IN, "4314 2.2", NULL },
	{ "SASL-IR", IMAP_NOT_AUTHENTICATED, "4959", NULL },
	{ "SAVEDATE", IMAP_LOGGED_IN, "8514", "Messages from before save dates were kept show their internal date." },
	{ "SAVELIMIT", IMAP_LOGGED_IN, "9738", "With the number of `imap.save_limit`; only where `imap.message_limit` is 0 and this is not." },
	{ "SEARCH=FUZZY", IMAP_LOGGED_IN, "6203", "Words by their stems, all of them in the field asked; other keys under FUZZY mean what they mean without. Messages that are not "
	  "indexed yet are found by the text as it stands." },
	{ "SEARCHRES", IMAP_LOGGED_IN, "5182", NULL },
	{ "SORT", IMAP_LOGGED_IN, "5256", NULL },
	{ "SORT=DISPLAY", IMAP_LOGGED_IN, "5957", NULL },
	{ "SPECIAL-USE", IMAP_LOGGED_IN, "6154", "In every LIST response; the selection and return options work too." },
	{ "STATUS=SIZE", IMAP_LOGGED_IN, "8438", NULL },
	{ "THREAD=ORDEREDSUBJECT", IMAP_LOGGED_IN, "5256", NULL },
	{ "THREAD=REFERENCES", IMAP_LOGGED_IN, "5256", NULL },
	{ "THREAD=REFS", IMAP_LOGGED_IN, "draft-ietf-morg-inthread", NULL },
	{ "UIDBATCHES", IMAP_LOGGED_IN, "10022", NULL },
	{ "UIDONLY", IMAP_LOGGED_IN, "9586", NULL },
	{ "UIDPLUS", IMAP_LOGGED_IN, "4315", NULL },
	{ "UNAUTHENTICATE", IMAP_LOGGED_IN, "8437", NULL },
	{ "UNSELECT", IMAP_LOGGED_IN, "3691", NULL },
	{ "URL-PARTIAL", IMAP_LOGGED_IN, "5550 5.7.1", "In CATENATE, URLFETCH and BURL." },
	{ "URLAUTH", IMAP_LOGGED_IN, "4467", "The token is 01 and HMAC-SHA-256. Of the host in a URL nothing is asked." },
	{ "URLAUTH=BINARY", IMAP_LOGGED_IN, "5524", "BODYPARTSTRUCTURE of a section that is no part (HEADER, TEXT, MIME) is that of plain text." },
	{ "UTF8=ACCEPT", IMAP_LOGGED_IN, "9755", "Messages with 8-bit header fields are sent as they are to clients that did not enable it, and taken from them unless "
	  "configuration refuses it (imap.append_8bit): refusing would keep users from moving mail they have. The data item UTF8 of APPEND (RFC 6855, which 9755 replaces) is "
	  "still understood, since clients send it." },
	{ "WITHIN", IMAP_LOGGED_IN, "5032", NULL },
};

const struct imap_capability *imap_capability_table(size_t *n_out)
{
	*n_out = sizeof(capabilities) / sizeof(capabilities[0]);
	return capabilities;
}

/* What only matters before login, and depends on TLS. */
static void write_login_ways(const struct imap_session *s, struct buf *out)
{
	if (conn_can_tls(s->conn))
		buf_add_lit(out, " STARTTLS");
	if (!login_may_show_password(s->conn, s->config))
		buf_add_lit(out, " LOGINDISABLED");        /* RFC 3501 6.2.3 */
	struct buf names = BUF_INIT(0);
	sasl_mechanisms(s->conn, s->config, &names);
	struct str rest = buf_str(&names), name;
	while (rest.n) {
		str_cut(rest, ' ', &name, &rest);
		if (!name.n)
			continue;
		buf_add_lit(out, " AUTH=");
		buf_add_str(out, name);
	}
	buf_fini(&names);
}

/* RFC 8437 8: there must be a way to disable it. RFC 4978 3: it is offered while it would be answered OK. */
static bool is_off(const struct imap_session *s, const char *name)
{
	if (strcmp(name, "UNAUTHENTICATE") == 0)
		return !s->config->imap_unauthenticate;
	return strcmp(name, "COMPRESS=DEFLATE") == 0 && conn_is_compressed(s->conn);
}

/* Is a number part of it? 0: then it is not advertised. */
static bool has_number(const struct imap_capability *capability, const struct mail_config *config, uint64_t *out)
{
	const struct {
		const char *name;
		uint64_t number;
	} numbers[] = {
		{ "APPENDLIMIT", config->message_size_max },
		{ "MESSAGELIMIT", config->imap_message_limit },
		{ "SAVELIMIT", config->imap_message_limit ? 0 : config->imap_save_limit },
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!strcmp(numbers[i].name, capability->name)) {
			*out = numbers[i].number;
			return true;
		}
	}
	return false;
}

void imap_capability_write(const struct imap_session *s, struct buf *out)
{
	const char *space = "";
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		if (!(capabilities[i].states & s->state) || is_off(s, capabilities[i].name))
			continue;
		uint64_t number = 0;
		if (has_number(&capabilities[i], s->config, &number) && !number)
			continue;
		buf_add_c(out, space);
		buf_add_c(out, capabilities[i].name);
		if (number)
			buf_printf(out, "=%llu", (unsigned long long)number);
		space = " ";
	}
	if (s->state == IMAP_NOT_AUTHENTICATED)
		write_login_ways(s, out);
}
