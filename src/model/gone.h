/* Messages that went out of an index, as a list for purge.h: what is left of them until it is known whether they go into the bin. */
#ifndef MODEL_GONE_H
#define MODEL_GONE_H

#include "model/member.h"

#include <stdbool.h>

struct gone {
	struct member member;
	uint64_t flags;                               /* in the terms of its mailbox; once `kept`, of the bin */
	int64_t date;
	bool kept;                                    /* it goes into the bin, if nothing else shows the email */
};
/* Grows as needed; fini frees. */
struct gone_list {
	struct gone *v;
	size_t n, cap;
};
int gone_list_add(struct gone_list *l, struct gone g);
void gone_list_sort(struct gone_list *l);         /* by membership */
void gone_list_fini(struct gone_list *l);

/* A page of a grave (key 'g'). Version 1 holds memberships alone, as member pages do: what is in it is not kept. */
#define GRAVE_BYTES 32u
#define GRAVE_VERSION 2u
#define GRAVE_COUNT_MAX (MEMBER_PAGE_MAX > GRAVE_PAGE_MAX ? MEMBER_PAGE_MAX : GRAVE_PAGE_MAX)
#define GRAVE_VALUE_MAX (RECORD_HEADER + GRAVE_PAGE_MAX * GRAVE_BYTES)
struct grave_page {
	uint32_t count;
	struct gone v[GRAVE_COUNT_MAX];
};
int grave_page_decode(struct str value, struct grave_page *out);
/* Version 2, for messages that are kept; count is at most GRAVE_PAGE_MAX. The size. */
size_t grave_page_encode(const struct gone *v, uint32_t count, char p[GRAVE_VALUE_MAX]);

#endif
