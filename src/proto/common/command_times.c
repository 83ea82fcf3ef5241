#include "proto/common/command_times.h"

void command_times_print(struct buf *out, const char *family, const char *command, const struct metric *took)
{
	char labels[64];
	snprintf(labels, sizeof labels, "command=\"%s\"", command);
	if (metric_times(took))
		metric_print_seconds(out, family, labels, took);
}
