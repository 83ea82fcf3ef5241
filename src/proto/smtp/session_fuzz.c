/* Whole sessions against a house in memory: the first octet says how (mode, user, how much arrives at a time), the rest is what the client sends. */
#include "proto/smtp/conn_script.h"
#include "proto/smtp/session.h"
#include "rt/dns_zone.h"

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
	struct dns_zone *zone = dns_zone_create();
	struct dns_source dns = dns_zone_source(zone);
	struct mail_config config = mail_config_defaults();
	/* all that is for listed peers is for this one */
	config.smtp_xclient_from = config.smtp_xforward_from = config.smtp_etrn_from = config.smtp_expn_from = config.smtp_priority_from = STR("0.0.0.0/0 ::/0");
	config.submission_fetch = STR("alice@example.org=fetched.test,other.test");
	config.smtp_no_soliciting = STR("net.example:ADV");
	if (services_set_config(h.services, &config))
		abort();
	struct smtp_service service = { .services = h.services, .mode = data[0] / STEPS % MODES, .queue = h.queue, .store = h.store, .dns = &dns };
	script_open(&c, &service, data[0] & 64 ? "2001:db8::1" : "192.0.2.1");
	if (service.mode == SMTP_SUBMISSION && !(data[0] & 128))
		((struct smtp_session *)c.session)->user = str_dup_c(STR("alice@example.org"));
	script_play(&c, str_make(data + 1, size - 1), steps[data[0] % STEPS]);
	script_close(&c);
	buf_fini(&c.out);
	script_house_close(&h);
	dns_zone_destroy(&zone);
	return 0;
}
