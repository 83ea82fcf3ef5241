/* For the tests: SPF questions from standard input, answered from zones that stand there as well.
 *
 *     ZONE                                    forgets the zone
 *     R LINE                                  adds a line as dns_zone_add takes it
 *     Q <TAB> IP <TAB> HELO <TAB> SENDER      answers with RESULT <TAB> DOMAIN <TAB> EXPLANATION <TAB> PROBLEM */
#include "mailauth/spf.h"
#include "rt/dns_zone.h"

#define LINE_MAX_BYTES ((size_t)64 << 10)

static bool ask(struct dns_zone *zone, struct str line)
{
	struct dns_source source = dns_zone_source(zone);
	struct arena a = ARENA_INIT(0);
	struct spf_question q = { .receiver = STR("receiver.example.org") };
	struct spf_answer answer;
	struct str ip, rest;
	str_cut(line, '\t', &ip, &rest);
	str_cut(rest, '\t', &q.helo, &q.sender);
	bool asked = net_addr_parse(ip, 0, &q.ip) && spf_check(&source, &a, &q, &answer) == 0;
	if (asked)
		printf("%s\t%.*s\t%.*s\t%s\n", spf_result_text(answer.result), STR_ARG(answer.domain), STR_ARG(answer.explanation),
		       answer.problem ? answer.problem : "");
	arena_fini(&a);
	return asked;
}

int main(void)
{
	char line[LINE_MAX_BYTES];
	struct dns_zone *zone = dns_zone_create();
	bool fine = true;
	while (fine && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (str_eq(str_from_c(line), STR("ZONE"))) {
			dns_zone_destroy(&zone);
			zone = dns_zone_create();
		} else if (str_starts(str_from_c(line), STR("R "))) {
			dns_zone_add(zone, line + 2);
		} else {
			fine = str_starts(str_from_c(line), STR("Q\t")) && ask(zone, str_from(str_from_c(line), 2));
		}
	}
	if (!fine)
		fprintf(stderr, "cannot take this line: %s\n", line);
	dns_zone_destroy(&zone);
	return fine ? 0 : 1;
}
