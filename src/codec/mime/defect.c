#include "codec/mime/defect.h"

#include <stddef.h>

static const char *const names[MIME_DEFECT_COUNT] = {
	"no-blank-line",   "stray-line",      "bare-lf",        "bare-cr",         "has-nul",        "header-8bit",
	"header-not-utf8", "repeated-field",  "bad-type",       "bad-param",       "bad-encoding",   "encoded-composite",
	"no-boundary",     "no-start",        "no-end",         "too-deep",        "too-many-parts", "too-many-fields",
	"header-too-long", "too-many-params", "too-many-addresses", "bad-address", "bad-date",       "cut",
	"no-last-crlf",
};

const char *mime_defect_name(uint32_t one)
{
	for (unsigned i = 0; i < MIME_DEFECT_COUNT; i++)
		if (one == 1u << i)
			return names[i];
	return NULL;
}

void mime_defects_format(uint32_t set, struct buf *out)
{
	const char *separator = "";
	for (unsigned i = 0; i < MIME_DEFECT_COUNT; i++)
		if (set & 1u << i) {
			buf_add_c(out, separator);
			buf_add_c(out, names[i]);
			separator = " ";
		}
}
