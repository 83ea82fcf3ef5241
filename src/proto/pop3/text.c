#include "proto/pop3/text.h"

static const struct { const char *tag, *name; } languages[POP3_LANGUAGES] = {
	[POP3_ENGLISH] = { "en", "English" },
	[POP3_RUSSIAN] = { "ru", "Русский" },
};

static const char *const texts[TEXT_COUNT][POP3_LANGUAGES] = {
	[TEXT_READY] = { "POP3 server ready", "сервер POP3 готов" },
	[TEXT_GOODBYE] = { "Goodbye", "До свидания" },
	[TEXT_SHUTTING_DOWN] = { "The server is shutting down", "Сервер останавливается" },
	[TEXT_UNKNOWN_COMMAND] = { "Unknown command", "Неизвестная команда" },
	[TEXT_WRONG_STATE] = { "Not in this state", "Сейчас эта команда недопустима" },
	[TEXT_BAD_ARGUMENTS] = { "Wrong arguments", "Неверные аргументы" },
	[TEXT_BAD_LINE] = { "NUL is not allowed in a command", "В команде не может быть NUL" },
	[TEXT_LINE_TOO_LONG] = { "Line too long", "Слишком длинная строка" },
	[TEXT_CAPABILITIES] = { "Capabilities follow", "Список возможностей" },
	[TEXT_BEGIN_TLS] = { "Begin TLS", "Начинайте TLS" },
	[TEXT_TLS_ACTIVE] = { "TLS is active already", "TLS уже включён" },
	[TEXT_TLS_AFTER_UTF8] = { "STLS must come before UTF8", "STLS должна быть до UTF8" },
	[TEXT_TLS_UNAVAILABLE] = { "TLS is not available", "TLS недоступен" },
	[TEXT_TLS_REQUIRED] = { "Passwords need TLS: STLS first", "Для пароля нужен TLS: сначала STLS" },
	[TEXT_SEND_PASS] = { "Send PASS", "Жду PASS" },
	[TEXT_USER_FIRST] = { "USER first", "Сначала USER" },
	[TEXT_NO_APOP] = { "APOP is not available", "APOP недоступна" },
	[TEXT_LOGGED_IN] = { "Maildrop locked and ready", "Ящик открыт" },
	[TEXT_WRONG_PASSWORD] = { "Authentication failed", "Вход не удался" },
	[TEXT_TOO_MANY_FAILURES] = { "Too many failures, try again later", "Слишком много неудач, попробуйте позже" },
	[TEXT_CANCELLED] = { "Authentication cancelled", "Вход отменён" },
	[TEXT_BAD_RESPONSE] = { "Cannot decode the response", "Ответ не разобрать" },
	[TEXT_UNKNOWN_MECHANISM] = { "Unknown authentication mechanism", "Неизвестный механизм входа" },
	[TEXT_IN_USE] = { "The maildrop is in use by another POP3 session", "Ящик занят другой сессией POP3" },
	[TEXT_TOO_SOON] = { "Minimum time between logins has not passed", "С прошлого входа прошло мало времени" },
	[TEXT_TOO_MANY_CONNECTIONS] = { "Too many connections of this user", "Слишком много соединений" },
	[TEXT_TEMPORARY] = { "Not now, try again later", "Сейчас не получилось, попробуйте позже" },
	[TEXT_PERMANENT] = { "An operator must look at this", "Здесь нужен администратор" },
	[TEXT_MESSAGES] = { "messages", "писем" },
	[TEXT_OCTETS] = { "octets", "октетов" },
	[TEXT_LISTING] = { "Unique-id listing follows", "Список идентификаторов" },
	[TEXT_TOP_FOLLOWS] = { "Top of message follows", "Начало письма" },
	[TEXT_NO_SUCH_MESSAGE] = { "No such message", "Нет такого письма" },
	[TEXT_MARKED] = { "Marked to be deleted", "Письмо помечено к удалению" },
	[TEXT_ALREADY_MARKED] = { "Message is marked to be deleted", "Это письмо помечено к удалению" },
	[TEXT_VANISHED] = { "The message was removed by another client", "Письмо удалено другой программой" },
	[TEXT_NEEDS_UTF8] = { "The message needs UTF8", "Для этого письма нужна команда UTF8" },
	[TEXT_NOOP] = { "Nothing done", "Ничего не сделано" },
	[TEXT_UNMARKED] = { "No message is marked any more", "Пометки сняты" },
	[TEXT_NOT_REMOVED] = { "Nothing was removed", "Ничего не удалено" },
	[TEXT_UTF8_ON] = { "UTF-8 mode", "Режим UTF-8" },
	[TEXT_LANGUAGES] = { "Languages follow", "Список языков" },
	[TEXT_LANGUAGE_CHANGED] = { "Language changed", "Язык изменён" },
	[TEXT_NO_SUCH_LANGUAGE] = { "No such language", "Нет такого языка" },
};

const char *pop3_text(enum pop3_language language, enum pop3_text text) { return texts[text][language]; }
const char *pop3_language_tag(enum pop3_language language) { return languages[language].tag; }
const char *pop3_language_name(enum pop3_language language) { return languages[language].name; }

bool pop3_language_find(struct str range, enum pop3_language *out)
{
	if (str_eq(range, STR("*"))) {
		*out = POP3_ENGLISH;
		return true;
	}
	while (range.n) {
		for (unsigned i = 0; i < POP3_LANGUAGES; i++)
			if (str_ieq(range, str_from_c(languages[i].tag))) {
				*out = (enum pop3_language)i;
				return true;
			}
		/* one subtag less */
		size_t hyphen = str_rchr(range, '-');
		range = str_sub(range, 0, hyphen == STR_NPOS ? 0 : hyphen);
	}
	return false;
}
