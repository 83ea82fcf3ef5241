/* Linked to a test: its store fails often. */
#include "queue/fixture.h"

const struct store_fault_plan *fixture_faults(void)
{
	static const struct store_fault_plan plan = { .read_retry_percent = 1, .read_io_percent = 1, .commit_io_percent = 4,
		.commit_nospace_percent = 4, .commit_unknown_percent = 10, .twice_percent = 30, .seed = 5 };
	return &plan;
}
