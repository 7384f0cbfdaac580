package roll

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"freshet/control/event"
	"freshet/proto/problem"
)

// FileMost is how large a file may be, in bytes: 20,000 lines of 200.
const FileMost = 4 << 20

// linesMost of one file.
const linesMost = 20_000

// separatorsMost of one line: a file of nothing else would take fifty times its size.
const separatorsMost = 100

// faultsMost is how many lines that are not valid a report names.
const faultsMost = 1000

// A column of a file of people.
type column uint8

const (
	noColumn column = iota
	nameColumn
	firstColumn
	lastColumn
	emailColumn
	languageColumn
)

// headings are what columns are called, as event.Words has it.
var headings = map[string]column{
	"name": nameColumn, "full name": nameColumn, "display name": nameColumn, "nom complet": nameColumn, "nom et prenom": nameColumn,
	"first name": firstColumn, "firstname": firstColumn, "given name": firstColumn, "prenom": firstColumn,
	"last name": lastColumn, "lastname": lastColumn, "surname": lastColumn, "family name": lastColumn, "nom": lastColumn, "nom de famille": lastColumn,
	"email": emailColumn, "e mail": emailColumn, "mail": emailColumn, "email address": emailColumn, "e mail address": emailColumn,
	"courriel": emailColumn, "adresse": emailColumn, "address": emailColumn, "adresse email": emailColumn, "adresse e mail": emailColumn,
	"adresse mail": emailColumn, "adresse courriel": emailColumn,
	"language": languageColumn, "langue": languageColumn, "lang": languageColumn,
}

// ReadFile is Read of what a request has sent as a content type, which has to be text/csv: else it is a problem of 415.
func ReadFile(contentType string, file []byte) ([]Entry, error) {
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != "text/csv" {
		return nil, problem.New(http.StatusUnsupportedMediaType, "content-type", "Wrong content type", "Send the file as text/csv.")
	}
	return Read(file)
}

// Read returns the people who stand in a file of comma-separated values (RFC 4180), or a problem that names each
// line which is not valid. The separator may be a semicolon, the first line may name the columns; without it these are
// name, email and language, or email, name and language. What is not UTF-8 is taken for Windows-1252, as French
// spreadsheets write it.
func Read(file []byte) ([]Entry, error) {
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	if bytes.IndexByte(file, 0) >= 0 {
		return nil, unreadable("/line/1", "This is no text. Save the file as “CSV UTF-8”.")
	}
	if !utf8.Valid(file) {
		latin, err := charmap.Windows1252.NewDecoder().Bytes(file)
		if err != nil || bytes.ContainsRune(latin, utf8.RuneError) {
			return nil, unreadable("/line/1", "The letters of this file cannot be read. Save it as “CSV UTF-8”.")
		}
		file = latin
	}
	comma, n := separator(file), 0
	for line := range bytes.Lines(file) {
		if n++; bytes.Count(line, []byte(string(comma))) > separatorsMost {
			return nil, unreadable(pointer(n), fmt.Sprintf("A line has at most %d columns.", separatorsMost+1))
		}
	}
	r := csv.NewReader(bytes.NewReader(file))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = comma, -1, true, true
	var rows []Entry
	var bad []problem.Field
	var columns []column
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
			bad = append(bad, problem.Field{Pointer: pointer(wrong.StartLine), Detail: "A quotation mark is missing, or one too many."})
			break // where it ends, nobody knows
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if columns == nil {
			var heading bool
			if columns, heading = columnsOf(fields); heading {
				continue
			}
		}
		one, _, reason := Check(pick(fields, columns))
		if reason != "" {
			bad = append(bad, problem.Field{Pointer: pointer(line), Detail: reason})
		}
		if rows = append(rows, one); len(rows) > linesMost {
			return nil, unreadable(pointer(line), fmt.Sprintf("A file has at most %d people. Split it.", linesMost))
		}
	}
	if len(bad) > 0 {
		p := unreadable(bad[0].Pointer, fmt.Sprintf("%d lines are not valid. Nobody was added.", len(bad)))
		p.Errors = bad[:min(len(bad), faultsMost)]
		return nil, p
	}
	if len(rows) == 0 {
		return nil, unreadable("/line/1", "There is nobody in this file.")
	}
	return rows, nil
}

func pointer(line int) string { return fmt.Sprint("/line/", line) }

func unreadable(pointer, detail string) *problem.Problem {
	return problem.Invalid(pointer, detail)
}

// separator is what stands between the fields of the first line: whichever of comma, semicolon and tab comes most often.
func separator(file []byte) rune {
	first, _, _ := bytes.Cut(file, []byte("\n"))
	best := ','
	for _, c := range ";\t" {
		if bytes.Count(first, []byte(string(c))) > bytes.Count(first, []byte(string(best))) {
			best = c
		}
	}
	return best
}

// columnsOf returns what stands in each column, by the first line, and whether that names them.
func columnsOf(fields []string) (columns []column, heading bool) {
	columns = make([]column, len(fields))
	for i, f := range fields {
		columns[i] = headings[event.Words(f)]
		heading = heading || columns[i] == emailColumn
	}
	if heading {
		return columns, true
	}
	if strings.Contains(fields[0], "@") {
		return []column{emailColumn, nameColumn, languageColumn}, false
	}
	return []column{nameColumn, emailColumn, languageColumn}, false
}

// pick returns what a line says of somebody.
func pick(fields []string, columns []column) NewPerson {
	var by [languageColumn + 1]string
	for i, f := range fields {
		if i < len(columns) {
			by[columns[i]] = strings.TrimSpace(f)
		}
	}
	p := NewPerson{Name: by[nameColumn], Email: by[emailColumn], Language: by[languageColumn]}
	if p.Name == "" {
		p.Name = strings.TrimSpace(by[firstColumn] + " " + by[lastColumn])
	}
	return p
}
