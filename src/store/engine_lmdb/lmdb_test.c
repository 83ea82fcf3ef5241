/* The LMDB engine keeps the contract, plainly and when calls fail. */
#include "store/conformance/conformance.h"

int main(void)
{
	static const struct store_fault_plan faults = { .read_retry_percent = 5,
													.read_io_percent = 3,
													.commit_io_percent = 5,
													.commit_nospace_percent = 3,
													.commit_unknown_percent = 8,
													.twice_percent = 30,
													.seed = 2 };
	static const struct conformance_target plain = { .name = "lmdb", .engine = STORE_ENGINE_LMDB };
	static const struct conformance_target faulty = { .name = "lmdb with faults",
													  .engine = STORE_ENGINE_LMDB,
													  .faults = &faults };
	return conformance_run(&plain) + conformance_run(&faulty);
}
