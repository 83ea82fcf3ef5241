/* The registered codes in the words of people: RFC 3463 section 3, and the registry that RFC 5248 began (with 4865, 4954, 6531, 6710, 7293,
 * 7372, 7505, 8617, 8689). */
#include "codec/smtp/status.h"

#define TYPO "Check the address for typing errors, or ask the recipient in another way for the right one."
#define THEIRS "The recipient, or who runs their mail, must put this right. Tell them in another way if the message matters."
#define OURS "Please ask your own mail administrator, and show this message."
#define SMALLER "Send a smaller message, or share the files by a link."
#define REPUTATION "Please show this message to your mail administrator, who can ask the other side why."
#define LATER "You can send the message again later."

struct entry {
	unsigned short subject, detail;
	struct smtp_status_words words;
};

/* Sorted by subject and detail; detail 0 also stands for what is not listed. */
static const struct entry entries[] = {
	{ 0, 0, { "The receiving system did not say why.", THEIRS } },
	{ 1, 0, { "There is something wrong with the address.", TYPO } },
	{ 1, 1, { "There is no mailbox with this address.", TYPO } },
	{ 1, 2, { "The part of the address behind the @ does not exist, or takes no mail.", TYPO } },
	{ 1, 3, { "This is not a valid address.", TYPO } },
	{ 1, 4, { "The address fits more than one recipient.", "Ask the recipient for their exact address." } },
	{ 1, 5, { "The address is valid.", "" } },
	{ 1, 6, { "The recipient has moved and left no new address.", "Ask the recipient in another way for the new one." } },
	{ 1, 7, { "Your own address was not accepted: it is not valid.", OURS } },
	{ 1, 8, { "Your own address was not accepted: its domain cannot be found, or takes no mail.", OURS } },
	{ 1, 9, { "The message was passed to a system that does not report what becomes of it.", "" } },
	{ 1, 10, { "The domain of the address says that it never takes mail.", TYPO } },
	{ 2, 0, { "There is something wrong with the recipient's mailbox.", THEIRS } },
	{ 2, 1, { "The recipient's mailbox is disabled.", THEIRS } },
	{ 2, 2, { "The recipient's mailbox is full.", THEIRS } },
	{ 2, 3, { "The message is larger than this recipient takes.", SMALLER } },
	{ 2, 4, { "The address is a mailing list, and the list could not be worked through.", "Please tell the owner of the list." } },
	{ 3, 0, { "The recipient's mail system has a problem.", LATER } },
	{ 3, 1, { "The recipient's mail system has no room left.", LATER } },
	{ 3, 2, { "The recipient's mail system takes no mail at the moment.", LATER } },
	{ 3, 3, { "The recipient's mail system lacks something that this message needs.", OURS } },
	{ 3, 4, { "The message is larger than the recipient's mail system takes.", SMALLER } },
	{ 3, 5, { "A mail system on the way is not set up correctly.", OURS } },
	{ 3, 6, { "The message was sent with another priority than was asked for.", "" } },
	{ 4, 0, { "The message could not be brought to the recipient's mail system.", LATER } },
	{ 4, 1, { "The recipient's mail system does not answer.", LATER } },
	{ 4, 2, { "The connection to the recipient's mail system broke.", LATER } },
	{ 4, 3, { "The way to the recipient's mail system could not be looked up.", LATER } },
	{ 4, 4, { "No way to the recipient's mail system could be found.", TYPO } },
	{ 4, 5, { "The recipient's mail system is overloaded.", LATER } },
	{ 4, 6, { "The message went in circles between mail systems.", OURS } },
	{ 4, 7, { "The message could not be delivered for too long, and nobody tries any more.", LATER } },
	{ 5, 0, { "The two mail systems did not understand each other.", OURS } },
	{ 5, 1, { "The two mail systems did not understand each other: a command was refused.", OURS } },
	{ 5, 2, { "The two mail systems did not understand each other: something was malformed.", OURS } },
	{ 5, 3, { "The message has more recipients than the other mail system takes.", "Send it to fewer recipients at once." } },
	{ 5, 4, { "The two mail systems did not understand each other: an argument was refused.", OURS } },
	{ 5, 5, { "The two mail systems speak different versions of the protocol.", OURS } },
	{ 5, 6, { "The two mail systems did not understand each other: an answer was too long.", OURS } },
	{ 6, 0, { "The recipient's mail system does not take the content of this message.", THEIRS } },
	{ 6, 1, { "The recipient's mail system does not take this kind of content.", "Send the content in another form." } },
	{ 6, 2, { "The message would have to be converted, and that is not allowed.", "Send the content in another form." } },
	{ 6, 3, { "The message would have to be converted, and that is not possible.", "Send the content in another form." } },
	{ 6, 4, { "The message had to be converted, and something was lost.", "" } },
	{ 6, 5, { "The message would have to be converted, and that failed.", "Send the content in another form." } },
	{ 6, 6, { "The content of the message could not be fetched.", LATER } },
	{ 6, 7, { "The recipient's mail system does not take addresses with letters outside ASCII.", "Use addresses in plain Latin letters for this message, also your own." } },
	{ 6, 8, { "The recipient's mail system can only answer in a way that was not asked for.", OURS } },
	{ 6, 9, { "The recipient's mail system does not take header fields with letters outside ASCII.", "Use addresses in plain Latin letters for this message, also your own." } },
	{ 6, 10, { "The recipient's mail system does not take header fields with letters outside ASCII.", "Use addresses in plain Latin letters for this message, also your own." } },
	{ 7, 0, { "The recipient's mail system refused the message for reasons of security or policy.", REPUTATION } },
	{ 7, 1, { "The recipient's mail system does not allow you to send this message.", REPUTATION } },
	{ 7, 2, { "You are not allowed to send to this mailing list.", "Join the list, or ask its owner." } },
	{ 7, 3, { "The message would have to be converted for security, and that is not possible.", OURS } },
	{ 7, 4, { "A security feature that was asked for is not supported.", OURS } },
	{ 7, 5, { "Encryption or decryption failed.", OURS } },
	{ 7, 6, { "The method of encryption is not supported.", OURS } },
	{ 7, 7, { "The message was changed on its way.", "Send it again." } },
	{ 7, 8, { "The other mail system did not accept the user name or password.", OURS } },
	{ 7, 9, { "The other mail system wants a stronger way to log in.", OURS } },
	{ 7, 10, { "The message needs an encrypted connection, and there was none.", OURS } },
	{ 7, 11, { "The other mail system wants an encrypted connection to log in.", OURS } },
	{ 7, 12, { "The other mail system wants a new password.", OURS } },
	{ 7, 13, { "The account is disabled.", THEIRS } },
	{ 7, 14, { "The other mail system takes mail only from those it has an agreement with.", OURS } },
	{ 7, 15, { "The priority of the message is too low.", LATER } },
	{ 7, 16, { "The message is too large for its priority.", SMALLER } },
	{ 7, 17, { "The mailbox belongs to somebody else now.", "Ask the recipient in another way for the new address." } },
	{ 7, 18, { "The domain belongs to somebody else now.", "Ask the recipient in another way for the new address." } },
	{ 7, 19, { "It could not be verified whether the mailbox still belongs to the same person.", "Ask the recipient in another way for the new address." } },
	{ 7, 20, { "The message has no valid DKIM signature.", OURS } },
	{ 7, 21, { "The message has no DKIM signature that the other side accepts.", OURS } },
	{ 7, 22, { "The message has no DKIM signature of its author's domain.", OURS } },
	{ 7, 23, { "The domain of your address does not allow this server to send its mail (SPF).", OURS } },
	{ 7, 24, { "The SPF record of your address's domain could not be used.", OURS } },
	{ 7, 25, { "The other mail system does not accept the network name of this server (reverse DNS).", OURS } },
	{ 7, 26, { "The message failed several checks of its origin.", OURS } },
	{ 7, 27, { "Your own address was not accepted: its domain says that it never takes mail.", OURS } },
	{ 7, 28, { "Too many messages came at once.", LATER } },
	{ 7, 29, { "The signatures of those who forwarded the message are broken (ARC).", OURS } },
	{ 7, 30, { "The message demands encryption all the way (REQUIRETLS), and the other side does not promise it.", "Send it without that demand, if that is good enough." } },
};

struct smtp_status_words smtp_status_explain(struct smtp_status s)
{
	const struct entry *found = entries;

	if (s.class == 2 && s.detail == 0)
		return (struct smtp_status_words){ "", "" };
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
		if (entries[i].subject == s.subject && (entries[i].detail == 0 || entries[i].detail == s.detail))
			found = &entries[i];
	return found->words;
}
