package roll

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"freshet/proto/problem"
)

// Files as spreadsheets write them.
func TestRead(t *testing.T) {
	latin, err := charmap.Windows1252.NewEncoder().String("Nom;Prénom;Courriel\r\nBrontë;Zoé;zoe@example.org\r\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, want string }{
		"a heading":            {"name,email,language\nZoë,zoe@example.org,en\nBo,bo@example.org,\n", "Zoë <zoe@example.org> en, Bo <bo@example.org>"},
		"in French, for Excel": {"\ufeffLangue;E-mail;Nom complet\r\nfr-CA;Zoe@Example.org;\"Brontë; Zoë\"\r\n", "Brontë; Zoë <Zoe@Example.org> fr-CA"},
		"Windows-1252":         {latin, "Zoé Brontë <zoe@example.org>"},
		"no heading":           {"Zoë,zoe@example.org\n", "Zoë <zoe@example.org>"},
		"addresses alone":      {"zoe@example.org\n\nbo@example.org", " <zoe@example.org>,  <bo@example.org>"},
		"address first":        {"zoe@example.org, Zoë , de", "Zoë <zoe@example.org> de"},
		"tabs":                 {"Zoë\tzoe@example.org", "Zoë <zoe@example.org>"},
		"more columns":         {"Company,Email,Name,City\nACME,zoe@example.org,Zoë,York,", "Zoë <zoe@example.org>"},
		"what turns writing":   {"\u202eZoë,zoe@example.org", "Zoë <zoe@example.org>"},
	} {
		rows, err := Read([]byte(c.file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, strings.TrimSuffix(fmt.Sprintf("%s <%s> %s", r.Name, r.Email, r.Language), " "))
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
}

// Each line that is not valid is named, and then there is nothing to add.
func TestBadLines(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"addresses":     {"name,email\nA,a@example.org\nB,b\n\nC,\nD,d@example.org,x,y\n", "/line/3 This is not an email address. /line/5 There is no address."},
		"a language":    {"A,a@example.org,?\n", "/line/1 The language is no tag of BCP 47, such as en or fr-CA."},
		"a long name":   {"a@example.org," + strings.Repeat("é", 81), "/line/1 The name is longer than 80 characters."},
		"a quotation":   {"name,email\n\"A,a@example.org\nB,b@example.org", "/line/2 A quotation mark is missing, or one too many."},
		"more lines":    {"email\n\"a\nb\"\nc\n", "/line/2 This is not an email address. /line/4 This is not an email address."},
		"UTF-16":        {"\xff\xfeA\x00", "/line/1 This is no text. Save the file as “CSV UTF-8”."},
		"other letters": {"\x81\x8d,a@example.org", "/line/1 The letters of this file cannot be read. Save it as “CSV UTF-8”."},
		"nobody":        {"name,email\n", "/line/1 There is nobody in this file."},
		"columns":       {"name,email\nA" + strings.Repeat(",", 101), "/line/2 A line has at most 101 columns."},
		"too many":      {strings.Repeat("a@example.org\n", linesMost+1), "/line/20001 A file has at most 20000 people. Split it."},
	} {
		rows, err := Read([]byte(c.file))
		p := (*problem.Problem)(nil)
		if !errors.As(err, &p) || p.Status != 422 || rows != nil {
			t.Errorf("%s: %v, %v", name, rows, err)
			continue
		}
		var got []string
		for _, f := range p.Errors {
			got = append(got, f.Pointer+" "+f.Detail)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
}

// Whatever a file has in it, each guest that is read has an address, and nothing hangs or panics.
func FuzzRead(f *testing.F) {
	f.Add([]byte("name,email,language\nZoë,zoe@example.org,en\n"))
	f.Add([]byte("\ufeffNom;Courriel\r\n\"B;r\";b@example.org\r\n"))
	f.Add([]byte("\"\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		rows, err := Read(file)
		if err == nil && len(rows) == 0 {
			t.Fatal("nobody, and no error")
		}
		for _, r := range rows {
			if r.Address == "" || strings.ContainsAny(r.Name+r.Email, "\x00\r\n\u202e") {
				t.Fatalf("%+v", r)
			}
		}
	})
}
