/* What the tests of this room share: a house with a service, sessions in one call, a view of the queue. */
#ifndef PROTO_SMTP_FIXTURE_H
#define PROTO_SMTP_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/smtp/script_house.h"
#include "proto/smtp/session.h"
#include "rt/dns_zone.h"

struct world {
	struct script_house house;
	struct smtp_service service;
	struct mail_config config;           /* in force after world_configure */
	struct dns_zone *zone;
	struct dns_source dns;
	struct buf shown;                    /* what the queue holds */
	struct buf last;                     /* the newest message that was looked at */
};

int world_setup(void **state);           /* SMTP_MX with a queue; nothing is checked: service.dns is NULL */
int world_teardown(void **state);
void world_configure(struct world *w);

/* Asserts what the queue holds: a line for each envelope, and one for each recipient. The body of the last is in w->last. */
void world_expect_queue(struct world *w, const char *shown);
/* The same only looked at: w->shown, w->last. */
void world_show_queue(struct world *w, const struct queue_filter *f);
void world_empty_queue(struct world *w, const struct queue_filter *f);
/* How many messages the account has; the newest of the mailbox is then in w->last. */
uint64_t world_messages(struct world *w, uint64_t account);
void world_read(struct world *w, uint64_t account, const char *mailbox);

#define HELLO "EHLO client.example.net\r\n"
#define DATA(text) "DATA\r\n" text ".\r\n"
#define MESSAGE DATA("From: <alice@example.org>\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nx\r\n")

/* Says it all; the last line of the answers must begin with `reply`. From 192.0.2.1, as a stranger or as alice on submission. */
void world_say(struct world *w, const char *text, const char *reply);
void world_submit(struct world *w, const char *text, const char *reply);

#endif
