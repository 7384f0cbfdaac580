package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	network "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

// An object is what a document decodes to.
type object struct {
	kind, name string
	value      runtime.Object
}

var strict = json.NewSerializerWithOptions(json.DefaultMetaFactory, kinds, kinds, json.SerializerOptions{Yaml: true, Strict: true})

// kinds are Kubernetes's own, and the Prometheus Operator's that we use.
var kinds = func() *runtime.Scheme {
	all := runtime.NewScheme()
	if err := scheme.AddToScheme(all); err != nil {
		panic(err) // two kinds of one name, as built
	}
	all.AddKnownTypeWithName(monitoring.WithKind("ServiceMonitor"), &serviceMonitor{})
	return all
}()

// decode returns the objects of a YAML stream. A field that Kubernetes's type of that kind does not have is an error.
func decode(text string) (all []object, err error) {
	documents := yaml.NewDocumentDecoder(io.NopCloser(strings.NewReader(text)))
	for {
		b := make([]byte, len(text)+1)
		n, err := documents.Read(b)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if onlyComments(string(b[:n])) {
			continue
		}
		value, kind, err := strict.Decode(b[:n], nil, nil)
		if err != nil {
			return nil, err
		}
		m, ok := value.(meta.Object)
		if !ok {
			return nil, fmt.Errorf("%s is no object", kind)
		}
		all = append(all, object{kind.Kind, m.GetName(), value})
	}
}

func onlyComments(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && line != "---" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}

// checkObjects sees that names are used once, that whatever selects pods finds some, and that pods are as all of ours are.
func checkObjects(all []object) (err error) {
	names := map[string]bool{}
	var sets []*apps.StatefulSet
	var services []*core.Service
	for _, o := range all {
		if names[o.kind+" "+o.name] {
			err = errors.Join(err, fmt.Errorf("%s %s twice", o.kind, o.name))
		}
		names[o.kind+" "+o.name] = true
		if set, ok := o.value.(*apps.StatefulSet); ok {
			sets = append(sets, set)
		}
		if s, ok := o.value.(*core.Service); ok {
			services = append(services, s)
		}
	}
	if len(sets) == 0 {
		err = errors.Join(err, errors.New("no StatefulSet"))
	}
	for _, o := range all {
		bad := checkObject(o, sets, names)
		if m, ok := o.value.(*serviceMonitor); ok {
			bad = m.check(services)
		}
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("%s %s: %w", o.kind, o.name, bad))
		}
	}
	return err
}

func checkObject(o object, sets []*apps.StatefulSet, names map[string]bool) error {
	switch v := o.value.(type) {
	case *apps.StatefulSet:
		if !names["Service "+v.Spec.ServiceName] || !names["PodDisruptionBudget "+v.Name] {
			return errors.New("want its Service, and a PodDisruptionBudget of its name")
		}
		if _, err := podsOf(v.Spec.Selector, []*apps.StatefulSet{v}); err != nil {
			return err
		}
		return checkPod(v)
	case *core.Service:
		set, err := podsOf(&meta.LabelSelector{MatchLabels: v.Spec.Selector}, sets)
		for _, p := range v.Spec.Ports {
			err = errors.Join(err, hasPort(set, p.TargetPort.StrVal, p.Protocol))
		}
		return err
	case *policy.PodDisruptionBudget:
		_, err := podsOf(v.Spec.Selector, sets)
		return err
	case *network.NetworkPolicy:
		set, err := podsOf(&v.Spec.PodSelector, sets)
		for _, rule := range v.Spec.Ingress {
			for _, p := range rule.Ports {
				protocol := core.ProtocolTCP
				if p.Protocol != nil {
					protocol = *p.Protocol
				}
				err = errors.Join(err, hasPort(set, p.Port.StrVal, protocol))
			}
		}
		return err
	}
	return errors.New("a kind that nothing here knows")
}

// podsOf returns the one set whose pods s selects.
func podsOf(s *meta.LabelSelector, sets []*apps.StatefulSet) (found *apps.StatefulSet, err error) {
	selector, err := meta.LabelSelectorAsSelector(s)
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		if !selector.Empty() && selector.Matches(labels.Set(set.Spec.Template.Labels)) {
			if found != nil {
				return nil, fmt.Errorf("it selects pods of %s and of %s", found.Name, set.Name)
			}
			found = set
		}
	}
	if found == nil {
		return nil, errors.New("it selects no pods")
	}
	return found, nil
}

func hasPort(set *apps.StatefulSet, name string, protocol core.Protocol) error {
	if set == nil {
		return nil // told already
	}
	if protocol == "" {
		protocol = core.ProtocolTCP
	}
	for _, c := range set.Spec.Template.Spec.Containers {
		if slices.ContainsFunc(c.Ports, func(p core.ContainerPort) bool {
			return p.Name == name && (p.Protocol == protocol || p.Protocol == "" && protocol == core.ProtocolTCP)
		}) {
			return nil
		}
	}
	return fmt.Errorf("%s has no port %q of %s", set.Name, name, protocol)
}
