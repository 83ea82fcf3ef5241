/* The guard and the content filters of a running server, as gates for its SMTP listeners. Made by serve; reloads and the periodic job may come from
 * other threads. */
#ifndef APP_DEFENCE_H
#define APP_DEFENCE_H

#include "app/config.h"
#include "app/house.h"
#include "proto/smtp/gates.h"
#include "rt/dns.h"

struct defence {
	struct guard *guard;
	struct smtp_milters *milters, *submission_milters;
	struct smtp_gate smtp[2], submission[2], lmtp[1];    /* asked in this order */
};

/* On failure defence_close all the same. */
int defence_open(struct defence *d, struct house *h, const struct dns_source *dns, const struct app_config *c, struct err *e);
void defence_close(struct defence *d);
/* A new configuration, for sessions that begin from now on. On failure what failed stays as it was. */
int defence_set_config(struct defence *d, const struct app_config *c, struct err *e);
/* Every minute. */
void defence_minute(struct defence *d, int64_t now);
/* Checks the lists of block lists and filters; config.c calls it, so that a bad line is found before anything changes. */
int defence_check(struct app_config *c, struct err *e);

#endif
