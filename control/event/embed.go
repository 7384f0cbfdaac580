package event

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"freshet/control/filter"
	"freshet/proto/problem"
)

// A Where says on which sites the player of an event may stand.
type Where string

// Where the player may stand: on our own pages always. Anywhere is what an event begins with: whoever may watch may watch
// there, too, since the access rule holds in a frame as it does here.
const (
	Anywhere Where = "anywhere"
	OnSites  Where = "listed"
	Nowhere  Where = "nowhere"
)

// sitesLength is how many characters the sites of an event may have together: all of them stand in one header of the
// page, and many a proxy takes 4 KiB of headers.
const sitesLength = 2500

// An Embed says on which sites the player of an event may stand; the zero Embed, on any.
type Embed struct {
	Where Where    `json:"where" enum:"anywhere,listed,nowhere"`
	Sites []string `json:"sites,omitempty" nullable:"false" maxItems:"50" doc:"Names of hosts, with a port where it is not that of HTTP or HTTPS; *.example.org is all below example.org"`
}

// applyEmbed keeps what was said of sites as they are compared.
func (f *EventFields) applyEmbed(e *Event, wrong *problem.Faults) {
	if f.Embed == nil {
		return
	}
	kept, length := Embed{Where: f.Embed.Where}, 0
	for n, s := range f.Embed.Sites {
		site, ok := siteOf(s)
		if !ok {
			wrong.Add(fmt.Sprintf("/embed/sites/%d", n), "A site is the name of a host, such as www.example.org or *.example.org.")
		} else if !slices.Contains(kept.Sites, site) {
			kept.Sites, length = append(kept.Sites, site), length+len(site)
		}
	}
	if length > sitesLength {
		wrong.Add("/embed/sites", "The sites have at most 2,500 characters together.")
	}
	e.Embed.V = kept
}

// siteOf reads a site as persons write it, of an address of a page, too: "https://www.Example.org/news".
func siteOf(s string) (string, bool) {
	s = strings.TrimSpace(s)
	for _, scheme := range []string{"https://", "http://"} {
		if rest, ok := strings.CutPrefix(strings.ToLower(s), scheme); ok {
			s, _, _ = strings.Cut(rest, "/")
		}
	}
	host, port, ported := strings.Cut(s, ":")
	name, ok := filter.Name(host)
	if !ok || !ported {
		return name, ok
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", false
	}
	return name + ":" + strconv.FormatUint(n, 10), true
}

// Allows says whether a page of origin, as browsers write it, may show the player. Our own pages do not ask.
func (e Embed) Allows(origin string) bool {
	if e.Where != OnSites {
		return e.Where != Nowhere
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		port = ""
	}
	return slices.ContainsFunc(e.Sites, func(site string) bool {
		name, own, _ := strings.Cut(site, ":")
		return own == port && filter.Matches(name, host)
	})
}

// Ancestors are the sources of frame-ancestors (CSP level 3) that say what e says. http stands for https, too.
func (e Embed) Ancestors() string {
	if e.Where != OnSites && e.Where != Nowhere {
		return "*"
	}
	sources := []string{"'self'"}
	if e.Where == OnSites {
		for _, s := range e.Sites {
			sources = append(sources, "http://"+s)
		}
	}
	return strings.Join(sources, " ")
}

// Filters are the lists by which an event lets people come, as they are written.
type Filters struct {
	AllowAddresses []string `json:"allowAddresses" nullable:"false" maxItems:"200" doc:"Networks in CIDR form, or addresses; where there is one, nobody comes from elsewhere"`
	DenyAddresses  []string `json:"denyAddresses" nullable:"false" maxItems:"200"`
	AllowDomains   []string `json:"allowDomains" nullable:"false" maxItems:"200" doc:"Of email addresses; *.example.org is all below example.org. Where there is one, nobody comes with another"`
	DenyDomains    []string `json:"denyDomains" nullable:"false" maxItems:"200"`
	AllowCountries []string `json:"allowCountries" required:"false" nullable:"false" maxItems:"200" doc:"Codes of ISO 3166-1, such as CA; where there is one, nobody comes from elsewhere, nor from where control does not know the country. Absent: as it is"`
	DenyCountries  []string `json:"denyCountries" required:"false" nullable:"false" maxItems:"200" doc:"Whoever comes from where control does not know the country comes in. Absent: as it is"`
}

// applyFilters keeps what was said of who may come as it is compared.
func (f *EventFields) applyFilters(e *Event, wrong *problem.Faults) {
	if f.Filters == nil {
		return
	}
	networks := func(name string, all []string) (kept []netip.Prefix) {
		for n, s := range all {
			p, ok := filter.Network(strings.TrimSpace(s))
			if !ok {
				wrong.Add(fmt.Sprintf("/filters/%s/%d", name, n), "A network is an address, or one in CIDR form, such as 192.0.2.0/24.")
			} else if !slices.Contains(kept, p) {
				kept = append(kept, p)
			}
		}
		return kept
	}
	domains := func(name string, all []string) (kept []string) {
		for n, s := range all {
			d, ok := filter.Name(strings.TrimPrefix(strings.TrimSpace(s), "@"))
			if !ok {
				wrong.Add(fmt.Sprintf("/filters/%s/%d", name, n), "A domain is what stands behind the @ of email addresses, such as example.org or *.example.org.")
			} else if !slices.Contains(kept, d) {
				kept = append(kept, d)
			}
		}
		return kept
	}
	countries := func(name string, all, was []string) (kept []string) {
		if all == nil {
			return was // programs that know of no countries let nobody in by that
		}
		for n, s := range all {
			c, ok := filter.Country(s)
			if !ok {
				wrong.Add(fmt.Sprintf("/filters/%s/%d", name, n), "A country is written by its two letters of ISO 3166-1, such as CA.")
			} else if !slices.Contains(kept, c) {
				kept = append(kept, c)
			}
		}
		return kept
	}
	e.Filter.V = filter.Filter{
		Addresses: filter.Addresses{Allow: networks("allowAddresses", f.Filters.AllowAddresses), Deny: networks("denyAddresses", f.Filters.DenyAddresses)},
		Domains:   filter.Domains{Allow: domains("allowDomains", f.Filters.AllowDomains), Deny: domains("denyDomains", f.Filters.DenyDomains)},
		Countries: filter.Countries{
			Allow: countries("allowCountries", f.Filters.AllowCountries, e.Filter.V.Countries.Allow),
			Deny:  countries("denyCountries", f.Filters.DenyCountries, e.Filter.V.Countries.Deny),
		},
	}
}

// filtersOf writes what is kept.
func filtersOf(f filter.Filter) Filters {
	written := func(all []netip.Prefix) []string {
		texts := []string{}
		for _, p := range all {
			texts = append(texts, strings.TrimSuffix(p.String(), fmt.Sprintf("/%d", p.Addr().BitLen())))
		}
		return texts
	}
	return Filters{
		AllowAddresses: written(f.Addresses.Allow), DenyAddresses: written(f.Addresses.Deny),
		AllowDomains: append([]string{}, f.Domains.Allow...), DenyDomains: append([]string{}, f.Domains.Deny...),
		AllowCountries: append([]string{}, f.Countries.Allow...), DenyCountries: append([]string{}, f.Countries.Deny...),
	}
}
