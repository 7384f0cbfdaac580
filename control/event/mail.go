package event

import "freshet/control/mail"

// A MailBlock is a part of the mails about an event that may be left out.
type MailBlock string

// The blocks. A calendar entry brings the buttons by which mail programs accept and decline.
const (
	LogoBlock      MailBlock = "logo"
	NumberBlock    MailBlock = "number"
	CalendarBlock  MailBlock = "calendar"
	AgendaBlock    MailBlock = "agenda"
	LobbyBlock     MailBlock = "lobby"
	SignatureBlock MailBlock = "signature"
)

// Trim takes out of m, a mail about e, what it is not to show. Whoever has an entry is told that it is cancelled.
func (e *Event) Trim(m *mail.Message) {
	for _, b := range e.MailHidden.V {
		switch b {
		case LogoBlock:
			if m.Brand != nil {
				m.Brand.Logo = ""
			}
		case NumberBlock:
			m.About.Number = ""
		case CalendarBlock:
			if m.Kind != mail.Cancelled {
				m.Calendar = mail.Calendar{}
			}
		case AgendaBlock:
			m.About.Agenda = nil
		case LobbyBlock:
			m.About.Lobby = ""
		case SignatureBlock:
			m.About.Signature = ""
		}
	}
}
