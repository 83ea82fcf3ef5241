/* What mail programs and providers call the folders that have a use, where the server does not say. Better ones stand before worse ones of the same use. */
#include "migrate/names.h"

static const struct { uint32_t use; const char *name; } known[] = {
	{ MAILBOX_USE_SENT, "Sent" }, { MAILBOX_USE_SENT, "Sent Items" }, { MAILBOX_USE_SENT, "Sent Messages" }, { MAILBOX_USE_SENT, "Sent Mail" },
	{ MAILBOX_USE_SENT, "sent-mail" }, { MAILBOX_USE_SENT, "SentMail" }, { MAILBOX_USE_SENT, "Outbox" },
	{ MAILBOX_USE_SENT, "Gesendet" }, { MAILBOX_USE_SENT, "Gesendete Objekte" }, { MAILBOX_USE_SENT, "Gesendete Elemente" }, { MAILBOX_USE_SENT, "Gesendete Nachrichten" },
	{ MAILBOX_USE_SENT, "Envoy\xc3\xa9s" }, { MAILBOX_USE_SENT, "Messages envoy\xc3\xa9s" }, { MAILBOX_USE_SENT, "\xc3\x89l\xc3\xa9ments envoy\xc3\xa9s" },
	{ MAILBOX_USE_SENT, "Enviados" }, { MAILBOX_USE_SENT, "Elementos enviados" }, { MAILBOX_USE_SENT, "Mensajes enviados" }, { MAILBOX_USE_SENT, "Itens enviados" },
	{ MAILBOX_USE_SENT, "Posta inviata" }, { MAILBOX_USE_SENT, "Inviata" }, { MAILBOX_USE_SENT, "Inviati" }, { MAILBOX_USE_SENT, "Verzonden" },
	{ MAILBOX_USE_SENT, "Verzonden items" }, { MAILBOX_USE_SENT, "Wys\xc5\x82""ane" }, { MAILBOX_USE_SENT, "Elementy wys\xc5\x82""ane" }, { MAILBOX_USE_SENT, "Skickat" },
	{ MAILBOX_USE_SENT, "Sendt" }, { MAILBOX_USE_SENT, "Sendt post" }, { MAILBOX_USE_SENT, "L\xc3\xa4hetetyt" }, { MAILBOX_USE_SENT, "Odeslan\xc3\xa9" },
	{ MAILBOX_USE_SENT, "Odeslan\xc3\xa1 po\xc5\xa1ta" }, { MAILBOX_USE_SENT, "\xd0\x9e\xd1\x82\xd0\xbf\xd1\x80\xd0\xb0\xd0\xb2\xd0\xbb\xd0\xb5\xd0\xbd\xd0\xbd\xd1\x8b\xd0\xb5" },
	{ MAILBOX_USE_SENT, "\xe9\x80\x81\xe4\xbf\xa1\xe6\xb8\x88\xe3\x81\xbf" }, { MAILBOX_USE_SENT, "\xe9\x80\x81\xe4\xbf\xa1\xe6\xb8\x88\xe3\x81\xbf\xe3\x82\xa2\xe3\x82\xa4\xe3\x83\x86\xe3\x83\xa0" },
	{ MAILBOX_USE_SENT, "\xe5\xb7\xb2\xe5\x8f\x91\xe9\x80\x81" }, { MAILBOX_USE_SENT, "\xe5\xb7\xb2\xe5\x8f\x91\xe9\x80\x81\xe9\x82\xae\xe4\xbb\xb6" },

	{ MAILBOX_USE_DRAFTS, "Drafts" }, { MAILBOX_USE_DRAFTS, "Draft" }, { MAILBOX_USE_DRAFTS, "Entw\xc3\xbcrfe" }, { MAILBOX_USE_DRAFTS, "Brouillons" },
	{ MAILBOX_USE_DRAFTS, "Borradores" }, { MAILBOX_USE_DRAFTS, "Rascunhos" }, { MAILBOX_USE_DRAFTS, "Bozze" }, { MAILBOX_USE_DRAFTS, "Concepten" },
	{ MAILBOX_USE_DRAFTS, "Kopie robocze" }, { MAILBOX_USE_DRAFTS, "Wersje robocze" }, { MAILBOX_USE_DRAFTS, "Szkice" }, { MAILBOX_USE_DRAFTS, "Utkast" },
	{ MAILBOX_USE_DRAFTS, "Kladder" }, { MAILBOX_USE_DRAFTS, "Luonnokset" }, { MAILBOX_USE_DRAFTS, "Koncepty" },
	{ MAILBOX_USE_DRAFTS, "\xd0\xa7\xd0\xb5\xd1\x80\xd0\xbd\xd0\xbe\xd0\xb2\xd0\xb8\xd0\xba\xd0\xb8" }, { MAILBOX_USE_DRAFTS, "\xe4\xb8\x8b\xe6\x9b\xb8\xe3\x81\x8d" },
	{ MAILBOX_USE_DRAFTS, "\xe8\x8d\x89\xe7\xa8\xbf" }, { MAILBOX_USE_DRAFTS, "\xe8\x8d\x89\xe7\xa8\xbf\xe7\xae\xb1" },

	{ MAILBOX_USE_TRASH, "Trash" }, { MAILBOX_USE_TRASH, "Deleted Items" }, { MAILBOX_USE_TRASH, "Deleted Messages" }, { MAILBOX_USE_TRASH, "Bin" },
	{ MAILBOX_USE_TRASH, "Deleted" }, { MAILBOX_USE_TRASH, "Papierkorb" }, { MAILBOX_USE_TRASH, "Gel\xc3\xb6schte Objekte" }, { MAILBOX_USE_TRASH, "Gel\xc3\xb6schte Elemente" },
	{ MAILBOX_USE_TRASH, "Corbeille" }, { MAILBOX_USE_TRASH, "\xc3\x89l\xc3\xa9ments supprim\xc3\xa9s" }, { MAILBOX_USE_TRASH, "Papelera" },
	{ MAILBOX_USE_TRASH, "Elementos eliminados" }, { MAILBOX_USE_TRASH, "Lixeira" }, { MAILBOX_USE_TRASH, "Itens exclu\xc3\xad""dos" }, { MAILBOX_USE_TRASH, "Cestino" },
	{ MAILBOX_USE_TRASH, "Posta eliminata" }, { MAILBOX_USE_TRASH, "Prullenbak" }, { MAILBOX_USE_TRASH, "Verwijderde items" }, { MAILBOX_USE_TRASH, "Kosz" },
	{ MAILBOX_USE_TRASH, "Elementy usuni\xc4\x99te" }, { MAILBOX_USE_TRASH, "Papperskorgen" }, { MAILBOX_USE_TRASH, "Papirkurv" }, { MAILBOX_USE_TRASH, "Roskakori" },
	{ MAILBOX_USE_TRASH, "Ko\xc5\xa1" }, { MAILBOX_USE_TRASH, "Odstran\xc4\x9bn\xc3\xa1 po\xc5\xa1ta" },
	{ MAILBOX_USE_TRASH, "\xd0\xa3\xd0\xb4\xd0\xb0\xd0\xbb\xd0\xb5\xd0\xbd\xd0\xbd\xd1\x8b\xd0\xb5" }, { MAILBOX_USE_TRASH, "\xd0\x9a\xd0\xbe\xd1\x80\xd0\xb7\xd0\xb8\xd0\xbd\xd0\xb0" },
	{ MAILBOX_USE_TRASH, "\xe3\x82\xb4\xe3\x83\x9f\xe7\xae\xb1" }, { MAILBOX_USE_TRASH, "\xe5\xb7\xb2\xe5\x88\xa0\xe9\x99\xa4" }, { MAILBOX_USE_TRASH, "\xe5\xb7\xb2\xe5\x88\xa0\xe9\x99\xa4\xe9\x82\xae\xe4\xbb\xb6" },

	{ MAILBOX_USE_JUNK, "Junk" }, { MAILBOX_USE_JUNK, "Spam" }, { MAILBOX_USE_JUNK, "Junk E-mail" }, { MAILBOX_USE_JUNK, "Junk Email" }, { MAILBOX_USE_JUNK, "Junk Mail" },
	{ MAILBOX_USE_JUNK, "Bulk Mail" }, { MAILBOX_USE_JUNK, "Spamverdacht" }, { MAILBOX_USE_JUNK, "Unerw\xc3\xbcnscht" }, { MAILBOX_USE_JUNK, "Junk-E-Mail" },
	{ MAILBOX_USE_JUNK, "Courrier ind\xc3\xa9sirable" }, { MAILBOX_USE_JUNK, "Ind\xc3\xa9sirables" }, { MAILBOX_USE_JUNK, "Correo no deseado" },
	{ MAILBOX_USE_JUNK, "Lixo eletr\xc3\xb4nico" }, { MAILBOX_USE_JUNK, "Posta indesiderata" }, { MAILBOX_USE_JUNK, "Ongewenste e-mail" },
	{ MAILBOX_USE_JUNK, "Wiadomo\xc5\x9b""ci-\xc5\x9bmieci" }, { MAILBOX_USE_JUNK, "Skr\xc3\xa4ppost" }, { MAILBOX_USE_JUNK, "S\xc3\xb8ppelpost" }, { MAILBOX_USE_JUNK, "Roskaposti" },
	{ MAILBOX_USE_JUNK, "Nevy\xc5\xbe\xc3\xa1""dan\xc3\xa1 po\xc5\xa1ta" }, { MAILBOX_USE_JUNK, "\xd0\xa1\xd0\xbf\xd0\xb0\xd0\xbc" },
	{ MAILBOX_USE_JUNK, "\xd0\x9d\xd0\xb5\xd0\xb6\xd0\xb5\xd0\xbb\xd0\xb0\xd1\x82\xd0\xb5\xd0\xbb\xd1\x8c\xd0\xbd\xd0\xb0\xd1\x8f \xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0" },
	{ MAILBOX_USE_JUNK, "\xe8\xbf\xb7\xe6\x83\x91\xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab" }, { MAILBOX_USE_JUNK, "\xe5\x9e\x83\xe5\x9c\xbe\xe9\x82\xae\xe4\xbb\xb6" },

	{ MAILBOX_USE_ARCHIVE, "Archive" }, { MAILBOX_USE_ARCHIVE, "Archives" }, { MAILBOX_USE_ARCHIVE, "Archiv" }, { MAILBOX_USE_ARCHIVE, "Archivo" },
	{ MAILBOX_USE_ARCHIVE, "Arquivo" }, { MAILBOX_USE_ARCHIVE, "Archivio" }, { MAILBOX_USE_ARCHIVE, "Archief" }, { MAILBOX_USE_ARCHIVE, "Archiwum" },
	{ MAILBOX_USE_ARCHIVE, "Arkiv" }, { MAILBOX_USE_ARCHIVE, "Arkisto" }, { MAILBOX_USE_ARCHIVE, "\xd0\x90\xd1\x80\xd1\x85\xd0\xb8\xd0\xb2" },
	{ MAILBOX_USE_ARCHIVE, "\xe3\x82\xa2\xe3\x83\xbc\xe3\x82\xab\xe3\x82\xa4\xe3\x83\x96" }, { MAILBOX_USE_ARCHIVE, "\xe5\xb7\xb2\xe5\xbd\x92\xe6\xa1\xa3" },
};

uint32_t names_known_use(struct str name, unsigned *rank_out)
{
	for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
		if (str_ieq(name, str_from_c(known[i].name))) {
			*rank_out = i;
			return known[i].use;
		}
	}
	return 0;
}
