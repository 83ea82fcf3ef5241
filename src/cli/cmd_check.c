#include "cli/admin.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/sharing.h"

static void report(void *arg, const char *line)
{
	(void)arg;
	puts(line);
}

int cli_check(int argc, char **argv)
{
	struct options o;
	struct house h;
	struct err e = { 0 };
	uint64_t store_faults = 0, model_faults = 0, sharing_faults = 0, queue_faults = 0;
	int r = options_parse("check", argc, argv, OPT_REPAIR, &o);

	if (r)
		return r;
	if (o.n_words)
		return cli_usage("check", "what is '%s'?", o.words[0]);
	r = house_become_owner(o.dir, &e);
	if (r == 0)
		r = house_open(o.dir, NULL, &h, &e);
	if (r)
		return cli_fail("check", r, &e);
	r = store_check(h.store, o.repair, report, NULL, &store_faults);
	if (r == 0)
		r = model_check(h.model, 0, o.repair, report, NULL, &model_faults);
	if (r == 0)
		r = sharing_check(&h, o.repair, report, NULL, &sharing_faults);
	if (r == 0)
		r = house_open_queue(&h, &e);
	if (r == 0)
		r = queue_check(h.queue, o.repair, report, NULL, &queue_faults);
	house_close(&h);
	if (o.repair)
		admin_told(o.dir, "check.repair", NULL, NULL, r);
	if (r)
		return cli_fail("check", r, &e);
	uint64_t faults = store_faults + model_faults + sharing_faults + queue_faults;
	printf("%llu faults found%s\n", (unsigned long long)faults, o.repair ? ", mended where they could be" : "");
	return faults ? CLI_FAULTS : CLI_OK;
}
