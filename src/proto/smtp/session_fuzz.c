/* Whole sessions against a house in memory: the first octet says how (mode, user, how much arrives at a time), the rest is what the client sends. */
#include "proto/smtp/conn_script.h"
#include "proto/smtp/session.h"

#define STEPS 4
#define MODES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[STEPS] = { 0, 1, 5, 100 };
	struct script_house h;
	struct conn c;

	if (size == 0)
		return 0;
	script_house_open(&h);
	struct smtp_service service = { .services = h.services, .mode = data[0] / STEPS % MODES, .queue = h.queue };
	script_open(&c, &service, data[0] & 64 ? "2001:db8::1" : "192.0.2.1");
	if (service.mode == SMTP_SUBMISSION && !(data[0] & 128))
		((struct smtp_session *)c.session)->user = str_dup_c(STR("alice@example.org"));
	script_play(&c, str_make(data + 1, size - 1), steps[data[0] % STEPS]);
	script_close(&c);
	buf_fini(&c.out);
	script_house_close(&h);
	return 0;
}
