#include "codec/smtp/ehlo.h"

#include "base/num.h"

static const struct { struct str name; unsigned extension; } keywords[] = {
	{ STR_INIT("PIPELINING"), SMTP_EXT_PIPELINING }, { STR_INIT("SIZE"), SMTP_EXT_SIZE }, { STR_INIT("STARTTLS"), SMTP_EXT_STARTTLS },
	{ STR_INIT("AUTH"), SMTP_EXT_AUTH }, { STR_INIT("8BITMIME"), SMTP_EXT_8BITMIME }, { STR_INIT("CHUNKING"), SMTP_EXT_CHUNKING },
	{ STR_INIT("BINARYMIME"), SMTP_EXT_BINARYMIME }, { STR_INIT("SMTPUTF8"), SMTP_EXT_SMTPUTF8 }, { STR_INIT("DSN"), SMTP_EXT_DSN },
	{ STR_INIT("DELIVERBY"), SMTP_EXT_DELIVERBY }, { STR_INIT("MT-PRIORITY"), SMTP_EXT_MT_PRIORITY },
	{ STR_INIT("REQUIRETLS"), SMTP_EXT_REQUIRETLS },
};
static const struct { struct str name; unsigned mechanism; } mechanisms[] = {
	{ STR_INIT("PLAIN"), SMTP_AUTH_PLAIN }, { STR_INIT("LOGIN"), SMTP_AUTH_LOGIN }, { STR_INIT("SCRAM-SHA-256"), SMTP_AUTH_SCRAM_SHA_256 },
	{ STR_INIT("SCRAM-SHA-1"), SMTP_AUTH_SCRAM_SHA_1 },
};

static void take_mechanisms(struct smtp_ehlo *e, struct str list)
{
	struct str name;

	while (list.n) {
		str_cut(str_trim(list), ' ', &name, &list);
		for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
			if (str_ieq(name, mechanisms[i].name))
				e->auth |= mechanisms[i].mechanism;
	}
}

void smtp_ehlo_line(struct smtp_ehlo *e, struct str text)
{
	struct str keyword, value;
	unsigned extension = 0;
	uint64_t number = 0;

	text = str_trim(text);
	/* "AUTH=LOGIN PLAIN" is how it was written before RFC 2554, and some still do beside the proper line. */
	if (str_istarts(text, STR("AUTH="))) {
		keyword = STR("AUTH");
		value = str_from(text, 5);
	} else {
		str_cut(text, ' ', &keyword, &value);
	}
	value = str_trim(value);
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		if (str_ieq(keyword, keywords[i].name))
			extension = keywords[i].extension;
	e->extensions |= extension;
	switch (extension) {
	case SMTP_EXT_SIZE:
		if (num_parse_u64(value, &number))
			e->size_max = number;
		break;
	case SMTP_EXT_DELIVERBY:
		if (num_parse_u64(value, &number))
			e->deliver_by_min = number;
		break;
	case SMTP_EXT_AUTH:
		take_mechanisms(e, value);
		break;
	default:
		break;
	}
}
