/* Names come from anybody on port 25. What is accepted must be canonical: parsing it again changes nothing. */
#include "directory/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct name once, twice;
	if (name_parse(str_make(data, size), &once) != 0)
		return 0;
	if (name_parse(name_str(&once), &twice) != 0 || !str_eq(name_str(&once), name_str(&twice)))
		abort();
	if (once.n > DIRECTORY_NAME_MAX || once.local_n == 0 || once.bytes[once.local_n] != '@')
		abort();
	return 0;
}
