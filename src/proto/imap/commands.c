#include "proto/imap/commands.h"

#include "proto/imap/append.h"
#include "proto/imap/message_commands.h"

static const struct imap_command commands[] = {
	{
		.name = "APPEND", .states = IMAP_LOGGED_IN, .flags = IMAP_ONE_CHANGE,
		.rfc = "3501 6.3.11, 4315 3, 3502, 3516 4.4, 4469 3", .transcript = "append",
		.run = imap_cmd_append, .literal = imap_append_literal, .octets = imap_append_octets,
		.note = "Mailbox, flags, date, size and quota are checked before each literal is asked for. Octets are"
				" kept as they came; messages of no octets are refused. Several messages become one commit.",
	},
	{
		.name = "AUTHENTICATE", .states = IMAP_NOT_AUTHENTICATED,
		.rfc = "3501 6.2.2, 4959", .transcript = "authenticate",
		.run = imap_cmd_authenticate, .line = imap_line_authenticate,
	},
	{
		.name = "CANCELUPDATE", .states = IMAP_SELECTED,
		.capability = "CONTEXT=SEARCH", .rfc = "5267 4.3.5", .transcript = "context",
		.run = imap_cmd_cancelupdate,
		.note = "BAD when none of the tags has a search that is kept up to date.",
	},
	{
		.name = "CAPABILITY", .states = IMAP_ANY_STATE, .flags = IMAP_NO_ARGS,
		.rfc = "3501 6.1.1", .transcript = "capability",
		.run = imap_cmd_capability,
	},
	{
		.name = "CHECK", .states = IMAP_SELECTED, .flags = IMAP_NO_ARGS,
		.rfc = "3501 6.4.1", .transcript = "noop",
		.run = imap_cmd_noop,
		.note = "Every change is durable when it is answered, so there is nothing to do: the same as NOOP.",
	},
	{
		.name = "CLOSE", .states = IMAP_SELECTED, .flags = IMAP_NO_ARGS | IMAP_NO_NEWS,
		.rfc = "3501 6.4.2", .transcript = "close",
		.run = imap_cmd_close,
	},
	{
		.name = "COMPARATOR", .states = IMAP_LOGGED_IN,
		.capability = "I18NLEVEL=2", .rfc = "5255 4.7", .transcript = "comparator",
		.run = imap_cmd_comparator,
		.note = "i;unicode-casemap is the only collation, and the default.",
	},
	{
		.name = "COMPRESS", .states = IMAP_LOGGED_IN,
		.capability = "COMPRESS=DEFLATE", .rfc = "4978", .transcript = "compress",
		.run = imap_cmd_compress,
		.note = "What was sent behind it in the clear is thrown away. Costs some 40 KB for a connection at rest.",
	},
	{
		.name = "COPY", .states = IMAP_SELECTED, .flags = IMAP_ONE_CHANGE | IMAP_NUMBERS | IMAP_MESSAGES,
		.rfc = "3501 6.4.7, 4315 3", .transcript = "copy",
		.run = imap_cmd_copy,
		.note = "All or nothing, in one commit, with flags and dates.",
	},
	{
		.name = "CREATE", .states = IMAP_LOGGED_IN, .flags = IMAP_ONE_CHANGE,
		.rfc = "3501 6.3.3, 6154 3", .transcript = "create",
		.run = imap_cmd_create,
		.note = "In another account it takes the right k in the nearest mailbox above, at the top in INBOX. Missing superiors are"
				" created too. A name that was deleted and is created again has a "
				"greater UIDVALIDITY.",
	},
	{
		.name = "DELETE", .states = IMAP_LOGGED_IN, .flags = IMAP_ONE_CHANGE,
		.rfc = "3501 6.3.4", .transcript = "delete",
		.run = imap_cmd_delete,
		.note = "A session that has the mailbox selected is told that every message is expunged, and then has"
				" an empty mailbox whose commands are answered NO (RFC 2180 3.2 leaves the choice).",
	},
	{
		.name = "DELETEACL", .states = IMAP_LOGGED_IN,
		.capability = "ACL", .rfc = "4314 3.2", .transcript = "acl",
		.run = imap_cmd_deleteacl,
		.note = "An identifier of a user or group that is gone can be taken out too.",
	},
	{
		.name = "ENABLE", .states = IMAP_LOGGED_IN,
		.capability = "ENABLE", .rfc = "5161", .transcript = "enable",
		.run = imap_cmd_enable,
		.note = "Allowed with a mailbox selected too.",
	},
	{
		.name = "ESEARCH", .states = IMAP_LOGGED_IN,
		.capability = "MULTISEARCH", .rfc = "7377", .transcript = "multisearch",
		.run = imap_cmd_esearch,
		.note = "A mailbox that is meant twice is searched once; what is not there, or not to be read, is passed over. INBOXES are all of the user's own.",
	},
	{
		.name = "EXAMINE", .states = IMAP_LOGGED_IN, .flags = IMAP_NO_NEWS,
		.rfc = "3501 6.3.2", .transcript = "examine",
		.run = imap_cmd_examine,
	},
	{
		.name = "EXPUNGE", .states = IMAP_SELECTED, .flags = IMAP_NO_ARGS | IMAP_MESSAGES | IMAP_WRITES,
		.rfc = "3501 6.4.3", .transcript = "expunge",
		.run = imap_cmd_expunge,
	},
	{
		.name = "FETCH", .states = IMAP_SELECTED, .flags = IMAP_NUMBERS | IMAP_MESSAGES | IMAP_KEEPS_NUMBERS,
		.rfc = "3501 6.4.5, 7162 3.1.4", .transcript = "fetch",
		.run = imap_cmd_fetch,
	},
	{
		.name = "GENURLAUTH", .states = IMAP_LOGGED_IN,
		.capability = "URLAUTH", .rfc = "4467 7", .transcript = "urlauth",
		.run = imap_cmd_genurlauth,
		.note = "Whether the user of submit+ and user+ is one is not looked up: nobody learns by it which users there are.",
	},
	{
		.name = "GETACL", .states = IMAP_LOGGED_IN,
		.capability = "ACL", .rfc = "4314 3.3", .transcript = "acl",
		.run = imap_cmd_getacl,
		.note = "The owner stands first, with all rights.",
	},
	{
		.name = "GETMETADATA", .states = IMAP_LOGGED_IN,
		.capability = "METADATA", .rfc = "5464 4.2, 6154 4", .transcript = "metadata",
		.run = imap_cmd_getmetadata,
		.note = "An entry that is named and not there is told as NIL. Options may stand before the mailbox (the syntax) or behind it (the examples).",
	},
	{
		.name = "GETQUOTA", .states = IMAP_LOGGED_IN,
		.capability = "QUOTA", .rfc = "9208 4.1.1", .transcript = "quota",
		.run = imap_cmd_getquota,
		.note = "There is one quota root for each account, named by the user's address; \"\" is one's own. Those of others are there for"
				" administrators only (imap.admins).",
	},
	{
		.name = "GETQUOTAROOT", .states = IMAP_LOGGED_IN,
		.capability = "QUOTA", .rfc = "9208 4.1.2", .transcript = "quota",
		.run = imap_cmd_getquotaroot,
	},
	{
		.name = "ID", .states = IMAP_ANY_STATE,
		.capability = "ID", .rfc = "2971", .transcript = "id",
		.run = imap_cmd_id,
		.note = "The client's name and version go to the log.",
	},
	{
		.name = "IDLE", .states = IMAP_LOGGED_IN, .flags = IMAP_NO_ARGS | IMAP_TELLS_NEWS,
		.capability = "IDLE", .rfc = "2177", .transcript = "idle",
		.run = imap_cmd_idle, .line = imap_line_idle,
		.note = "Ends after the autologout time as any silence does (30 minutes); dead peers are found by TCP"
				" keepalive, so no \"Still here\" wakes a sleeping phone.",
	},
	{
		.name = "LANGUAGE", .states = IMAP_ANY_STATE,
		.capability = "LANGUAGE", .rfc = "5255 3", .transcript = "language",
		.run = imap_cmd_language,
		.note = "English and Russian: the texts of tagged lines and of BYE. A range is matched by cutting off its subtags; \"default\" is i-default.",
	},
	{
		.name = "LIST", .states = IMAP_LOGGED_IN,
		.rfc = "3501 6.3.8, 3348, 5258, 5819, 6154 2, 8440, 9590", .transcript = "list",
		.run = imap_cmd_list,
		.note = "The reference is put before each pattern as it is. \\HasChildren or \\HasNoChildren and the special uses are told"
				" without being asked for.",
	},
	{
		.name = "LISTRIGHTS", .states = IMAP_LOGGED_IN,
		.capability = "ACL", .rfc = "4314 3.4", .transcript = "acl",
		.run = imap_cmd_listrights,
		.note = "No rights are tied together. The owner of the account always has all.",
	},
	{
		.name = "LOGIN", .states = IMAP_NOT_AUTHENTICATED, .flags = IMAP_SHOWS_PASSWORD,
		.rfc = "3501 6.2.3", .transcript = "login",
		.run = imap_cmd_login,
	},
	{
		.name = "LOGOUT", .states = IMAP_ANY_STATE, .flags = IMAP_NO_ARGS | IMAP_NO_NEWS,
		.rfc = "3501 6.1.3", .transcript = "logout",
		.run = imap_cmd_logout,
	},
	{
		.name = "LSUB", .states = IMAP_LOGGED_IN,
		.rfc = "3501 6.3.9", .transcript = "lsub",
		.run = imap_cmd_lsub,
	},
	{
		.name = "MOVE", .states = IMAP_SELECTED, .flags = IMAP_ONE_CHANGE | IMAP_NUMBERS | IMAP_MESSAGES | IMAP_WRITES,
		.capability = "MOVE", .rfc = "6851 3.1", .transcript = "move",
		.run = imap_cmd_move,
		.note = "One commit: no moment in which a message is in both, or in neither. Into another account: copied, then expunged; a crash in between leaves"
				" both.",
	},
	{
		.name = "MYRIGHTS", .states = IMAP_LOGGED_IN,
		.capability = "ACL", .rfc = "4314 3.5", .transcript = "acl",
		.run = imap_cmd_myrights,
	},
	{
		.name = "NAMESPACE", .states = IMAP_LOGGED_IN, .flags = IMAP_NO_ARGS,
		.capability = "NAMESPACE", .rfc = "2342 5", .transcript = "namespace",
		.run = imap_cmd_namespace,
		.note = "Another user's INBOX is \"Other Users/alice@example.org/INBOX\", that of a shared account \"Shared Folders/info@example.org/INBOX\";"
				" the level above is no mailbox. What the user may not look up is answered as what is not there.",
	},
	{
		.name = "NOOP", .states = IMAP_ANY_STATE, .flags = IMAP_NO_ARGS,
		.rfc = "3501 6.1.2", .transcript = "noop",
		.run = imap_cmd_noop,
	},
	{
		.name = "NOTIFY", .states = IMAP_LOGGED_IN,
		.capability = "NOTIFY", .rfc = "5465 3.1", .transcript = "notify",
		.run = imap_cmd_notify,
		.note = "INBOXES is the same as PERSONAL, since filters deliver anywhere. Of mailboxes that others share those are watched that were "
				"asked for by name, subtree or subscription.",
	},
	{
		.name = "RENAME", .states = IMAP_LOGGED_IN, .flags = IMAP_ONE_CHANGE,
		.rfc = "3501 6.3.5", .transcript = "rename",
		.run = imap_cmd_rename,
		.note = "Renaming INBOX moves its messages into the new mailbox. Sessions keep a renamed mailbox "
				"selected.",
	},
	{
		.name = "REPLACE", .states = IMAP_SELECTED, .flags = IMAP_ONE_CHANGE | IMAP_NUMBERS | IMAP_MESSAGES | IMAP_WRITES,
		.capability = "REPLACE", .rfc = "8508 3.2", .transcript = "replace",
		.run = imap_cmd_replace, .literal = imap_replace_literal, .octets = imap_append_octets,
		.note = "One commit. Into a mailbox of another user: the new message first, then the old one goes.",
	},
	{
		.name = "RESETKEY", .states = IMAP_LOGGED_IN,
		.capability = "URLAUTH", .rfc = "4467 7", .transcript = "urlauth",
		.run = imap_cmd_resetkey,
		.note = "Other sessions are not told: the mechanism INTERNAL has no data that could change.",
	},
	{
		.name = "SEARCH", .states = IMAP_SELECTED, .flags = IMAP_NUMBERS | IMAP_MESSAGES | IMAP_KEEPS_NUMBERS,
		.rfc = "3501 6.4.4, 4731, 5032, 5182, 7162 3.1.5, 9394 3.1", .transcript = "search",
		.run = imap_cmd_search,
		.note = "RETURN, \"$\" and OLDER are shown by esearch, searchres and within. Message numbers beyond the end match"
				" nothing and are no error (RFC 7377 2).",
	},
	{
		.name = "SELECT", .states = IMAP_LOGGED_IN, .flags = IMAP_NO_NEWS,
		.rfc = "3501 6.3.1, 7162 3.1.8 and 3.2.5", .transcript = "select",
		.run = imap_cmd_select,
	},
	{
		.name = "SETACL", .states = IMAP_LOGGED_IN,
		.capability = "ACL", .rfc = "4314 3.1", .transcript = "acl",
		.run = imap_cmd_setacl,
		.note = "Identifiers are users, groups and \"anyone\"; negative ones (\"-bob\") take rights away. Of several that stand for one user the"
				" rights are added up. An entry without a right is taken out.",
	},
	{
		.name = "SETMETADATA", .states = IMAP_LOGGED_IN, .flags = IMAP_ONE_CHANGE,
		.capability = "METADATA", .rfc = "5464 4.3, 6154 4", .transcript = "metadata",
		.run = imap_cmd_setmetadata,
		.note = "Shared entries of the server are for administrators (imap.admins), its private ones for everybody; one command sets one kind. Any entry"
				" name with the right form is taken. Each set (shared or one user's, of a mailbox or the server) holds 100 annotations, a value 64 KB,"
				" an account 16 MB. /private/specialuse is the mailbox's special use.",
	},
	{
		.name = "SETQUOTA", .states = IMAP_LOGGED_IN,
		.capability = "QUOTASET", .rfc = "9208 4.1.3", .transcript = "quota",
		.run = imap_cmd_setquota,
		.note = "For administrators (imap.admins). MAILBOX counts every name that LIST tells, levels too; a limit over what the server can hold"
				" is told as that.",
	},
	{
		.name = "SORT", .states = IMAP_SELECTED, .flags = IMAP_NUMBERS | IMAP_MESSAGES | IMAP_KEEPS_NUMBERS,
		.capability = "SORT", .rfc = "5256, 5267 3, 5957", .transcript = "sort",
		.run = imap_cmd_sort,
		.note = "Strings by i;unicode-casemap. Messages whose Date cannot be read sort by their internal date.",
	},
	{
		.name = "STARTTLS", .states = IMAP_NOT_AUTHENTICATED, .flags = IMAP_NO_ARGS,
		.rfc = "3501 6.2.1", .transcript = "starttls",
		.run = imap_cmd_starttls,
		.note = "Whatever was sent behind it in the clear is thrown away.",
	},
	{
		.name = "STATUS", .states = IMAP_LOGGED_IN,
		.rfc = "3501 6.3.10, 8438, 7162 3.1.7", .transcript = "status",
		.run = imap_cmd_status,
		.note = "Any mailbox, the selected one too; counts are kept, so nothing is scanned. DELETED of RFC "
				"9051 works already.",
	},
	{
		.name = "STORE", .states = IMAP_SELECTED, .flags = IMAP_NUMBERS | IMAP_MESSAGES | IMAP_KEEPS_NUMBERS | IMAP_WRITES,
		.rfc = "3501 6.4.6, 7162 3.1.3", .transcript = "store",
		.run = imap_cmd_store,
	},
	{
		.name = "SUBSCRIBE", .states = IMAP_LOGGED_IN,
		.rfc = "3501 6.3.6", .transcript = "subscribe",
		.run = imap_cmd_subscribe,
		.note = "The name need not be that of a mailbox.",
	},
	{
		.name = "THREAD", .states = IMAP_SELECTED, .flags = IMAP_NUMBERS | IMAP_MESSAGES | IMAP_KEEPS_NUMBERS,
		.capability = "THREAD=REFERENCES", .rfc = "5256", .transcript = "thread",
		.run = imap_cmd_thread,
		.note = "Of a longer References field the first id and the last 19 are kept. REFS is that of draft-ietf-morg-inthread: no merging by subject, threads"
				" by their latest internal date.",
	},
	{
		.name = "UID COPY", .states = IMAP_SELECTED, .flags = IMAP_ONE_CHANGE | IMAP_MESSAGES,
		.rfc = "3501 6.4.8, 4315 3", .transcript = "copy",
		.run = imap_cmd_uid_copy,
	},
	{
		.name = "UID EXPUNGE", .states = IMAP_SELECTED, .flags = IMAP_MESSAGES | IMAP_WRITES,
		.capability = "UIDPLUS", .rfc = "4315 2.1", .transcript = "expunge",
		.run = imap_cmd_uid_expunge,
	},
	{
		.name = "UID FETCH", .states = IMAP_SELECTED, .flags = IMAP_MESSAGES,
		.rfc = "3501 6.4.8, 7162 3.2.6", .transcript = "fetch",
		.run = imap_cmd_uid_fetch,
	},
	{
		.name = "UID MOVE", .states = IMAP_SELECTED, .flags = IMAP_ONE_CHANGE | IMAP_MESSAGES | IMAP_WRITES,
		.capability = "MOVE", .rfc = "6851 3.2", .transcript = "move",
		.run = imap_cmd_uid_move,
	},
	{
		.name = "UID REPLACE", .states = IMAP_SELECTED, .flags = IMAP_ONE_CHANGE | IMAP_MESSAGES | IMAP_WRITES,
		.capability = "REPLACE", .rfc = "8508 3.3", .transcript = "replace",
		.run = imap_cmd_replace, .literal = imap_replace_literal, .octets = imap_append_octets,
	},
	{
		.name = "UID SEARCH", .states = IMAP_SELECTED, .flags = IMAP_MESSAGES,
		.rfc = "3501 6.4.8", .transcript = "search",
		.run = imap_cmd_uid_search,
	},
	{
		.name = "UID SORT", .states = IMAP_SELECTED, .flags = IMAP_MESSAGES,
		.capability = "SORT", .rfc = "5256, 5267 3", .transcript = "sort",
		.run = imap_cmd_uid_sort,
	},
	{
		.name = "UID STORE", .states = IMAP_SELECTED, .flags = IMAP_MESSAGES | IMAP_WRITES,
		.rfc = "3501 6.4.8", .transcript = "store",
		.run = imap_cmd_uid_store,
	},
	{
		.name = "UID THREAD", .states = IMAP_SELECTED, .flags = IMAP_MESSAGES,
		.capability = "THREAD=REFERENCES", .rfc = "5256", .transcript = "thread",
		.run = imap_cmd_uid_thread,
	},
	{
		.name = "UIDBATCHES", .states = IMAP_SELECTED, .flags = IMAP_MESSAGES,
		.capability = "UIDBATCHES", .rfc = "10022", .transcript = "uidbatches",
		.run = imap_cmd_uidbatches,
		.note = "Batches have exactly the size asked for, but the last one; any number of them is told at once.",
	},
	{
		.name = "UNAUTHENTICATE", .states = IMAP_LOGGED_IN, .flags = IMAP_NO_ARGS | IMAP_NO_NEWS,
		.capability = "UNAUTHENTICATE", .rfc = "8437", .transcript = "unauthenticate",
		.run = imap_cmd_unauthenticate,
		.note = "Offered unless the option `unauthenticate` of the section `imap` is off (section 8 of the RFC). Failed logins stay counted.",
	},
	{
		.name = "UNSELECT", .states = IMAP_SELECTED, .flags = IMAP_NO_ARGS | IMAP_NO_NEWS,
		.capability = "UNSELECT", .rfc = "3691", .transcript = "close",
		.run = imap_cmd_unselect,
	},
	{
		.name = "UNSUBSCRIBE", .states = IMAP_LOGGED_IN,
		.rfc = "3501 6.3.7", .transcript = "subscribe",
		.run = imap_cmd_unsubscribe,
	},
	{
		.name = "URLFETCH", .states = IMAP_LOGGED_IN,
		.capability = "URLAUTH", .rfc = "4467 7, 5524", .transcript = "urlfetch",
		.run = imap_cmd_urlfetch,
		.note = "One response for each URL.",
	},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct imap_command *imap_command_table(size_t *n_out)
{
	*n_out = COMMANDS;
	return commands;
}

const struct imap_command *imap_command_find(struct str name)
{
	size_t lo = 0, hi = COMMANDS;
	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;
		int order = str_icmp(name, str_from_c(commands[middle].name));
		if (order == 0)
			return &commands[middle];
		if (order < 0)
			hi = middle;
		else
			lo = middle + 1;
	}
	return NULL;
}
