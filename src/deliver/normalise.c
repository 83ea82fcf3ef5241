#include "deliver/deliver.h"

void deliver_normalise(struct str raw, struct buf *out)
{
	while (raw.n) {
		size_t lf = str_chr(raw, '\n');
		struct str line = lf == STR_NPOS ? raw : str_sub(raw, 0, lf);
		bool has_cr = line.n && line.p[line.n - 1] == '\r';

		buf_add_str(out, line);
		if (lf != STR_NPOS)
			buf_add(out, has_cr ? "\n" : "\r\n", has_cr ? 1 : 2);
		raw = str_from(raw, line.n + (lf != STR_NPOS));
	}
}
