/* The stored form of mailbox access keys (RFC 4467 2.2), for this room only; the contract is in model.h. */
#ifndef MODEL_URL_KEY_H
#define MODEL_URL_KEY_H

#include "model/change.h"
#include "model/model.h"

/* 0, ERR_CORRUPT, ERR_VERSION. */
int url_key_check(struct str value);
/* Within the commit that deletes a mailbox: no URL means what comes under its name later. */
int url_key_remove(struct change *c, uint32_t mailbox);

#endif
