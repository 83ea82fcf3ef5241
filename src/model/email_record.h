/* The stored record of an email: immutable from its making to its end. */
#ifndef MODEL_EMAIL_RECORD_H
#define MODEL_EMAIL_RECORD_H

#include "model/model.h"
#include "model/record.h"

#define EMAIL_VERSION 2u                          /* older ones are read */

/* The summary lies in the store's bytes. 0, ERR_NOT_FOUND, ERR_CORRUPT, ... */
int email_record_load(struct source s, uint64_t id, struct email *out);
/* The same without knowing its id: the thread is 0 when the record does not tell it. */
#define EMAIL_BODY_LOST 1u                        /* bit of own0: a check has found that there is no body any more */
int email_record_decode(struct str value, struct email *out);
int email_record_save(struct store_write *w, uint64_t id, const struct email *email);
int email_record_del(struct store_write *w, uint64_t id);

#endif
