/* The commands on the messages of the selected mailbox, for the command table. Threads: as session.h. */
#ifndef PROTO_IMAP_MESSAGE_COMMANDS_H
#define PROTO_IMAP_MESSAGE_COMMANDS_H

#include "proto/imap/command.h"

enum imap_result imap_cmd_fetch(struct imap_request *r);           /* cmd_fetch.c */
enum imap_result imap_cmd_uid_fetch(struct imap_request *r);
enum imap_result imap_cmd_replace(struct imap_request *r);         /* cmd_replace.c: also UID REPLACE */
enum imap_result imap_cmd_search(struct imap_request *r);          /* cmd_search.c */
enum imap_result imap_cmd_uid_search(struct imap_request *r);
enum imap_result imap_cmd_sort(struct imap_request *r);            /* cmd_sort.c */
enum imap_result imap_cmd_uid_sort(struct imap_request *r);
enum imap_result imap_cmd_cancelupdate(struct imap_request *r);    /* cmd_cancelupdate.c */
enum imap_result imap_cmd_thread(struct imap_request *r);          /* cmd_thread.c */
enum imap_result imap_cmd_uid_thread(struct imap_request *r);
enum imap_result imap_cmd_store(struct imap_request *r);           /* cmd_store.c */
enum imap_result imap_cmd_uid_store(struct imap_request *r);
enum imap_result imap_cmd_copy(struct imap_request *r);            /* cmd_copy.c */
enum imap_result imap_cmd_uid_copy(struct imap_request *r);
enum imap_result imap_cmd_move(struct imap_request *r);
enum imap_result imap_cmd_uid_move(struct imap_request *r);
enum imap_result imap_cmd_expunge(struct imap_request *r);         /* cmd_expunge.c */
enum imap_result imap_cmd_uid_expunge(struct imap_request *r);

enum imap_result imap_cmd_uidbatches(struct imap_request *r);

#endif
