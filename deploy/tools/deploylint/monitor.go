package main

import (
	"errors"
	"fmt"
	"slices"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var monitoring = schema.GroupVersion{Group: "monitoring.coreos.com", Version: "v1"}

// A serviceMonitor is that of the Prometheus Operator, as far as the chart uses it.
type serviceMonitor struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            struct {
		Selector  meta.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port      string `json:"port"`
			Interval  string `json:"interval,omitempty"`
			Scheme    string `json:"scheme,omitempty"`
			TLSConfig *struct {
				InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`
			} `json:"tlsConfig,omitempty"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// GetObjectKind and DeepCopyObject implement runtime.Object. What is decoded here is never changed.
func (m *serviceMonitor) GetObjectKind() schema.ObjectKind { return &m.TypeMeta }

func (m *serviceMonitor) DeepCopyObject() runtime.Object {
	c := *m
	return &c
}

// check sees that each endpoint is a port of a Service that m selects.
func (m *serviceMonitor) check(services []*core.Service) (err error) {
	selector, err := meta.LabelSelectorAsSelector(&m.Spec.Selector)
	if err != nil {
		return err
	}
	var ports []string
	for _, s := range services {
		if !selector.Empty() && selector.Matches(labels.Set(s.Labels)) {
			for _, p := range s.Spec.Ports {
				ports = append(ports, p.Name)
			}
		}
	}
	if ports == nil {
		return errors.New("it selects no Service")
	}
	for _, e := range m.Spec.Endpoints {
		if !slices.Contains(ports, e.Port) {
			err = errors.Join(err, fmt.Errorf("no port %q of what it selects", e.Port))
		}
	}
	return err
}
