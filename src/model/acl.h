/* Access rights of mailboxes, RFC 4314 section 2. Floor 3: no spelling of any protocol. Who the identifiers are is the
 * directory's matter. */
#ifndef MODEL_ACL_H
#define MODEL_ACL_H

/* Stored: append, never renumber. */
enum acl_right {
	ACL_LOOKUP = 1,                  /* l: the mailbox is seen in lists */
	ACL_READ = 2,                    /* r: select, fetch, search, copy from */
	ACL_SEEN = 4,                    /* s: change \Seen */
	ACL_WRITE = 8,                   /* w: change other flags and keywords */
	ACL_INSERT = 16,                 /* i: append, copy into */
	ACL_POST = 32,                   /* p: mail may be sent to its address */
	ACL_CREATE = 64,                 /* k: mailboxes below it, rename into */
	ACL_DELETE_MAILBOX = 128,        /* x: delete, rename away */
	ACL_DELETE_MESSAGE = 256,        /* t: change \Deleted */
	ACL_EXPUNGE = 512,               /* e: expunge */
	ACL_ADMIN = 1024,                /* a: read and change the rights */
};
#define ACL_ALL 0x7ffu

#endif
