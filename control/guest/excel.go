package guest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/xuri/excelize/v2"

	"freshet/control/access"
	"freshet/control/event"
)

const excelType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

type excelIn struct {
	ID       uuid.UUID `path:"id" format:"uuid"`
	Language string    `query:"language" enum:"en,fr" default:"en" doc:"Of the headings"`
}

type excelOut struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               []byte
}

// readAtOnce is how many guests are read at a time for a file.
const readAtOnce = 1000

func (r *Routes) excel(ctx context.Context, in *excelIn) (*excelOut, error) {
	e, err := event.Get(ctx, r.Store, access.From(ctx).Account, in.ID)
	if isNone(err) {
		return nil, event.Unknown()
	}
	if err != nil {
		return nil, err
	}
	file, err := excel(e, in.Language, func(before uuid.UUID) ([]listed, error) {
		return list(ctx, r.Store, filter{account: e.Account, event: e.ID}, before, readAtOnce)
	})
	if err != nil {
		return nil, err
	}
	return &excelOut{excelType, `attachment; filename="` + e.Slug + `.xlsx"`, file}, nil
}

// A heading of a column, in English and in French.
var excelHeadings = [][2]string{
	{"Name", "Nom"}, {"Email", "E-mail"}, {"Language", "Langue"}, {"Source", "Source"}, {"State", "État"},
	{"Added", "Ajouté le"}, {"Invited", "Invité le"}, {"Last log-in", "Dernière connexion"},
}

var excelWords = map[string]string{
	"added": "ajouté", "imported": "importé", "registered": "inscrit", "in": "a une place", "waiting": "en attente", "refused": "refusé",
	"erased": "effacé",
}

// excel returns a workbook with a row a guest and a column a field, the newest guest first. next returns those who came
// before another. Dates are the event's, in its time zone.
func excel(e event.Event, language string, next func(before uuid.UUID) ([]listed, error)) ([]byte, error) {
	f := excelize.NewFile()
	defer f.Close() //nolint:errcheck // it is in memory, and was written by then
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(e.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	format := "yyyy-mm-dd hh:mm:ss"
	date, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
	if err != nil {
		return nil, err
	}
	if err := w.SetColWidth(1, len(excelHeadings), 22); err != nil {
		return nil, err
	}
	french := language == "fr"
	word := func(s string) string {
		if french {
			return excelWords[s]
		}
		return s
	}
	at := func(t *time.Time) any {
		if t == nil {
			return nil
		}
		return excelize.Cell{StyleID: date, Value: t.In(zone)}
	}
	heading := []any{}
	for _, h := range excelHeadings {
		if heading = append(heading, h[0]); french {
			heading[len(heading)-1] = h[1]
		}
	}
	for _, field := range e.Form.V {
		heading = append(heading, plain(field.Label))
	}
	line := 1
	put := func(cells []any) error {
		cell, err := excelize.CoordinatesToCellName(1, line)
		line++
		if err != nil {
			return err
		}
		return w.SetRow(cell, cells)
	}
	if err := put(heading); err != nil {
		return nil, err
	}
	for before := uuid.Max; ; {
		guests, err := next(before)
		if err != nil {
			return nil, err
		}
		for _, g := range guests {
			before = g.ID
			cells := []any{plain(g.Name), plain(g.Email), g.Language, word(string(g.Source)), word(string(g.State)), at(&g.CreatedAt), at(g.InvitedAt), at(g.SeenAt)}
			for _, field := range e.Form.V {
				switch v := g.Answers.V[field.ID].V.(type) {
				case string:
					cells = append(cells, plain(v))
				default:
					cells = append(cells, v)
				}
			}
			if err := put(cells); err != nil {
				return nil, err
			}
		}
		if len(guests) < readAtOnce {
			break
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = f.Write(&b)
	return b.Bytes(), err
}

// plain is a text that no spreadsheet takes for a formula (RELIABILITY, section 5).
func plain(s string) string {
	if start := strings.TrimLeft(s, " "); start != "" && slices.Contains([]byte("=+-@\t\r\x00"), start[0]) {
		return "'" + s
	}
	return s
}
