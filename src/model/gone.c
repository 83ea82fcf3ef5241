#include "model/gone.h"

#include "base/array.h"
#include "base/bytes.h"

#include <stdlib.h>

int gone_list_add(struct gone_list *l, struct gone g)
{
	struct gone *v = array_room(l->v, l->n, &l->cap, sizeof *v);
	if (!v)
		return ERR_NO_MEMORY;
	l->v = v;
	l->v[l->n++] = g;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return member_compare(&((const struct gone *)a)->member, &((const struct gone *)b)->member);
}

void gone_list_sort(struct gone_list *l)
{
	for (size_t i = 1; i < l->n; i++)
		if (compare(&l->v[i - 1], &l->v[i]) > 0) {
			qsort(l->v, l->n, sizeof(*l->v), compare);
			return;
		}
}

void gone_list_fini(struct gone_list *l)
{
	free(l->v);
	*l = (struct gone_list){ NULL, 0, 0 };
}

static int decode_first_version(struct str value, struct grave_page *out)
{
	struct member_page page;
	int rc = member_page_decode(value, &page);
	for (uint32_t i = 0; !rc && i < page.count; i++)
		out->v[i] = (struct gone){ .member = page.m[i] };
	out->count = rc ? 0 : page.count;
	return rc;
}

int grave_page_decode(struct str value, struct grave_page *out)
{
	uint8_t version;
	out->count = 0;
	int rc = record_check_version(value, RECORD_HEADER, GRAVE_VERSION, &version);
	if (rc)
		return rc;
	if (version == 1)
		return decode_first_version(value, out);
	uint32_t count = record_own0(value);
	if (count > GRAVE_PAGE_MAX || value.n != RECORD_HEADER + count * GRAVE_BYTES)
		return ERR_CORRUPT;
	const char *p = value.p + RECORD_HEADER;
	for (uint32_t i = 0; i < count; i++, p += GRAVE_BYTES)
		out->v[i] = (struct gone){
			{ load_le64(p), load_le32(p + 8), load_le32(p + 12) }, load_le64(p + 16), (int64_t)load_le64(p + 24), true,
		};
	out->count = count;
	return 0;
}

size_t grave_page_encode(const struct gone *v, uint32_t count, char p[GRAVE_VALUE_MAX])
{
	char *at = p + RECORD_HEADER;
	for (uint32_t i = 0; i < count; i++, at += GRAVE_BYTES) {
		store_le64(at, v[i].member.email);
		store_le32(at + 8, v[i].member.mailbox);
		store_le32(at + 12, v[i].member.uid);
		store_le64(at + 16, v[i].flags);
		store_le64(at + 24, (uint64_t)v[i].date);
	}
	record_seal_version(p, RECORD_HEADER + count * GRAVE_BYTES, GRAVE_VERSION, (uint8_t)count, 0);
	return RECORD_HEADER + count * GRAVE_BYTES;
}
