/* Every ceiling of proto/imap. Those of the grammar are in codec/imap/limits.h. */
#ifndef PROTO_IMAP_LIMITS_H
#define PROTO_IMAP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* A line, its end included. Before login: ID with all that RFC 2971 3.3 allows (30 pairs, 32 KB), and an initial response of SASL (SASL_MESSAGE_MAX). After:
 * RFC 2683 3.2.1.5 asks for 8,000 octets; clients send longer sets of UIDs. */
#define IMAP_LINE_MAX_BEFORE_LOGIN ((size_t)40 << 10)
#define IMAP_LINE_MAX ((size_t)128 << 10)
/* A whole command with its literals; the message of an APPEND is not counted, it goes to a spool. */
#define IMAP_COMMAND_MAX_BEFORE_LOGIN ((size_t)48 << 10)
#define IMAP_COMMAND_MAX ((size_t)1 << 20)
/* One APPEND of several messages (RFC 3502): how many, their octets together, and the memory for their summaries and flags, bytes. */
#define IMAP_APPEND_MESSAGES_MAX 1000u
#define IMAP_APPEND_OCTETS_MAX ((uint64_t)1 << 30)
#define IMAP_APPEND_ARENA_MAX ((size_t)16 << 20)
/* How much of a URL is shown in a BADURL response code, bytes. */
#define IMAP_BADURL_MAX 1000u
/* A literal that the client sends without waiting, before login: RFC 7888 5 (LITERAL-). */
#define IMAP_LITERAL_MINUS_MAX 4096u
/* Memory of one command for parsed arguments and what it looks up, bytes. */
#define IMAP_ARENA_MAX ((size_t)64 << 20)
/* Commands answered BAD before login until the connection is closed. */
#define IMAP_BAD_MAX_BEFORE_LOGIN 10
#define IMAP_TOLD_MAX 20                          /* refusals of one session that are logged; all are counted */
/* LOGIN and AUTHENTICATE answered NO until the connection is closed (the directory's own brake counts addresses). */
#define IMAP_LOGIN_FAILURES_MAX 5
/* UID ranges of one VANISHED response: with the longest numbers some 40 KB. */
#define IMAP_VANISHED_RANGES_MAX ((size_t)2000)
/* Ranges of UIDs that SEARCH RETURN (SAVE) keeps for "$" (8 bytes each, in the session): NO [NOTSAVED] over it. */
#define IMAP_SAVED_RANGES_MAX 100000
/* Messages in one batch of UIDBATCHES at least (RFC 10022 3.1). So the ranges of one answer are few, however big the mailbox. */
#define IMAP_BATCH_MESSAGES_MIN 500u
/* Tests by text of one search that the full-text index is asked about; more are answered by reading. */
#define IMAP_SEARCH_INDEXED_MAX 64
/* What one session keeps of a NOTIFY command, bytes; and accounts whose events it is told: its own, and those that share with it. */
#define IMAP_NOTIFY_BYTES_MAX ((size_t)1 << 20)
#define IMAP_NOTIFY_ACCOUNTS_MAX 100u
/* Searches of one session that are kept up to date (RFC 5267), what one of them may take as it was written and parsed, bytes, and messages found by all
 * of them (12 bytes each). */
#define IMAP_CONTEXTS_MAX 16u
#define IMAP_CONTEXT_BYTES_MAX ((size_t)64 << 10)
#define IMAP_CONTEXT_RESULTS_MAX ((size_t)1000000)
/* Bytes of all the subjects or names that one SORT compares. */
#define IMAP_SORT_TEXT_BYTES_MAX ((size_t)512 << 20)
/* Rows of the command table: a test holds it, so that the table stays one screenful to scan. */
#define IMAP_COMMANDS_MAX 100

#endif
