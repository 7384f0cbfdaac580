package mail

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"sync"
	text "text/template"
)

//go:embed texts/*.json mail.html
var texts embed.FS

// A catalogue has the texts of one language: those that all mails share, and those of each kind.
type catalogue struct {
	Greeting       phrase            `json:"greeting"`
	GreetingNobody phrase            `json:"greetingNobody"`
	Ignore         string            `json:"ignore"`
	Fallback       string            `json:"fallback"`
	Labels         labels            `json:"labels"`
	Roles          map[string]string `json:"roles"`
	kinds          map[Kind]words
}

// Words are those of one kind of mail, with {{.value}} for what the message brings.
type words struct {
	Subject phrase   `json:"subject"`
	Lines   []phrase `json:"lines"`
	Button  phrase   `json:"button"`
	After   []phrase `json:"after"`
}

// Labels stand before what mails show of an event.
type labels struct {
	When   string `json:"when"`
	Number string `json:"number"`
	Agenda string `json:"agenda"`
	Lobby  string `json:"lobby"`
	Stop   string `json:"stop"`
}

// A phrase is a text with {{.value}} for what the message brings.
type phrase struct{ *text.Template }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *phrase) UnmarshalText(b []byte) (err error) {
	p.Template, err = text.New("").Option("missingkey=error").Parse(string(b))
	return err
}

var catalogues = sync.OnceValue(func() map[string]catalogue {
	all := map[string]catalogue{}
	for _, language := range []string{"en", "fr"} {
		b, err := texts.ReadFile("texts/" + language + ".json")
		if err != nil {
			panic(err) // part of the program
		}
		c := catalogue{kinds: map[Kind]words{}}
		if err := json.Unmarshal(b, &c); err != nil {
			panic(err)
		}
		var parts map[string]json.RawMessage
		if err := json.Unmarshal(b, &parts); err != nil {
			panic(err)
		}
		for _, kind := range kinds {
			var w words
			if err := json.Unmarshal(parts[string(kind)], &w); err != nil {
				panic(fmt.Sprintf("%s: %s: %v", language, kind, err))
			}
			c.kinds[kind] = w
		}
		all[language] = c
	}
	return all
})

// Freshet's own colours: melt and on-melt of tokens.css.
const (
	colour   = "#0A6570"
	onColour = "#FFFFFF"
)

var layout = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(texts, "mail.html")) })

// write turns m into a mail. What persons have chosen, names above all, goes into it as text.
func write(m Message) (Written, error) {
	c, ok := catalogues()[m.Language]
	if !ok {
		c = catalogues()["en"]
		m.Language = "en"
	}
	w, ok := c.kinds[m.Kind]
	if !ok {
		return Written{}, fmt.Errorf("mail: there is no kind %q", m.Kind)
	}
	values := map[string]string{"name": m.Name}
	for k, v := range m.Values {
		values[k] = v
	}
	if role, ok := c.Roles[values["role"]]; ok {
		values["role"] = role
	}
	var err error
	fill := func(p phrase) string {
		var b strings.Builder
		if err == nil {
			err = p.Execute(&b, values)
		}
		return b.String()
	}
	greeting := c.Greeting
	if strings.TrimSpace(m.Name) == "" {
		greeting = c.GreetingNobody
	}
	page := struct {
		Language, Subject, Greeting, Button, Link, Fallback, Ignore string
		Lines, After                                                []string
		Brand                                                       Brand
		About                                                       About
		Labels                                                      labels
		Stop                                                        string
	}{
		Language: m.Language, Subject: oneLine(fill(w.Subject)), Greeting: fill(greeting), Button: fill(w.Button),
		Link: m.Values["link"], Fallback: c.Fallback, Ignore: c.Ignore, About: m.About, Labels: c.Labels, Stop: m.Stop.Page,
	}
	if m.Stop.Page != "" { // nobody has asked for it
		page.Ignore = ""
	}
	if m.Brand != nil {
		page.Brand = m.Brand.fitted()
	}
	if page.Brand.Colour == "" {
		page.Brand.Colour, page.Brand.OnColour = colour, onColour
	}
	for _, line := range w.Lines {
		page.Lines = append(page.Lines, fill(line))
	}
	for _, line := range w.After {
		page.After = append(page.After, fill(line))
	}
	if err != nil {
		return Written{}, err
	}
	out := Written{Subject: page.Subject, Stop: m.Stop.Call}
	if m.Calendar.Text != "" {
		out.Calendar = &m.Calendar
	}
	parts := append([]string{page.Greeting}, page.Lines...)
	parts = append(parts, m.About.facts(c.Labels), page.Button+":\n"+page.Link)
	parts = append(parts, page.After...)
	parts = append(parts, m.About.rest(c.Labels)...)
	parts = append(parts, page.Ignore)
	if page.Stop != "" {
		parts = append(parts, "-- \n"+c.Labels.Stop+":\n"+page.Stop)
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	out.Text = strings.Join(parts, "\n\n") + "\n"
	var html strings.Builder
	if err := layout().Execute(&html, page); err != nil {
		return Written{}, err
	}
	out.HTML = html.String()
	return out, nil
}

// facts are the short lines of a, as text.
func (a About) facts(l labels) string {
	var lines []string
	for _, f := range [][2]string{{l.When, a.When}, {l.Number, a.Number}} {
		if f[1] != "" {
			lines = append(lines, f[0]+" "+f[1])
		}
	}
	return strings.Join(lines, "\n")
}

// rest is what comes below the button, as text.
func (a About) rest(l labels) []string {
	var parts []string
	if len(a.Agenda) > 0 {
		lines := []string{l.Agenda}
		for _, i := range a.Agenda {
			lines = append(lines, strings.TrimSpace(i.At+"  "+i.Title))
			if i.Text != "" {
				lines = append(lines, i.Text)
			}
		}
		parts = append(parts, strings.Join(lines, "\n"))
	}
	if a.Lobby != "" {
		parts = append(parts, l.Lobby+"\n"+a.Lobby)
	}
	return append(parts, a.Signature)
}

// oneLine is s without line breaks, which a header must not have.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
