package mail

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"sync"
	text "text/template"
)

//go:embed texts/*.json mail.html
var texts embed.FS

// A catalogue has the texts of one language: those that all mails share, and those of each kind.
type catalogue struct {
	Greeting       string            `json:"greeting"`
	GreetingNobody string            `json:"greetingNobody"`
	Ignore         string            `json:"ignore"`
	Fallback       string            `json:"fallback"`
	Roles          map[string]string `json:"roles"`
	kinds          map[Kind]words
}

// Words are those of one kind of mail, with {{.value}} for what the message brings.
type words struct {
	Subject string   `json:"subject"`
	Lines   []string `json:"lines"`
	Button  string   `json:"button"`
	After   []string `json:"after"`
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
	fill := func(s string) string {
		if err != nil {
			return ""
		}
		s, err = fillIn(s, values)
		return s
	}
	greeting := c.Greeting
	if strings.TrimSpace(m.Name) == "" {
		greeting = c.GreetingNobody
	}
	page := struct {
		Language, Subject, Greeting, Button, Link, Fallback, Ignore string
		Lines, After                                                []string
		Brand                                                       Brand
	}{
		Language: m.Language, Subject: oneLine(fill(w.Subject)), Greeting: fill(greeting), Button: fill(w.Button),
		Link: m.Values["link"], Fallback: c.Fallback, Ignore: c.Ignore,
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
	out := Written{Subject: page.Subject}
	out.Text = strings.Join([]string{
		page.Greeting, strings.Join(page.Lines, "\n\n"), page.Button + ":\n" + page.Link, strings.Join(page.After, "\n\n"), page.Ignore,
	}, "\n\n") + "\n"
	var html strings.Builder
	if err := layout().Execute(&html, page); err != nil {
		return Written{}, err
	}
	out.HTML = html.String()
	return out, nil
}

func fillIn(s string, values map[string]string) (string, error) {
	t, err := text.New("").Option("missingkey=error").Parse(s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, values)
	return b.String(), err
}

// oneLine is s without line breaks, which a header must not have.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
