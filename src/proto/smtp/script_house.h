/* For the tests of this room: a house behind a scripted connection (rt/conn_script.h): model, directory and queue in memory. */
#ifndef PROTO_SMTP_SCRIPT_HOUSE_H
#define PROTO_SMTP_SCRIPT_HOUSE_H

#include "proto/smtp/smtp.h"
#include "queue/queue.h"
#include "rt/conn_script.h"

struct script_house {
	struct store *store;
	struct model *model;
	struct directory *directory;
	struct queue *queue;
	struct services *services;
};

/* Domain example.org with the users alice (1), bob (2) and carol (3); aliases: away > friend@elsewhere.test, both > alice and
 * friend@elsewhere.test, team > alice and bob. */
void script_house_open(struct script_house *h);
void script_house_close(struct script_house *h);

/* A session of the service from that address; one that wants nothing gets its timeout at once. */
void script_house_visit(struct conn *c, const struct smtp_service *service, const char *ip);

#endif
