#include "app/bins.h"

#include "base/arena.h"
#include "model/bin.h"
#include "rt/log.h"

uint64_t bins_sweep(struct model *m, int64_t now, bool (*stop)(void *arg), void *arg)
{
	struct arena arena = ARENA_INIT(0);
	uint64_t *accounts, gone, sum = 0;
	size_t n = 0;
	int r = model_accounts(m, &arena, &accounts, &n);

	if (r)
		log_event(LOG_WARN, "undelete.failed", LOG_LIST(LOG_C("why", err_text(r))));
	for (size_t i = 0; i < n && !(stop && stop(arg)); i++) {
		r = bin_sweep(m, accounts[i], now, &gone);
		sum += gone;
		/* one that is deleted meanwhile has nothing left to sweep */
		if (r && r != ERR_NOT_FOUND)
			log_event(LOG_WARN, "undelete.failed", LOG_LIST(LOG_U("account", accounts[i]), LOG_C("why", err_text(r))));
	}
	if (sum)
		log_event(LOG_INFO, "undelete.swept", LOG_LIST(LOG_U("messages", sum)));
	arena_fini(&arena);
	return sum;
}
