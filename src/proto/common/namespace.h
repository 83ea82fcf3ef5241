/* What the namespaces of other users' and shared mailboxes are called (RFC 2342), to IMAP and in IMAP URLs. */
#ifndef PROTO_COMMON_NAMESPACE_H
#define PROTO_COMMON_NAMESPACE_H

#define IMAP_OTHER_USERS "Other Users"
#define IMAP_SHARED_FOLDERS "Shared Folders"

#endif
